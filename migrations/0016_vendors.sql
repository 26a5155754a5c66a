-- Third parties that are registered once and used by many teams, and who from outside a team must agree.

-- How many approvers must hold no role that is bound to the team that asks.
ALTER TABLE change ADD COLUMN outsiders_needed integer NOT NULL DEFAULT 0
    CHECK (outsiders_needed BETWEEN 0 AND approvals_needed);
GRANT UPDATE (outsiders_needed) ON change TO roadstead_api, roadstead_publisher;
-- As with approvals and officers: once it is submitted only an edit takes the need away.
CREATE TRIGGER change_needs_no_fewer_outsiders BEFORE UPDATE ON change FOR EACH ROW
    WHEN (OLD.state <> 'draft' AND NEW.version = OLD.version AND NEW.outsiders_needed < OLD.outsiders_needed)
    EXECUTE FUNCTION refuse_change();

-- Which roles in teams people have held by a group, for as long as the group brings them: who stays away from the
-- provider, or sends a token without groups, does not become an outsider by that.
CREATE TABLE insider_by_group (
    person_id bigint NOT NULL REFERENCES person,
    group_role_id bigint NOT NULL REFERENCES group_role,
    PRIMARY KEY (person_id, group_role_id)
);
CREATE FUNCTION keep_insiders() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO insider_by_group (person_id, group_role_id)
        SELECT a.person_id, g.id FROM group_role g
        JOIN asserted_groups a ON a.issuer = g.issuer AND g.group_name = ANY (a.groups)
        WHERE g.removed_at IS NULL AND g.team_id IS NOT NULL AND CASE TG_TABLE_NAME
            WHEN 'group_role' THEN g.id = (to_jsonb(NEW)->>'id')::bigint
            ELSE a.person_id = (to_jsonb(NEW)->>'person_id')::bigint END
        ON CONFLICT DO NOTHING;
    RETURN NEW;
END
$$;
CREATE TRIGGER insiders_are_kept AFTER INSERT ON group_role FOR EACH ROW EXECUTE FUNCTION keep_insiders();
CREATE TRIGGER insiders_are_kept AFTER INSERT OR UPDATE ON asserted_groups
    FOR EACH ROW EXECUTE FUNCTION keep_insiders();
INSERT INTO insider_by_group (person_id, group_role_id)
    SELECT a.person_id, g.id FROM group_role g
    JOIN asserted_groups a ON a.issuer = g.issuer AND g.group_name = ANY (a.groups)
    WHERE g.removed_at IS NULL AND g.team_id IS NOT NULL;
CREATE TRIGGER insider_stays BEFORE UPDATE OR DELETE ON insider_by_group FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT ON insider_by_group TO roadstead_api, roadstead_publisher;

-- Who is of which team: by a role of their own, or by a group that ever brought them one.
CREATE VIEW team_insider WITH (security_invoker = true) AS
    SELECT person_id, team_id FROM role_binding WHERE revoked_at IS NULL AND team_id IS NOT NULL
    UNION
    SELECT i.person_id, g.team_id FROM insider_by_group i JOIN group_role g ON g.id = i.group_role_id
    WHERE g.removed_at IS NULL;
GRANT SELECT ON team_insider TO roadstead_api, roadstead_publisher;

-- A third party; a removed one keeps its row, and its versions go on if it is registered again.
CREATE TABLE vendor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    -- Counts registrations and removals; what changes are made from.
    version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    review_by timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    removed_by_change bigint REFERENCES change,
    removed_at timestamptz,
    CHECK ((removed_at IS NULL) = (removed_by_change IS NULL))
);
CREATE TRIGGER vendor_stays BEFORE DELETE ON vendor FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was said of it, each time that two people agreed.
CREATE TABLE vendor_version (
    vendor_id bigint NOT NULL REFERENCES vendor,
    version bigint NOT NULL,
    -- Canonical JSON: names, contact, evidence, scopes, identities.
    details text NOT NULL,
    asked_by bigint NOT NULL REFERENCES team,
    registered_by bigint NOT NULL REFERENCES person,
    change_number bigint NOT NULL REFERENCES change,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (vendor_id, version),
    UNIQUE (vendor_id, change_number)
);

