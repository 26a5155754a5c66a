-- Drafts of a fleet's offline metadata, and the ceremonies that sign them.

CREATE TABLE ceremony (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note text CHECK (char_length(note) BETWEEN 1 AND 2000),
    created_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at)
);

-- What a ceremony does in one fleet: its drafts are closed and published together, or not at all.
CREATE TABLE ceremony_fleet (
    ceremony_id bigint NOT NULL REFERENCES ceremony,
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- Closed: every signature is there, and the release that takes it in is not out yet.
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'published', 'void')),
    -- The new root follows none: the keys of the one before are lost.
    starts_over boolean NOT NULL DEFAULT false,
    -- Who speaks for the targets role from its publication on: the server's key, or keys elsewhere.
    targets_online boolean NOT NULL,
    -- The release that takes it in, once that is signed.
    release bigint,
    closed_at timestamptz,
    -- Why it is void, or why its release could not be made.
    reason text,
    PRIMARY KEY (ceremony_id, fleet_id),
    FOREIGN KEY (fleet_id, release) REFERENCES release (fleet_id, number),
    CHECK (release IS NULL OR state IN ('closed', 'published')),
    CHECK (state <> 'void' OR reason IS NOT NULL)
);
-- A fleet is in one ceremony at a time.
CREATE UNIQUE INDEX ceremony_fleet_current ON ceremony_fleet (fleet_id) WHERE state IN ('open', 'closed');

CREATE TABLE metadata_draft (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ceremony_id bigint NOT NULL,
    fleet_id bigint NOT NULL,
    role text COLLATE "C" NOT NULL CHECK (role IN ('root', 'targets') OR role ~ '^teams-[0-9]{2}$'),
    version bigint NOT NULL CHECK (version >= 1),
    -- SHA-256 of the role's newest file when it was drafted; absent for the first. Another one makes the draft void.
    base_sha256 text COLLATE "C" CHECK (base_sha256 ~ '^[0-9a-f]{64}$'),
    -- The canonical bytes that are signed.
    signed_part bytea NOT NULL,
    -- The signed file, once closed.
    file_sha256 text COLLATE "C" REFERENCES published_content,
    UNIQUE (ceremony_id, fleet_id, role),
    FOREIGN KEY (ceremony_id, fleet_id) REFERENCES ceremony_fleet
);
CREATE INDEX metadata_draft_by_fleet ON metadata_draft (fleet_id, role, version);

-- Target files that a draft lists and that are to be served with it.
CREATE TABLE metadata_draft_file (
    draft_id bigint NOT NULL REFERENCES metadata_draft,
    path text COLLATE "C" NOT NULL CHECK (path ~ '^targets/[A-Za-z0-9._/-]+$' AND path !~ '\.\.' AND length(path) <= 420),
    sha256 text COLLATE "C" NOT NULL REFERENCES published_content,
    PRIMARY KEY (draft_id, path)
);

CREATE TABLE metadata_draft_signature (
    draft_id bigint NOT NULL REFERENCES metadata_draft,
    key_id text COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{64}$'),
    signature bytea NOT NULL CHECK (octet_length(signature) BETWEEN 1 AND 2048),
    person_id bigint NOT NULL REFERENCES person,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (draft_id, key_id)
);

-- Keys that the server makes for a ceremony serve from its closing on; until then they only wait.
ALTER TABLE signing_key ADD COLUMN awaits_ceremony boolean NOT NULL DEFAULT false;
ALTER TABLE signing_key ADD COLUMN held boolean NOT NULL GENERATED ALWAYS AS (private_key IS NOT NULL) STORED;

-- Replicas that raced have left several keys for one place. The one that hosts know stays: whose name the fleet's newest
-- root or targets give, or who signed the team's newest role; else the oldest. The others go as retired keys do.
WITH newest AS (
    SELECT DISTINCT ON (f.fleet_id, f.role) f.fleet_id, convert_from(c.bytes, 'UTF8') AS words
    FROM published_file f JOIN published_content c ON c.sha256 = f.sha256
    WHERE f.role IN ('root', 'targets') ORDER BY f.fleet_id, f.role, f.version DESC
), role AS (
    SELECT DISTINCT ON (r.team_id) r.team_id, convert_from(c.bytes, 'UTF8') AS words
    FROM team_role r JOIN published_content c ON c.sha256 = r.sha256 ORDER BY r.team_id, r.version DESC
), place AS (
    SELECT k.key_id, row_number() OVER (PARTITION BY k.fleet_id, k.role, k.team_id ORDER BY
        EXISTS (SELECT FROM role r WHERE r.team_id = k.team_id AND strpos(r.words, k.key_id) > 0) DESC,
        EXISTS (SELECT FROM newest n WHERE (k.fleet_id IS NULL OR n.fleet_id = k.fleet_id)
            AND strpos(n.words, k.key_id) > 0) DESC,
        k.created_at, k.key_id) AS number
    FROM signing_key k WHERE k.private_key IS NOT NULL AND k.retired_at IS NULL
)
UPDATE signing_key k SET retired_at = now(), private_key = NULL
FROM place p WHERE p.key_id = k.key_id AND p.number > 1;

-- One key of a fleet's role is in force, whichever replica made it.
CREATE UNIQUE INDEX signing_key_in_force ON signing_key (fleet_id, role)
    WHERE private_key IS NOT NULL AND retired_at IS NULL AND NOT awaits_ceremony;
CREATE UNIQUE INDEX signing_key_of_team_in_force ON signing_key (team_id)
    WHERE private_key IS NOT NULL AND retired_at IS NULL;

