-- People who sign in elsewhere: which identities are theirs, what their groups bring, and which keys speak for them.

-- A credential is a token, a standing for the tokens that a provider issues to one identity, or a registered key.
ALTER TABLE credential
    ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT 'token' CHECK (kind IN ('token', 'provider', 'certificate')),
    -- Of the public key of a client certificate.
    ADD COLUMN key_sha256 bytea CHECK (octet_length(key_sha256) = 32),
    -- By which identity it came about, also through another credential that this identity made.
    ADD COLUMN issuer text COLLATE "C" CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    ADD COLUMN subject text COLLATE "C" CHECK (octet_length(subject) BETWEEN 1 AND 255),
    ALTER COLUMN token_sha256 DROP NOT NULL,
    ADD CHECK ((kind = 'token') = (token_sha256 IS NOT NULL)),
    ADD CHECK ((kind = 'certificate') = (key_sha256 IS NOT NULL)),
    ADD CHECK (kind <> 'provider' OR issuer IS NOT NULL),
    ADD CHECK (kind <> 'certificate' OR expires_at <= created_at + interval '8784 hours'),
    ADD CHECK ((issuer IS NULL) = (subject IS NULL));
CREATE UNIQUE INDEX credential_of_key ON credential (key_sha256) WHERE kind = 'certificate' AND revoked_at IS NULL;
CREATE UNIQUE INDEX credential_of_identity ON credential (issuer, subject)
    WHERE kind = 'provider' AND revoked_at IS NULL;
CREATE INDEX credential_by_identity ON credential (issuer, subject, id) WHERE issuer IS NOT NULL;

-- Another identity of a person, or a machine that acts for one. The person's own identity is the person's row.
CREATE TABLE identity_link (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer text COLLATE "C" NOT NULL CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    subject text COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 255),
    person_id bigint NOT NULL REFERENCES person,
    holder text COLLATE "C" NOT NULL CHECK (holder IN ('person', 'machine')),
    team_id bigint REFERENCES team,
    linked_by_change bigint NOT NULL REFERENCES change (number),
    linked_at timestamptz NOT NULL,
    unlinked_by bigint REFERENCES person,
    unlinked_at timestamptz,
    CHECK ((unlinked_at IS NULL) = (unlinked_by IS NULL))
);
CREATE UNIQUE INDEX identity_link_once ON identity_link (issuer, subject) WHERE unlinked_at IS NULL;
-- An identity that was ever linked is no person of its own any more.
CREATE INDEX identity_link_ever ON identity_link (issuer, subject);
CREATE INDEX identity_link_of_person ON identity_link (person_id, id);

-- That a person showed a token of an identity while signed in: good for one link to that person.
CREATE TABLE identity_proof (
    issuer text COLLATE "C" NOT NULL CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    subject text COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 255),
    person_id bigint NOT NULL REFERENCES person,
    proved_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > proved_at),
    PRIMARY KEY (issuer, subject, person_id)
);

-- The groups that the newest token of a person at an issuer named, for as long as they count.
CREATE TABLE asserted_groups (
    person_id bigint NOT NULL REFERENCES person,
    issuer text COLLATE "C" NOT NULL,
    groups text[] COLLATE "C" NOT NULL CHECK (cardinality(groups) <= 500),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at <= issued_at + interval '24 hours'),
    PRIMARY KEY (person_id, issuer)
);

-- The role that members of a group at an issuer hold.
CREATE TABLE group_role (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer text COLLATE "C" NOT NULL CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    group_name text COLLATE "C" NOT NULL CHECK (octet_length(group_name) BETWEEN 1 AND 256),
    role text COLLATE "C" NOT NULL CHECK (role IN ('trust-admin', 'security-officer', 'team-admin', 'team-member',
        'fleet-operator', 'auditor')),
    team_id bigint REFERENCES team,
    fleet_id bigint REFERENCES fleet,
    set_by_change bigint NOT NULL REFERENCES change (number),
    set_at timestamptz NOT NULL,
    removed_by_change bigint REFERENCES change (number),
    removed_at timestamptz,
    CHECK (team_id IS NULL OR fleet_id IS NULL),
    CHECK (role <> 'trust-admin' OR (team_id IS NULL AND fleet_id IS NULL)),
    CHECK (role NOT IN ('team-admin', 'team-member') OR team_id IS NOT NULL),
    CHECK (role <> 'security-officer' OR fleet_id IS NULL),
    CHECK (role <> 'fleet-operator' OR team_id IS NULL),
    CHECK ((removed_at IS NULL) = (removed_by_change IS NULL))
);
CREATE UNIQUE INDEX group_role_once
    ON group_role (issuer, group_name, role, coalesce(team_id, 0), coalesce(fleet_id, 0)) WHERE removed_at IS NULL;