CREATE TABLE vendor_anchor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vendor_id bigint NOT NULL REFERENCES vendor,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('ca', 'signingAuthority', 'tsa')),
    certificate bytea NOT NULL CHECK (octet_length(certificate) BETWEEN 1 AND 65536),
    sha256 text COLLATE "C" NOT NULL CHECK (sha256 = encode(sha256(certificate), 'hex')),
    key_sha256 text COLLATE "C" NOT NULL CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    subject text NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL CHECK (not_after >= not_before),
    state text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    added_by_change bigint NOT NULL REFERENCES change,
    added_at timestamptz NOT NULL,
    removed_by_change bigint REFERENCES change,
    removed_at timestamptz,
    FOREIGN KEY (vendor_id, added_by_change) REFERENCES vendor_version (vendor_id, change_number),
    CHECK ((state = 'removed') = (removed_at IS NOT NULL)),
    CHECK ((state = 'removed') = (removed_by_change IS NOT NULL))
);
CREATE UNIQUE INDEX vendor_anchor_once ON vendor_anchor (vendor_id, kind, sha256) WHERE state = 'active';
CREATE TRIGGER removed_vendor_anchor_stays BEFORE UPDATE ON vendor_anchor FOR EACH ROW
    WHEN (OLD.state = 'removed') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER vendor_anchor_stays BEFORE DELETE ON vendor_anchor FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER vendor_version_stays BEFORE UPDATE OR DELETE ON vendor_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Fences look at all rows, whoever it is that they hold back. This one: two people agreed to exactly this, one of them
-- an administrator or officer now, by a group too, who is not of the team that asked, and neither is the author.
CREATE FUNCTION vendor_is_agreed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    approvers bigint;
    outsiders bigint;
BEGIN
    SELECT count(DISTINCT d.person_id), count(DISTINCT d.person_id) FILTER (WHERE
            EXISTS (SELECT FROM held_role h WHERE h.person_id = d.person_id
                AND (h.held_until IS NULL OR h.held_until > NEW.created_at)
                AND h.team_id IS NULL AND h.fleet_id IS NULL AND h.role IN ('trust-admin', 'security-officer'))
            AND NOT EXISTS (SELECT FROM team_insider i WHERE i.person_id = d.person_id AND i.team_id = NEW.asked_by))
        INTO approvers, outsiders
    FROM change c JOIN change_decision d ON d.change_number = c.number AND d.digest = c.digest
    WHERE c.number = NEW.change_number AND c.team_id IS NULL AND c.adds AND d.approves AND d.person_id <> c.author
        AND c.author = NEW.registered_by;
    -- What a rehearsal does is never kept.
    IF NEW.change_number > 0 AND (approvers < 2 OR outsiders < 1) THEN
        RAISE EXCEPTION 'a vendor takes two approvals, one from outside the team that asks: % and %', approvers, outsiders
            USING ERRCODE = 'check_violation', TABLE = 'vendor_version', CONSTRAINT = 'vendor_is_agreed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER vendor_is_agreed BEFORE INSERT ON vendor_version FOR EACH ROW EXECUTE FUNCTION vendor_is_agreed();

-- A vendor goes on by versions that were agreed to, and comes back by nothing else.
CREATE FUNCTION vendor_goes_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.name <> OLD.name OR NEW.version < OLD.version
        OR (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL AND NOT EXISTS (
            SELECT FROM vendor_version v WHERE v.vendor_id = NEW.id AND v.version = NEW.version))
    THEN
        RAISE EXCEPTION 'vendor % does not go on like this', OLD.name
            USING ERRCODE = 'check_violation', TABLE = 'vendor', CONSTRAINT = 'vendor_goes_on';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER vendor_goes_on BEFORE UPDATE ON vendor FOR EACH ROW EXECUTE FUNCTION vendor_goes_on();