CREATE TABLE ceremony_key (
    key_id text COLLATE "C" PRIMARY KEY REFERENCES signing_key,
    ceremony_id bigint NOT NULL,
    fleet_id bigint NOT NULL,
    FOREIGN KEY (ceremony_id, fleet_id) REFERENCES ceremony_fleet
);
CREATE INDEX ceremony_key_by_ceremony ON ceremony_key (ceremony_id, fleet_id);

-- A root comes with the release that goes with it; release 0 stays for roots that were served at once.
ALTER TABLE published_file DROP CONSTRAINT published_file_check1;
ALTER TABLE published_file ADD CONSTRAINT published_file_release CHECK (release > 0 OR role IS NOT DISTINCT FROM 'root');

-- Ceremonies that were held before this table was: their roots are out already.
INSERT INTO ceremony (id, created_by, created_at, expires_at) OVERRIDING SYSTEM VALUE
    SELECT id, created_by, created_at, expires_at FROM root_draft;
SELECT setval(pg_get_serial_sequence('ceremony', 'id'), (SELECT max(id) FROM ceremony)) WHERE EXISTS (SELECT FROM ceremony);
INSERT INTO ceremony_fleet (ceremony_id, fleet_id, state, targets_online, reason)
    SELECT id, fleet_id, CASE state WHEN 'closed' THEN 'published' ELSE state END, true,
        CASE state WHEN 'void' THEN 'another ceremony was opened' END
    FROM root_draft;
INSERT INTO metadata_draft (ceremony_id, fleet_id, role, version, base_sha256, signed_part, file_sha256)
    SELECT d.id, d.fleet_id, 'root', d.version, base.sha256, d.signed_part,
        CASE d.state WHEN 'closed' THEN own.sha256 END
    FROM root_draft d
        LEFT JOIN published_file base ON base.fleet_id = d.fleet_id AND base.role = 'root' AND base.version = d.version - 1
        LEFT JOIN published_file own ON own.fleet_id = d.fleet_id AND own.role = 'root' AND own.version = d.version
    ORDER BY d.id;
INSERT INTO metadata_draft_signature (draft_id, key_id, signature, person_id, signed_at)
    SELECT m.id, s.key_id, s.signature, s.person_id, s.signed_at
    FROM root_draft_signature s JOIN metadata_draft m ON m.ceremony_id = s.draft_id;
DROP TABLE root_draft_signature;
DROP TABLE root_draft;

-- A ceremony only goes on, and what it was opened for stays.
CREATE FUNCTION ceremony_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
            (('open', 'closed'), ('open', 'void'), ('closed', 'published'), ('closed', 'void')))
        OR (OLD.ceremony_id, OLD.fleet_id, OLD.starts_over, OLD.targets_online)
            IS DISTINCT FROM (NEW.ceremony_id, NEW.fleet_id, NEW.starts_over, NEW.targets_online)
        OR (OLD.release IS NOT NULL AND OLD.release IS DISTINCT FROM NEW.release)
        OR (OLD.state <> NEW.state AND NEW.state = 'published' AND NEW.release IS NULL)
    THEN
        RAISE EXCEPTION 'ceremony % cannot go from % to %', OLD.ceremony_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'ceremony_fleet', CONSTRAINT = 'ceremony_goes_on';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ceremony_goes_on BEFORE UPDATE ON ceremony_fleet FOR EACH ROW EXECUTE FUNCTION ceremony_goes_on();

-- A draft gets its signed file once, before its ceremony closes.
CREATE FUNCTION draft_closes_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.file_sha256 IS NOT NULL OR NOT EXISTS (SELECT FROM ceremony_fleet p
        WHERE p.ceremony_id = OLD.ceremony_id AND p.fleet_id = OLD.fleet_id AND p.state = 'open')
    THEN
        RAISE EXCEPTION 'draft % is closed', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'metadata_draft', CONSTRAINT = 'draft_closes_once';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER draft_closes_once BEFORE UPDATE ON metadata_draft FOR EACH ROW EXECUTE FUNCTION draft_closes_once();

-- The API opens ceremonies, collects signatures and closes; only the publisher lets the result out.
GRANT SELECT ON ceremony, ceremony_fleet, metadata_draft, metadata_draft_file, metadata_draft_signature, ceremony_key
    TO roadstead_api, roadstead_publisher;
GRANT INSERT ON metadata_draft_file, metadata_draft_signature, ceremony_key TO roadstead_api;
GRANT INSERT (note, created_by, created_at, expires_at) ON ceremony TO roadstead_api;
-- Nothing begins closed: states and signed files only come later, as the triggers allow.
GRANT INSERT (ceremony_id, fleet_id, starts_over, targets_online) ON ceremony_fleet TO roadstead_api;
GRANT INSERT (ceremony_id, fleet_id, role, version, base_sha256, signed_part) ON metadata_draft TO roadstead_api;
GRANT UPDATE (state, closed_at, reason) ON ceremony_fleet TO roadstead_api;
GRANT UPDATE (file_sha256) ON metadata_draft TO roadstead_api;
GRANT SELECT (awaits_ceremony, held) ON signing_key TO roadstead_api;
REVOKE INSERT ON published_file FROM roadstead_api;
REVOKE UPDATE (root_version) ON fleet FROM roadstead_api;
GRANT UPDATE (state, release, reason) ON ceremony_fleet TO roadstead_publisher;
GRANT UPDATE (awaits_ceremony) ON signing_key TO roadstead_publisher;
GRANT UPDATE (root_version) ON fleet TO roadstead_publisher;
