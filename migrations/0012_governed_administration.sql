-- Teams, scopes, rules, roles and what fleets do are changed by changes that others agreed to, once there are others.

-- While one person at most could agree, that person's administration is in force at once. It ends for good.
CREATE TABLE founding (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    over_at timestamptz
);
CREATE FUNCTION count_founders() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT p.id) FROM role_binding b JOIN person p ON p.id = b.person_id
    WHERE b.role IN ('trust-admin', 'security-officer') AND b.team_id IS NULL AND b.fleet_id IS NULL
        AND b.revoked_at IS NULL AND p.disabled_at IS NULL
$$;
INSERT INTO founding (over_at) SELECT CASE WHEN count_founders() >= 2 THEN now() END;
CREATE TRIGGER founding_is_over BEFORE UPDATE ON founding FOR EACH ROW
    WHEN (OLD.over_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER founding_stays BEFORE DELETE ON founding FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER foundings_stay BEFORE TRUNCATE ON founding EXECUTE FUNCTION refuse_change();

-- Whether it is not over yet; then it stays so until the transaction ends.
CREATE FUNCTION founding_holds() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM founding WHERE over_at IS NULL FOR NO KEY UPDATE;
    RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION founding_holds FROM PUBLIC;

-- Called wherever somebody may have become the second person who could agree.
CREATE FUNCTION end_founding_at(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF founding_holds() AND count_founders() >= 2 THEN
        UPDATE founding SET over_at = moment;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION end_founding_at FROM PUBLIC;

-- How many people could agree; NULL while founding holds. Whoever else counts them waits until the transaction ends, so
-- that two cannot each take another away.
CREATE FUNCTION count_who_agree() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    is_over boolean;
BEGIN
    SELECT over_at IS NOT NULL INTO is_over FROM founding FOR NO KEY UPDATE;
    RETURN CASE WHEN is_over THEN count_founders() END;
END
$$;
REVOKE ALL ON FUNCTION count_who_agree FROM PUBLIC;

CREATE FUNCTION end_founding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM end_founding_at(NEW.granted_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER founding_ends AFTER INSERT ON role_binding FOR EACH ROW
    WHEN (NEW.role IN ('trust-admin', 'security-officer') AND NEW.team_id IS NULL AND NEW.fleet_id IS NULL)
    EXECUTE FUNCTION end_founding();

-- A change may be in force because of founding, or be about one fleet.
ALTER TABLE change ADD COLUMN founding boolean NOT NULL DEFAULT false,
    ADD COLUMN fleet_id bigint REFERENCES fleet,
    ADD CONSTRAINT founding_is_administration CHECK (NOT founding OR (team_id IS NULL AND state = 'published')),
    DROP CONSTRAINT change_check1,
    ADD CONSTRAINT adding_takes_others CHECK (NOT adds OR state = 'draft' OR approvals_needed >= 1 OR founding);
CREATE INDEX change_by_fleet ON change (fleet_id, number) WHERE fleet_id IS NOT NULL;

CREATE FUNCTION refuse_founding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT founding_holds() THEN
        RAISE EXCEPTION 'founding is over: change % takes the approval of others', NEW.number
            USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'founding_is_over';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER founding_of_change BEFORE INSERT ON change FOR EACH ROW
    WHEN (NEW.founding) EXECUTE FUNCTION refuse_founding();
CREATE TRIGGER founding_of_submitted BEFORE UPDATE ON change FOR EACH ROW
    WHEN (NEW.founding AND NOT OLD.founding) EXECUTE FUNCTION refuse_founding();
CREATE TRIGGER founding_of_change_stays BEFORE UPDATE ON change FOR EACH ROW
    WHEN (OLD.founding) EXECUTE FUNCTION refuse_change();

-- The fence behind the rule: after founding the API writes none of this. The publisher does, from what was agreed.
CREATE FUNCTION refuse_ungoverned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'roadstead_api' AND NOT founding_holds() THEN
        RAISE EXCEPTION '% of % is refused: it takes a change that others agreed to', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', TABLE = TG_TABLE_NAME, CONSTRAINT = 'governed';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER governed BEFORE INSERT OR DELETE OR UPDATE OF removed_at ON team
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed BEFORE INSERT OR UPDATE OR DELETE ON team_scope
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed BEFORE INSERT OR UPDATE OR DELETE ON fleet_team
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed BEFORE INSERT OR UPDATE OR DELETE ON fleet_enforcer
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
-- What a rule only refuses takes trust away, which one person may do.
CREATE TRIGGER governed BEFORE INSERT ON root_rule FOR EACH ROW
    WHEN (NOT (NEW.definition::jsonb ? 'deny' AND NOT NEW.definition::jsonb ? 'allow'))
    EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed_removal BEFORE UPDATE OR DELETE ON root_rule
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed BEFORE INSERT ON invitation FOR EACH ROW
    WHEN (NEW.bindings <> '[]') EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed_roles BEFORE UPDATE ON invitation FOR EACH ROW
    WHEN (NEW.bindings <> OLD.bindings) EXECUTE FUNCTION refuse_ungoverned();

-- A role comes by a change, or by the invitation that lists it, once.
CREATE FUNCTION role_was_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reach text := coalesce(
        (SELECT 'team:' || name FROM team WHERE id = NEW.team_id),
        (SELECT 'fleet:' || name FROM fleet WHERE id = NEW.fleet_id), 'everything');
BEGIN
    IF current_user = 'roadstead_api' AND NOT founding_holds() AND (
        NOT EXISTS (SELECT FROM invitation i WHERE i.person_id = NEW.person_id
            AND i.bindings::jsonb @> jsonb_build_array(jsonb_build_object('role', NEW.role, 'reach', reach)))
        OR EXISTS (SELECT FROM role_binding b WHERE b.person_id = NEW.person_id AND b.role = NEW.role
            AND b.team_id IS NOT DISTINCT FROM NEW.team_id AND b.fleet_id IS NOT DISTINCT FROM NEW.fleet_id))
    THEN
        RAISE EXCEPTION 'a role is given by a change that others agreed to'
            USING ERRCODE = 'insufficient_privilege', TABLE = 'role_binding', CONSTRAINT = 'role_was_agreed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER role_was_agreed BEFORE INSERT ON role_binding FOR EACH ROW EXECUTE FUNCTION role_was_agreed();

-- What was taken away is given back as something new, with what that takes: never by those who serve undoing it.
CREATE FUNCTION refuse_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user IN ('roadstead_api', 'roadstead_publisher') THEN
        RAISE EXCEPTION '% of % is refused: what was taken away is not given back', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', TABLE = TG_TABLE_NAME, CONSTRAINT = 'taken_away_stays';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON role_binding FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL) EXECUTE FUNCTION refuse_return();
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON person FOR EACH ROW
    WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS DISTINCT FROM OLD.disabled_at)
    EXECUTE FUNCTION refuse_return();
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON credential FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    EXECUTE FUNCTION refuse_return();

-- What a fleet's hosts do beside their mode. Without a time of its own a fleet has its profile's.
ALTER TABLE fleet
    ADD COLUMN reject_after_seconds bigint CHECK (reject_after_seconds BETWEEN 3600 AND 34560000),
    ADD COLUMN inexpressible text COLLATE "C" NOT NULL DEFAULT 'reject-scope'
        CHECK (inexpressible IN ('reject-scope', 'report-unenforced')),
    ADD COLUMN local_scopes text[] NOT NULL DEFAULT '{}' CHECK (cardinality(local_scopes) <= 1000);
CREATE TRIGGER governed BEFORE UPDATE OF mode, reject_after_seconds, inexpressible, local_scopes ON fleet
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
-- A new fleet observes, with the settings that every fleet begins with.
CREATE TRIGGER governed_begin BEFORE INSERT ON fleet FOR EACH ROW
    WHEN (NEW.mode <> 'observe' OR NEW.reject_after_seconds IS NOT NULL OR NEW.inexpressible <> 'reject-scope'
        OR NEW.local_scopes <> '{}')
    EXECUTE FUNCTION refuse_ungoverned();

GRANT SELECT ON founding TO roadstead_api, roadstead_publisher;
GRANT EXECUTE ON FUNCTION founding_holds, end_founding_at, count_who_agree TO roadstead_api, roadstead_publisher;
GRANT INSERT (founding, fleet_id), UPDATE (founding, fleet_id) ON change TO roadstead_api;
GRANT UPDATE (bindings) ON invitation TO roadstead_api;
GRANT DELETE ON repository TO roadstead_api;
GRANT UPDATE (reject_after_seconds, inexpressible, local_scopes) ON fleet TO roadstead_api;

GRANT INSERT (name, display_name, custody, created_at), UPDATE (removed_at) ON team TO roadstead_publisher;
GRANT INSERT, DELETE ON team_scope, fleet_team TO roadstead_publisher;
GRANT INSERT, UPDATE (removed_at) ON root_rule TO roadstead_publisher;
GRANT INSERT, UPDATE (revoked_at, revoked_by) ON role_binding TO roadstead_publisher;
GRANT UPDATE (mode, reject_after_seconds, inexpressible, local_scopes) ON fleet TO roadstead_publisher;
GRANT INSERT, UPDATE (mode), DELETE ON fleet_enforcer TO roadstead_publisher;
GRANT SELECT (id, subject, display_name, bindings, invited_by, created_at, expires_at, accepted_at, person_id),
    UPDATE (bindings) ON invitation TO roadstead_publisher;
-- For locking people who administer, so that two changes cannot each take the other's last one away.
GRANT UPDATE (display_name) ON person TO roadstead_publisher;