-- Which stores of which teams follow a vendor's anchors.
CREATE TABLE vendor_use (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vendor_id bigint NOT NULL REFERENCES vendor,
    team_id bigint NOT NULL REFERENCES team,
    store_id bigint NOT NULL,
    added_by_change bigint NOT NULL,
    added_at timestamptz NOT NULL,
    ended_by_change bigint REFERENCES change,
    ended_at timestamptz,
    FOREIGN KEY (store_id, team_id) REFERENCES trust_store (id, team_id),
    FOREIGN KEY (added_by_change, team_id) REFERENCES change (number, team_id),
    CHECK ((ended_at IS NULL) = (ended_by_change IS NULL))
);
CREATE UNIQUE INDEX vendor_use_once ON vendor_use (vendor_id, store_id) WHERE ended_at IS NULL;
CREATE INDEX vendor_use_by_team ON vendor_use (team_id);
CREATE TRIGGER ended_use_stays BEFORE UPDATE ON vendor_use FOR EACH ROW
    WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER use_stays BEFORE DELETE ON vendor_use FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The vendor through whose registration an anchor is there.
ALTER TABLE anchor ADD COLUMN vendor_id bigint REFERENCES vendor CHECK (vendor_id IS NULL OR origin = 'third-party');
CREATE INDEX anchor_by_vendor ON anchor (vendor_id) WHERE vendor_id IS NOT NULL;

-- A change of a vendor is of no team, and its anchors come into the stores that follow it and leave them.
ALTER TABLE anchor DROP CONSTRAINT anchor_added_by_change_team_id_fkey,
    DROP CONSTRAINT anchor_removed_by_change_team_id_fkey,
    ADD FOREIGN KEY (added_by_change) REFERENCES change, ADD FOREIGN KEY (removed_by_change) REFERENCES change;
ALTER TABLE team_content DROP CONSTRAINT team_content_change_number_team_id_fkey,
    ADD FOREIGN KEY (change_number) REFERENCES change;

CREATE FUNCTION anchor_is_of_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    by_change bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.added_by_change ELSE NEW.removed_by_change END;
BEGIN
    IF NOT EXISTS (SELECT FROM change c WHERE c.number = by_change AND (c.team_id = NEW.team_id OR (c.team_id IS NULL
            AND EXISTS (SELECT FROM vendor_use u WHERE u.store_id = NEW.store_id))))
        OR (TG_OP = 'INSERT' AND NEW.vendor_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM vendor_anchor v JOIN vendor_use u ON u.vendor_id = v.vendor_id AND u.store_id = NEW.store_id
            WHERE v.vendor_id = NEW.vendor_id AND v.sha256 = NEW.sha256 AND v.state = 'active' AND u.ended_at IS NULL))
        OR (TG_OP = 'INSERT' AND NEW.vendor_id IS NULL
            AND NOT EXISTS (SELECT FROM change c WHERE c.number = by_change AND c.team_id = NEW.team_id))
    THEN
        RAISE EXCEPTION 'anchor % is not of change %', NEW.sha256, by_change
            USING ERRCODE = 'check_violation', TABLE = 'anchor', CONSTRAINT = 'anchor_is_of_change';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER anchor_is_of_change BEFORE INSERT ON anchor FOR EACH ROW EXECUTE FUNCTION anchor_is_of_change();
CREATE TRIGGER anchor_leaves_by_change BEFORE UPDATE ON anchor FOR EACH ROW
    WHEN (NEW.state = 'removed' AND OLD.state = 'active') EXECUTE FUNCTION anchor_is_of_change();

-- An anchor comes of a change that was agreed to, of its team or of no team; or of a rehearsal, which is never kept.
DROP TRIGGER anchor_was_agreed ON anchor;
DROP FUNCTION anchor_was_agreed;
CREATE FUNCTION anchor_is_agreed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM change c, team t
        WHERE c.number = NEW.added_by_change AND t.id = NEW.team_id AND c.adds
            AND (c.state IN ('approved', 'published') OR c.number < 0)
            AND c.break_glass_until IS NOT DISTINCT FROM NEW.until AND (NEW.until IS NULL OR t.custody = 'server'))
    THEN
        RAISE EXCEPTION 'change % does not add this anchor', NEW.added_by_change
            USING ERRCODE = 'check_violation', TABLE = 'anchor', CONSTRAINT = 'anchor_is_agreed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER anchor_is_agreed BEFORE INSERT ON anchor FOR EACH ROW EXECUTE FUNCTION anchor_is_agreed();

