-- People, their credentials and their roles.

CREATE TABLE person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer text COLLATE "C" NOT NULL CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    subject text COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 256),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    UNIQUE (issuer, subject)
);

CREATE FUNCTION keep_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a person keeps issuer and subject for ever' USING ERRCODE = 'check_violation', TABLE = 'person';
END
$$;
CREATE TRIGGER person_identity BEFORE UPDATE ON person FOR EACH ROW
    WHEN (OLD.issuer <> NEW.issuer OR OLD.subject <> NEW.subject) EXECUTE FUNCTION keep_identity();
CREATE TRIGGER person_stays BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE credential (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person,
    -- The token itself is known to its holder alone.
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    label text NOT NULL CHECK (char_length(label) BETWEEN 1 AND 100),
    access text COLLATE "C" NOT NULL CHECK (access IN ('read', 'write')),
    holder text COLLATE "C" NOT NULL CHECK (holder IN ('person', 'machine')),
    team_id bigint REFERENCES team,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX credential_by_person ON credential (person_id, id);

CREATE TABLE role_binding (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person,
    role text COLLATE "C" NOT NULL CHECK (role IN ('trust-admin', 'security-officer', 'team-admin', 'team-member',
        'fleet-operator', 'auditor')),
    team_id bigint REFERENCES team,
    fleet_id bigint REFERENCES fleet,
    -- Nobody for the first administrator.
    granted_by bigint REFERENCES person,
    granted_at timestamptz NOT NULL,
    revoked_by bigint REFERENCES person,
    revoked_at timestamptz,
    CHECK (team_id IS NULL OR fleet_id IS NULL),
    CHECK (role <> 'trust-admin' OR (team_id IS NULL AND fleet_id IS NULL)),
    CHECK (role NOT IN ('team-admin', 'team-member') OR team_id IS NOT NULL),
    CHECK (role <> 'security-officer' OR fleet_id IS NULL),
    CHECK (role <> 'fleet-operator' OR team_id IS NULL),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX role_binding_once ON role_binding (person_id, role, coalesce(team_id, 0), coalesce(fleet_id, 0))
    WHERE revoked_at IS NULL;

CREATE TABLE invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    subject text COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 256),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
    -- JSON list of the roles that come with it.
    bindings text NOT NULL,
    invited_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    accepted_at timestamptz,
    person_id bigint REFERENCES person,
    CHECK ((accepted_at IS NULL) = (person_id IS NULL))
);

-- One row at most: the token that makes the first administrator.
CREATE TABLE bootstrap (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    token_sha256 bytea NOT NULL CHECK (octet_length(token_sha256) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at timestamptz
);

-- Answers to writes, so that a repeated request gets the first one's.
CREATE TABLE idempotency (
    person_id bigint NOT NULL REFERENCES person,
    key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 200),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    claimed_at timestamptz NOT NULL,
    status integer CHECK (status BETWEEN 100 AND 599),
    content_type text,
    body bytea,
    PRIMARY KEY (person_id, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_by_age ON idempotency (claimed_at);