-- Tokens and nonces that were taken once and are not taken again.
CREATE TABLE spent_proof (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX spent_proof_by_end ON spent_proof (expires_at);

-- Every role that somebody holds: their own, and those of their groups until their token's word ends.
CREATE VIEW held_role WITH (security_invoker = true) AS
    SELECT id, person_id, role, team_id, fleet_id, granted_at, NULL::text COLLATE "C" AS issuer,
        NULL::text COLLATE "C" AS group_name, NULL::timestamptz AS held_until
    FROM role_binding WHERE revoked_at IS NULL
    UNION ALL
    SELECT g.id, a.person_id, g.role, g.team_id, g.fleet_id, g.set_at, g.issuer, g.group_name, a.expires_at
    FROM group_role g JOIN asserted_groups a ON a.issuer = g.issuer AND g.group_name = ANY (a.groups)
    WHERE g.removed_at IS NULL;

-- After founding, links and group roles come in by what others agreed to. A role by a group counts for its end, too.
CREATE TRIGGER governed BEFORE INSERT ON identity_link FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER governed BEFORE INSERT ON group_role FOR EACH ROW EXECUTE FUNCTION refuse_ungoverned();
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON identity_link FOR EACH ROW
    WHEN (OLD.unlinked_at IS NOT NULL) EXECUTE FUNCTION refuse_return();
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON group_role FOR EACH ROW
    WHEN (OLD.removed_at IS NOT NULL) EXECUTE FUNCTION refuse_return();
CREATE OR REPLACE FUNCTION count_founders() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT p.id) FROM held_role h JOIN person p ON p.id = h.person_id
    WHERE h.role IN ('trust-admin', 'security-officer') AND h.team_id IS NULL AND h.fleet_id IS NULL
        AND p.disabled_at IS NULL
$$;
CREATE FUNCTION end_founding_by_groups() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM end_founding_at(CASE TG_TABLE_NAME WHEN 'group_role' THEN (to_jsonb(NEW)->>'set_at')::timestamptz
        ELSE (to_jsonb(NEW)->>'issued_at')::timestamptz END);
    RETURN NEW;
END
$$;
CREATE TRIGGER founding_ends AFTER INSERT ON group_role FOR EACH ROW EXECUTE FUNCTION end_founding_by_groups();
CREATE TRIGGER founding_ends AFTER INSERT OR UPDATE ON asserted_groups FOR EACH ROW
    WHEN (NEW.groups <> '{}') EXECUTE FUNCTION end_founding_by_groups();

GRANT SELECT ON identity_link, identity_proof, asserted_groups, group_role, spent_proof, held_role TO roadstead_api;
GRANT INSERT, UPDATE (unlinked_by, unlinked_at) ON identity_link TO roadstead_api;
GRANT INSERT, UPDATE (proved_at, expires_at), DELETE ON identity_proof TO roadstead_api;
GRANT INSERT, UPDATE (groups, issued_at, expires_at) ON asserted_groups TO roadstead_api;
GRANT INSERT, UPDATE (removed_by_change, removed_at) ON group_role TO roadstead_api;
GRANT INSERT, DELETE ON spent_proof TO roadstead_api;
GRANT UPDATE (expires_at) ON credential TO roadstead_api;

-- The publisher brings approved links and group roles in.
GRANT SELECT ON identity_link, identity_proof, asserted_groups, group_role, held_role TO roadstead_publisher;
GRANT INSERT ON identity_link TO roadstead_publisher;
GRANT DELETE ON identity_proof TO roadstead_publisher;
GRANT INSERT, UPDATE (removed_by_change, removed_at) ON group_role TO roadstead_publisher;
GRANT UPDATE (disabled_at) ON person TO roadstead_publisher;
GRANT SELECT (id, kind, issuer, subject, person_id, revoked_at), UPDATE (revoked_at) ON credential TO roadstead_publisher;
