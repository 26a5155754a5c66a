-- What shows that the database was restored from a backup, and what was taken in again afterwards.

-- While one of these is open nothing of the fleet is published: something that was published already is not known here.
CREATE TABLE publishing_halt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fleet_id bigint NOT NULL REFERENCES fleet,
    -- Who showed it: a server's own disk, or a host.
    source text COLLATE "C" NOT NULL CHECK (source IN ('disk', 'host')),
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 4000),
    noticed_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX publishing_halt_open ON publishing_halt (fleet_id) WHERE ended_at IS NULL;

-- What a host holds that the database lacks, as the host signed it: kept only once the fleet's own keys proved it.
CREATE TABLE recovered_metadata (
    fleet_id bigint NOT NULL REFERENCES fleet,
    timestamp_sha256 text COLLATE "C" NOT NULL CHECK (timestamp_sha256 ~ '^[0-9a-f]{64}$'),
    timestamp_version bigint NOT NULL CHECK (timestamp_version >= 1),
    -- The first host that showed it.
    host_id bigint NOT NULL REFERENCES host,
    bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 16777216),
    signature bytea NOT NULL CHECK (octet_length(signature) BETWEEN 1 AND 2048),
    received_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (fleet_id, timestamp_sha256)
);

-- Versions that were seen outside and are settled: never given out again, and no reason to halt any more.
CREATE TABLE recovered_version (
    fleet_id bigint NOT NULL REFERENCES fleet,
    role text COLLATE "C" NOT NULL CHECK (role ~ '^[a-z][a-z0-9-]{0,30}$'),
    version bigint NOT NULL CHECK (version >= 1),
    -- Absent where the version was only listed.
    sha256 text COLLATE "C" CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    recovered_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (fleet_id, role, version, sha256)
);
CREATE TRIGGER recovered_version_stays BEFORE UPDATE OR DELETE ON recovered_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A release that was published before the restore comes back under the number it had.
ALTER TABLE release DROP CONSTRAINT release_kind_check;
ALTER TABLE release ADD CONSTRAINT release_kind_check CHECK (kind IN ('release', 'renewal', 'recovered'));
ALTER TABLE release DROP CONSTRAINT release_check;
ALTER TABLE release ADD CONSTRAINT release_check
    CHECK ((number = 1) = (previous_digest IS NULL) OR kind = 'recovered');

CREATE OR REPLACE FUNCTION release_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last release%ROWTYPE;
BEGIN
    SELECT * INTO last FROM release WHERE fleet_id = NEW.fleet_id ORDER BY number DESC LIMIT 1;
    IF NEW.number <= coalesce(last.number, 0)
        OR (NEW.number > coalesce(last.number, 0) + 1 AND NEW.kind <> 'recovered')
        OR NEW.previous_digest IS DISTINCT FROM last.digest
        OR last.state IS DISTINCT FROM (CASE WHEN last.number IS NULL THEN NULL ELSE 'published' END)
    THEN
        RAISE EXCEPTION 'release % does not follow the last one', NEW.number
            USING ERRCODE = 'unique_violation', TABLE = 'release', CONSTRAINT = 'release_follows';
    END IF;
    RETURN NEW;
END
$$;

-- Set by the transaction that does what a request asks for: a repetition never does it again.
ALTER TABLE idempotency ADD COLUMN executed_at timestamptz;

GRANT SELECT ON publishing_halt TO roadstead_api, roadstead_publisher, roadstead_hosts;
GRANT INSERT (fleet_id, source, reason, noticed_at) ON publishing_halt TO roadstead_publisher, roadstead_hosts;
GRANT UPDATE (ended_at) ON publishing_halt TO roadstead_publisher;
GRANT SELECT ON recovered_metadata TO roadstead_publisher, roadstead_hosts;
GRANT INSERT ON recovered_metadata TO roadstead_hosts;
GRANT UPDATE (settled_at) ON recovered_metadata TO roadstead_publisher;
GRANT SELECT ON recovered_version TO roadstead_publisher, roadstead_hosts;
GRANT INSERT ON recovered_version TO roadstead_publisher;
-- Denials that come back have an author of their own, who holds no credential and no role.
GRANT INSERT (issuer, subject, display_name, created_at, disabled_at) ON person TO roadstead_publisher;
-- A team that had left a fleet leaves it again; a root that was out is in force again.
GRANT DELETE ON fleet_team TO roadstead_publisher;
GRANT UPDATE (root_version) ON fleet TO roadstead_publisher;
