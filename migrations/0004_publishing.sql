-- Keys, root ceremonies, releases and the signed bytes that were published: kept for ever, never rebuilt.

CREATE TABLE signing_key (
    key_id text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{64}$'),
    -- SubjectPublicKeyInfo: one key serves one fleet's one role, or one team, and nothing else ever.
    public_key bytea NOT NULL UNIQUE,
    -- Canonical JSON, as metadata lists it.
    key_object bytea NOT NULL,
    fleet_id bigint REFERENCES fleet,
    role text COLLATE "C" CHECK (role IN ('root', 'timestamp', 'snapshot', 'targets', 'deny', 'revocation', 'ops')),
    team_id bigint REFERENCES team,
    -- Encrypted under the master key and bound to its place; absent where the server does not hold it.
    private_key bytea,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CHECK ((fleet_id IS NULL) = (role IS NULL)),
    CHECK ((fleet_id IS NULL) <> (team_id IS NULL)),
    -- The server never holds a root key.
    CHECK (role IS DISTINCT FROM 'root' OR private_key IS NULL)
);
CREATE INDEX signing_key_by_fleet ON signing_key (fleet_id, role);
CREATE INDEX signing_key_by_team ON signing_key (team_id);

-- One row at most: tells whether a master key is the one that sealed the private keys, and nothing of it.
CREATE TABLE master_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    check_value text COLLATE "C" NOT NULL CHECK (check_value ~ '^[0-9a-f]{16,64}$'),
    set_at timestamptz NOT NULL
);

CREATE TABLE root_draft (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fleet_id bigint NOT NULL REFERENCES fleet,
    version bigint NOT NULL CHECK (version >= 1),
    -- The canonical bytes that are signed.
    signed_part bytea NOT NULL,
    created_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'void'))
);
CREATE UNIQUE INDEX root_draft_open ON root_draft (fleet_id) WHERE state = 'open';

CREATE TABLE root_draft_signature (
    draft_id bigint NOT NULL REFERENCES root_draft,
    key_id text COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{64}$'),
    signature bytea NOT NULL CHECK (octet_length(signature) BETWEEN 1 AND 2048),
    person_id bigint NOT NULL REFERENCES person,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (draft_id, key_id)
);

CREATE TABLE published_content (
    sha256 text COLLATE "C" PRIMARY KEY CHECK (sha256 = encode(sha256(bytes), 'hex')),
    bytes bytea NOT NULL
);

-- A team's role: one counter per team for ever, the same bytes in every fleet.
CREATE TABLE team_role (
    team_id bigint NOT NULL REFERENCES team,
    version bigint NOT NULL CHECK (version >= 1),
    sha256 text COLLATE "C" NOT NULL REFERENCES published_content,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, version)
);

CREATE TABLE release (
    fleet_id bigint NOT NULL REFERENCES fleet,
    number bigint NOT NULL CHECK (number >= 1),
    state text COLLATE "C" NOT NULL CHECK (state IN ('built', 'signed', 'published')),
    -- The digest of the release before; absent for the first.
    previous_digest text COLLATE "C" CHECK (previous_digest ~ '^[0-9a-f]{64}$'),
    -- SHA-256 of the snapshot metadata, once signed.
    digest text COLLATE "C" CHECK (digest ~ '^[0-9a-f]{64}$'),
    -- A renewal says the same again, signed anew.
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('release', 'renewal')),
    -- What the publisher needs to go on after a crash, where signing does not follow at once.
    payload bytea,
    -- JSON list of sentences: how it differs from the release before.
    difference text NOT NULL,
    built_at timestamptz NOT NULL,
    signed_at timestamptz,
    published_at timestamptz,
    PRIMARY KEY (fleet_id, number),
    CHECK ((number = 1) = (previous_digest IS NULL)),
    CHECK ((state = 'built') = (digest IS NULL)),
    CHECK ((state = 'built') = (signed_at IS NULL)),
    CHECK ((state = 'published') = (published_at IS NOT NULL))
);
-- One release of a fleet is on its way at a time.
CREATE UNIQUE INDEX release_unfinished ON release (fleet_id) WHERE state <> 'published';

