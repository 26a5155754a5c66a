-- Hosts, how they join and what they report.

CREATE TABLE join_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- JSON object of texts that each host gets.
    labels text NOT NULL,
    uses_left integer NOT NULL CHECK (uses_left >= 0),
    created_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

CREATE TABLE host (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fleet_id bigint NOT NULL REFERENCES fleet,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$'),
    public_key bytea NOT NULL CHECK (octet_length(public_key) BETWEEN 32 AND 1024),
    labels text NOT NULL,
    join_token_id bigint NOT NULL REFERENCES join_token,
    enrolled_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX host_name ON host (fleet_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX host_key ON host (public_key) WHERE removed_at IS NULL;

CREATE TABLE receipt (
    host_id bigint NOT NULL REFERENCES host,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    bytes bytea NOT NULL CHECK (octet_length(bytes) <= 1048576),
    signature bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (host_id, sequence)
);
CREATE TRIGGER receipt_stays BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What the last receipt says. No index on what changes with each: updates stay within their page.
CREATE TABLE host_state (
    host_id bigint PRIMARY KEY REFERENCES host,
    sequence bigint NOT NULL DEFAULT 0,
    release bigint NOT NULL DEFAULT 0,
    release_digest text COLLATE "C" NOT NULL DEFAULT '',
    agent_version text NOT NULL DEFAULT '',
    -- JSON lists.
    enforcers text NOT NULL DEFAULT '[]',
    warnings text NOT NULL DEFAULT '[]',
    reported_at timestamptz,
    last_seen_at timestamptz
) WITH (fillfactor = 70);
