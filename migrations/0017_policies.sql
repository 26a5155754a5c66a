-- What teams and administrators say about images, and what is let pass until a moment.

-- Every policy that a team ever had; the newest counts. Only a published change brings one.
CREATE TABLE team_policy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    -- Canonical JSON of the statements; absent for the standard one.
    statements text CHECK (octet_length(statements) <= 32768 AND jsonb_typeof(statements::jsonb) = 'array'),
    change_number bigint NOT NULL UNIQUE,
    set_at timestamptz NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
CREATE INDEX team_policy_by_team ON team_policy (team_id, id DESC);
CREATE TRIGGER policy_stays BEFORE UPDATE OR DELETE ON team_policy FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_stay BEFORE TRUNCATE ON team_policy EXECUTE FUNCTION refuse_change();

-- What the team's anchors and statements are now, and what limits single anchors; the statements stand in it as they were agreed, byte for byte.
CREATE OR REPLACE FUNCTION team_content_document(of_team bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{' || team_content_constraints(of_team) || '"schema":1,'
        || coalesce('"statements":' || (SELECT p.statements FROM team_policy p WHERE p.team_id = of_team
            ORDER BY p.id DESC LIMIT 1) || ',', '')
        || '"stores":[' || coalesce(string_agg(
        '{"anchors":['
            || coalesce((SELECT string_agg('"' || a.sha256 || '"', ',' ORDER BY a.sha256) FROM anchor a
                WHERE a.store_id = s.id AND a.state = 'active'), '')
            || '],"kind":"' || s.kind || '","name":"' || s.name || '"}', ',' ORDER BY s.kind, s.name), '') || ']}'
    FROM trust_store s WHERE s.team_id = of_team
$$;

GRANT SELECT ON team_policy TO roadstead_api, roadstead_publisher;
GRANT INSERT ON team_policy TO roadstead_publisher;

-- What the administrators say of a fleet's images beside its teams: all there ever was, the newest counts.
CREATE TABLE fleet_policy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- Canonical JSON.
    policy text NOT NULL CHECK (octet_length(policy) <= 65536 AND jsonb_typeof(policy::jsonb) = 'object'),
    change_number bigint NOT NULL REFERENCES change,
    set_at timestamptz NOT NULL
);
CREATE INDEX fleet_policy_by_fleet ON fleet_policy (fleet_id, id DESC);
CREATE TRIGGER policy_stays BEFORE UPDATE OR DELETE ON fleet_policy FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_stay BEFORE TRUNCATE ON fleet_policy EXECUTE FUNCTION refuse_change();

-- What a fleet lets pass until a moment: one digest, or one scope at the level audit.
CREATE TABLE policy_exception (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- The team that asked for it.
    team_id bigint REFERENCES team,
    digest text COLLATE "C" CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    scope text COLLATE "C" CHECK (octet_length(scope) BETWEEN 1 AND 512),
    until_at timestamptz NOT NULL,
    owner text NOT NULL CHECK (octet_length(owner) BETWEEN 1 AND 200),
    reason text NOT NULL,
    added_by_change bigint NOT NULL REFERENCES change,
    added_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- Absent where it ended by itself.
    ended_by_change bigint REFERENCES change,
    CHECK ((digest IS NULL) <> (scope IS NULL)),
    CHECK (until_at > added_at AND until_at <= added_at + interval '30 days'),
    CHECK (ended_by_change IS NULL OR ended_at IS NOT NULL)
);
CREATE INDEX policy_exception_in_force ON policy_exception (fleet_id, until_at) WHERE ended_at IS NULL;
CREATE TRIGGER ended_exception_stays BEFORE UPDATE ON policy_exception FOR EACH ROW
    WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exception_stays BEFORE DELETE ON policy_exception FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exceptions_stay BEFORE TRUNCATE ON policy_exception EXECUTE FUNCTION refuse_change();

-- A change for a rehearsal's rows to refer to. It is a draft with a number that no change has; its transaction is undone.
CREATE SEQUENCE rehearsal_number;
CREATE FUNCTION begin_rehearsal(of_team bigint, by_author bigint, with_credential bigint, says bytea, ending timestamptz,
    moment timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    given bigint := -nextval('rehearsal_number');
BEGIN
    INSERT INTO change (number, team_id, author, credential_id, state, base_version, content, digest, adds,
        approvals_needed, officers_needed, created_at, expires_at, break_glass_until)
    VALUES (given, of_team, by_author, with_credential, 'draft', 1, says,
        encode(sha256(convert_to('rehearsal ' || given, 'UTF8')), 'hex'), true, 1, 0, moment, moment, ending);
    RETURN given;
END
$$;
REVOKE ALL ON FUNCTION begin_rehearsal FROM PUBLIC;
-- What stays would be a draft that nobody can submit: nobody's number is negative.
CREATE FUNCTION refuse_rehearsal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a rehearsal is never kept'
        USING ERRCODE = 'check_violation', TABLE = 'change', CONSTRAINT = 'rehearsal_is_undone';
END
$$;
CREATE CONSTRAINT TRIGGER rehearsal_is_undone AFTER INSERT ON change DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.number < 0) EXECUTE FUNCTION refuse_rehearsal();

-- As before, and a rehearsal lifts a denial too: it is undone.
CREATE OR REPLACE FUNCTION denial_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL
        OR (OLD.id, OLD.kind, OLD.value, OLD.issuer, OLD.team_id, OLD.reason, OLD.author, OLD.change_number, OLD.issued_at)
            IS DISTINCT FROM
            (NEW.id, NEW.kind, NEW.value, NEW.issuer, NEW.team_id, NEW.reason, NEW.author, NEW.change_number, NEW.issued_at)
    THEN
        RAISE EXCEPTION 'denial % is never changed', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'denial', CONSTRAINT = 'denial_goes_on';
    END IF;
    IF NEW.lifted_at IS NOT NULL AND NEW.lifted_by_change > 0 AND NOT EXISTS (
        SELECT FROM change c JOIN change_decision d ON d.change_number = c.number AND d.digest = c.digest
        WHERE c.number = NEW.lifted_by_change AND c.adds AND d.approves
            AND c.team_id IS NOT DISTINCT FROM OLD.team_id)
    THEN
        RAISE EXCEPTION 'denial % is lifted by an approved change only', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'denial', CONSTRAINT = 'denial_lifted_by_change';
    END IF;
    RETURN NEW;
END
$$;

GRANT EXECUTE ON FUNCTION begin_rehearsal TO roadstead_publisher;
GRANT SELECT ON fleet_policy, policy_exception TO roadstead_api, roadstead_publisher;
GRANT INSERT ON fleet_policy TO roadstead_publisher;
GRANT INSERT, UPDATE (ended_at, ended_by_change) ON policy_exception TO roadstead_publisher;
-- Ending one takes nothing but a way around away, which one person may do.
GRANT UPDATE (ended_at, ended_by_change) ON policy_exception TO roadstead_api;

-- Behind the wall of row-level security: a team's policies are the team's; an exception is also its fleet's.
SELECT raise_team_wall('team_policy');
SELECT raise_wall('policy_exception', walls.rule, walls.rule) FROM (VALUES (
    '(SELECT sees_all_teams()) OR team_id = ANY ((SELECT visible_teams())::bigint[])'
    || ' OR fleet_id = ANY ((SELECT visible_fleets())::bigint[])')) AS walls (rule);