-- The fence: a release follows the one before it, whoever writes it.
CREATE FUNCTION release_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last release%ROWTYPE;
BEGIN
    SELECT * INTO last FROM release WHERE fleet_id = NEW.fleet_id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.previous_digest IS DISTINCT FROM last.digest
        OR last.state IS DISTINCT FROM (CASE WHEN NEW.number = 1 THEN NULL ELSE 'published' END)
    THEN
        RAISE EXCEPTION 'release % does not follow the last one', NEW.number
            USING ERRCODE = 'unique_violation', TABLE = 'release', CONSTRAINT = 'release_follows';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER release_follows BEFORE INSERT ON release FOR EACH ROW EXECUTE FUNCTION release_follows();

-- A release only goes on; what it says stays.
CREATE FUNCTION release_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (('built', 'signed'), ('signed', 'published'))
        OR (OLD.fleet_id, OLD.number, OLD.previous_digest, OLD.kind, OLD.payload, OLD.built_at)
            IS DISTINCT FROM (NEW.fleet_id, NEW.number, NEW.previous_digest, NEW.kind, NEW.payload, NEW.built_at)
        OR (OLD.digest IS NOT NULL AND OLD.digest IS DISTINCT FROM NEW.digest)
    THEN
        RAISE EXCEPTION 'release % cannot go from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'release', CONSTRAINT = 'release_goes_on';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER release_goes_on BEFORE UPDATE ON release FOR EACH ROW EXECUTE FUNCTION release_goes_on();
CREATE TRIGGER release_stays BEFORE DELETE ON release FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE release_change (
    fleet_id bigint NOT NULL,
    number bigint NOT NULL,
    change_number bigint NOT NULL REFERENCES change,
    PRIMARY KEY (fleet_id, change_number),
    FOREIGN KEY (fleet_id, number) REFERENCES release (fleet_id, number)
);
CREATE INDEX release_change_by_change ON release_change (change_number);
CREATE TRIGGER release_change_stays BEFORE UPDATE OR DELETE ON release_change
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE published_file (
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- Below the fleet: metadata/… or targets/….
    path text COLLATE "C" NOT NULL CHECK (path ~ '^(metadata|targets)/[A-Za-z0-9._/-]+$' AND path !~ '\.\.' AND length(path) <= 420),
    -- Metadata only.
    role text COLLATE "C" CHECK (role ~ '^[a-z][a-z0-9-]{0,30}$'),
    version bigint CHECK (version >= 1),
    sha256 text COLLATE "C" NOT NULL REFERENCES published_content,
    -- The release that brought it; 0 for a root, which is served at once.
    release bigint NOT NULL CHECK (release >= 0),
    created_at timestamptz NOT NULL,
    CHECK ((role IS NULL) = (version IS NULL)),
    CHECK ((release = 0) = (role IS NOT DISTINCT FROM 'root')),
    UNIQUE (fleet_id, role, version)
);
-- Every path is immutable except the timestamp's, of which the latest counts.
CREATE UNIQUE INDEX published_file_path ON published_file (fleet_id, path) WHERE role IS DISTINCT FROM 'timestamp';
CREATE INDEX published_file_lookup ON published_file (fleet_id, path, version DESC);

CREATE TRIGGER file_stays BEFORE UPDATE OR DELETE ON published_file FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER files_stay BEFORE TRUNCATE ON published_file EXECUTE FUNCTION refuse_change();
CREATE TRIGGER content_stays BEFORE UPDATE OR DELETE ON published_content
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contents_stay BEFORE TRUNCATE ON published_content EXECUTE FUNCTION refuse_change();
CREATE TRIGGER team_role_stays BEFORE UPDATE OR DELETE ON team_role FOR EACH ROW EXECUTE FUNCTION refuse_change();