CREATE FUNCTION content_is_of_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM change c WHERE c.number = NEW.change_number
        AND (c.team_id = NEW.team_id OR (c.team_id IS NULL AND EXISTS (
            SELECT FROM vendor_use u WHERE u.team_id = NEW.team_id))))
    THEN
        RAISE EXCEPTION 'content % is not of change %', NEW.number, NEW.change_number
            USING ERRCODE = 'check_violation', TABLE = 'team_content', CONSTRAINT = 'content_is_of_change';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER content_is_of_change BEFORE INSERT ON team_content FOR EACH ROW
    WHEN (NEW.change_number IS NOT NULL) EXECUTE FUNCTION content_is_of_change();

GRANT SELECT ON vendor, vendor_version, vendor_anchor, vendor_use TO roadstead_api, roadstead_publisher;
-- Registering is adding trust, which only the publisher brings in; anybody who may takes it away at once.
GRANT INSERT, UPDATE (version, review_by, removed_by_change, removed_at) ON vendor TO roadstead_publisher;
GRANT INSERT ON vendor_version, vendor_anchor, vendor_use TO roadstead_publisher;
GRANT UPDATE (version, review_by, removed_by_change, removed_at) ON vendor TO roadstead_api;
GRANT UPDATE (state, removed_by_change, removed_at) ON vendor_anchor TO roadstead_api, roadstead_publisher;
GRANT UPDATE (ended_by_change, ended_at) ON vendor_use TO roadstead_api, roadstead_publisher;

-- How many stores follow a vendor, those of teams that the reader may not see counted too.
CREATE FUNCTION count_vendor_uses(of_vendor bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM vendor_use WHERE vendor_id = of_vendor AND ended_at IS NULL
$$;
REVOKE ALL ON FUNCTION count_vendor_uses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_vendor_uses TO roadstead_api, roadstead_publisher;

-- Whether hosts take from a team only the anchors that the fleet's own settings list.
ALTER TABLE team ADD COLUMN anchor_limit text COLLATE "C" NOT NULL DEFAULT 'automatic'
    CHECK (anchor_limit IN ('automatic', 'always', 'never'));
GRANT UPDATE (anchor_limit) ON team TO roadstead_api, roadstead_publisher;
CREATE TRIGGER governed_anchor_limit BEFORE UPDATE OF anchor_limit ON team
    FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();

-- What a team was refused and asks for; trust administrators answer with a rule, a vendor or a no.
CREATE TABLE trust_request (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    -- Canonical JSON: what is wanted.
    content text NOT NULL CHECK (octet_length(content) <= 131072),
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 4000),
    ticket text CHECK (octet_length(ticket) BETWEEN 1 AND 4000),
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'declined')),
    author bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    answered_by bigint REFERENCES person,
    answered_at timestamptz,
    answer text CHECK (octet_length(answer) BETWEEN 1 AND 4000),
    -- The change by which it was granted.
    change_number bigint REFERENCES change,
    CHECK ((state = 'open') = (answered_at IS NULL)),
    CHECK ((state = 'open') = (answered_by IS NULL))
);
CREATE INDEX trust_request_open ON trust_request (number) WHERE state = 'open';
CREATE INDEX trust_request_by_author ON trust_request (author) WHERE state = 'open';
CREATE TRIGGER answered_request_stays BEFORE UPDATE ON trust_request FOR EACH ROW
    WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER request_stays BEFORE DELETE ON trust_request FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who looked at an anchor or a vendor again, and until when that holds.
