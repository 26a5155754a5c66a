-- Which state of each team a fleet takes, where it does not take the newest.

-- Every state of a team's anchors: kept for ever, so that a fleet can take it after the team has gone on.
CREATE TABLE team_content (
    team_id bigint NOT NULL REFERENCES team,
    number bigint NOT NULL CHECK (number >= 1),
    -- Canonical JSON: the stores, with the SHA-256 of their anchors' certificates.
    document text NOT NULL,
    -- The change that made it; absent for a new team's or a new store's.
    change_number bigint,
    -- Of a hot fix: the fleet it was made for, and which of its contents it was made from. Absent for the team's own states.
    fleet_id bigint REFERENCES fleet,
    base bigint,
    PRIMARY KEY (team_id, number),
    FOREIGN KEY (team_id, base) REFERENCES team_content,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id),
    CHECK (base < number),
    CHECK ((fleet_id IS NULL) = (base IS NULL)),
    CHECK (fleet_id IS NULL OR change_number IS NOT NULL)
);
CREATE INDEX team_content_by_change ON team_content (change_number);
CREATE TRIGGER content_stays BEFORE UPDATE OR DELETE ON team_content FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contents_stay BEFORE TRUNCATE ON team_content EXECUTE FUNCTION refuse_change();

-- What the team's anchors are now, in words that never need an escape.
CREATE FUNCTION team_content_document(of_team bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"schema":1,"stores":[' || coalesce(string_agg(
        '{"anchors":['
            || coalesce((SELECT string_agg('"' || a.sha256 || '"', ',' ORDER BY a.sha256) FROM anchor a
                WHERE a.store_id = s.id AND a.state = 'active'), '')
            || '],"kind":"' || s.kind || '","name":"' || s.name || '"}', ',' ORDER BY s.kind, s.name), '') || ']}'
    FROM trust_store s WHERE s.team_id = of_team
$$;

-- The only way to a new state of a team's own: what it says is read here, so nobody can put other words into it.
CREATE FUNCTION advance_team_content(of_team bigint, by_change bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    successor bigint;
BEGIN
    UPDATE team SET content_version = content_version + 1 WHERE id = of_team RETURNING content_version INTO STRICT successor;
    INSERT INTO team_content (team_id, number, document, change_number)
        VALUES (of_team, successor, team_content_document(of_team), by_change);
    RETURN successor;
END
$$;
REVOKE ALL ON FUNCTION advance_team_content FROM PUBLIC;

CREATE FUNCTION begin_team_content() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO team_content (team_id, number, document)
        VALUES (NEW.id, NEW.content_version, team_content_document(NEW.id));
    RETURN NEW;
END
$$;
CREATE TRIGGER content_begins AFTER INSERT ON team FOR EACH ROW EXECUTE FUNCTION begin_team_content();

INSERT INTO team_content (team_id, number, document) SELECT id, content_version, team_content_document(id) FROM team;

-- A team's newest content is one that is kept, and never an older one again: what was removed stays removed.
ALTER TABLE team ADD CONSTRAINT team_content_is_kept FOREIGN KEY (id, content_version) REFERENCES team_content
    DEFERRABLE INITIALLY DEFERRED;
CREATE FUNCTION content_version_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'team % is at content % already', OLD.name, OLD.content_version
        USING ERRCODE = 'check_violation', TABLE = 'team', CONSTRAINT = 'content_version_rises';
END
$$;
CREATE TRIGGER content_version_rises BEFORE UPDATE ON team FOR EACH ROW
    WHEN (NEW.content_version < OLD.content_version) EXECUTE FUNCTION content_version_rises();

-- Which content a team's role says; absent for those from before contents were numbered.
ALTER TABLE team_role ADD COLUMN content_number bigint,
    ADD FOREIGN KEY (team_id, content_number) REFERENCES team_content;
CREATE INDEX team_role_by_content ON team_role (team_id, content_number, version);

-- The fleet whose contents are promoted to this one; a fleet without takes the newest of each team.
ALTER TABLE fleet ADD COLUMN promotes_from bigint REFERENCES fleet CHECK (promotes_from <> id);

-- What was promoted to such a fleet: one row for each of its teams.
CREATE TABLE fleet_team_content (
    fleet_id bigint NOT NULL,
    team_id bigint NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (fleet_id, team_id),
    FOREIGN KEY (fleet_id, team_id) REFERENCES fleet_team ON DELETE CASCADE,
    FOREIGN KEY (team_id, number) REFERENCES team_content
);
CREATE INDEX fleet_team_content_by_team ON fleet_team_content (team_id);

-- What the publisher found at its last look at a fleet, for every replica to show.
CREATE TABLE fleet_note (
    fleet_id bigint PRIMARY KEY REFERENCES fleet,
    -- Canonical JSON: offline roles and when they expire, teams held back and why, what waits.
    document text NOT NULL
);

GRANT SELECT ON team_content, fleet_team_content, fleet_note TO roadstead_api, roadstead_publisher;
-- The number goes on by the function alone, so the API cannot choose a content.
REVOKE UPDATE (content_version) ON team FROM roadstead_api;
GRANT EXECUTE ON FUNCTION advance_team_content TO roadstead_api, roadstead_publisher;
GRANT UPDATE (promotes_from) ON fleet TO roadstead_api;
GRANT INSERT, DELETE ON fleet_team_content TO roadstead_api;
-- A hot fix's content and a promotion are written by the publisher, which asks for the person's roles itself.
GRANT INSERT ON team_content, fleet_team_content, fleet_note TO roadstead_publisher;
GRANT UPDATE (number) ON fleet_team_content TO roadstead_publisher;
GRANT UPDATE (document) ON fleet_note TO roadstead_publisher;
GRANT SELECT (id, person_id, label, access, holder, team_id, created_at, expires_at, revoked_at, last_used_at)
    ON credential TO roadstead_publisher;