CREATE TABLE trust_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    anchor_id bigint REFERENCES anchor,
    vendor_id bigint REFERENCES vendor,
    person_id bigint NOT NULL REFERENCES person,
    note text NOT NULL CHECK (octet_length(note) BETWEEN 1 AND 4000),
    reviewed_at timestamptz NOT NULL,
    next_by timestamptz NOT NULL CHECK (next_by > reviewed_at AND next_by <= reviewed_at + interval '400 days'),
    CHECK (num_nonnulls(anchor_id, vendor_id) = 1)
);
CREATE INDEX trust_review_of_anchor ON trust_review (anchor_id);
CREATE INDEX trust_review_of_vendor ON trust_review (vendor_id);
CREATE TRIGGER review_stays BEFORE UPDATE OR DELETE ON trust_review FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Nobody confirms alone what they registered.
CREATE FUNCTION review_is_by_another() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.person_id = (SELECT v.registered_by FROM vendor_version v WHERE v.vendor_id = NEW.vendor_id
        ORDER BY v.version DESC LIMIT 1)
    THEN
        RAISE EXCEPTION 'nobody reviews the vendor that they registered'
            USING ERRCODE = 'check_violation', TABLE = 'trust_review', CONSTRAINT = 'review_is_by_another';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER review_is_by_another BEFORE INSERT ON trust_review FOR EACH ROW EXECUTE FUNCTION review_is_by_another();

-- Recertification: owners say of everything that is trusted whether it is still needed. Nothing is removed by itself.
CREATE TABLE campaign (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Absent for all teams.
    team_id bigint REFERENCES team,
    due_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 4000),
    opened_by bigint NOT NULL REFERENCES person,
    opened_at timestamptz NOT NULL,
    closed_by bigint REFERENCES person,
    closed_at timestamptz,
    CHECK (due_at > opened_at),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE TABLE campaign_item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_number bigint NOT NULL REFERENCES campaign,
    team_id bigint NOT NULL REFERENCES team,
    anchor_id bigint REFERENCES anchor,
    use_id bigint REFERENCES vendor_use,
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'confirmed', 'removal')),
    person_id bigint REFERENCES person,
    answered_at timestamptz,
    -- The change that removes it, where that was the answer.
    change_number bigint REFERENCES change,
    CHECK (num_nonnulls(anchor_id, use_id) = 1),
    CHECK ((state = 'open') = (answered_at IS NULL)),
    CHECK ((state = 'open') = (person_id IS NULL)),
    CHECK ((state = 'removal') = (change_number IS NOT NULL)),
    UNIQUE (campaign_number, anchor_id),
    UNIQUE (campaign_number, use_id)
);
CREATE INDEX campaign_item_open ON campaign_item (team_id, campaign_number) WHERE state = 'open';
CREATE TRIGGER answered_item_stays BEFORE UPDATE ON campaign_item FOR EACH ROW
    WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_campaign_stays BEFORE UPDATE ON campaign FOR EACH ROW
    WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_change();

GRANT SELECT ON trust_request, trust_review, campaign, campaign_item TO roadstead_api;
GRANT INSERT (team_id, content, reason, ticket, author, created_at),
    UPDATE (state, answered_by, answered_at, answer, change_number) ON trust_request TO roadstead_api;
GRANT INSERT ON trust_review TO roadstead_api;
GRANT UPDATE (review_by) ON anchor TO roadstead_api;
GRANT INSERT (team_id, due_at, reason, opened_by, opened_at), UPDATE (closed_by, closed_at) ON campaign TO roadstead_api;
GRANT INSERT (campaign_number, team_id, anchor_id, use_id), UPDATE (state, person_id, answered_at, change_number)
    ON campaign_item TO roadstead_api;

-- Behind the wall of row-level security; what somebody asked for stays theirs to see.
SELECT raise_team_wall(name::regclass) FROM unnest(ARRAY['vendor_use', 'campaign', 'campaign_item']) AS name;
SELECT raise_wall('trust_request', walls.rule, walls.rule) FROM (VALUES (
    '(SELECT sees_all_teams()) OR team_id = ANY ((SELECT visible_teams())::bigint[]) OR author = (SELECT acting_person())'
)) AS walls (rule);
