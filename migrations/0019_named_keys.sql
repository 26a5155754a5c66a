-- Keys of the server whose private half is in a token or a service, where the operator's configuration names it.

-- Absent where the key is sealed here, or somebody else's. Kept when the key is retired: a name serves once.
ALTER TABLE signing_key ADD COLUMN key_name text COLLATE "C" UNIQUE
    CHECK (octet_length(key_name) BETWEEN 1 AND 1024 AND key_name ~ '^[!-~]+$');
ALTER TABLE signing_key ADD CONSTRAINT signing_key_in_one_place CHECK (private_key IS NULL OR key_name IS NULL);
-- The server never holds a root key, here or elsewhere.
ALTER TABLE signing_key ADD CONSTRAINT signing_key_no_root CHECK (role IS DISTINCT FROM 'root' OR key_name IS NULL);

-- Whether the server signs with it, wherever its private half is.
DROP INDEX signing_key_in_force;
DROP INDEX signing_key_of_team_in_force;
ALTER TABLE signing_key DROP COLUMN held;
ALTER TABLE signing_key ADD COLUMN held boolean NOT NULL
    GENERATED ALWAYS AS (private_key IS NOT NULL OR (key_name IS NOT NULL AND retired_at IS NULL)) STORED;
GRANT SELECT (held) ON signing_key TO roadstead_api;
CREATE UNIQUE INDEX signing_key_in_force ON signing_key (fleet_id, role)
    WHERE held AND retired_at IS NULL AND NOT awaits_ceremony;
CREATE UNIQUE INDEX signing_key_of_team_in_force ON signing_key (team_id) WHERE held AND retired_at IS NULL;

-- Which key a row is, and where, is said once. The API has no right to the name, to read or to write it.
CREATE FUNCTION signing_key_stays_put() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.key_id, OLD.public_key, OLD.key_object, OLD.fleet_id, OLD.role, OLD.team_id, OLD.key_name)
        IS DISTINCT FROM (NEW.key_id, NEW.public_key, NEW.key_object, NEW.fleet_id, NEW.role, NEW.team_id, NEW.key_name)
        OR (OLD.retired_at IS NOT NULL AND OLD.retired_at IS DISTINCT FROM NEW.retired_at)
    THEN
        RAISE EXCEPTION 'key % is never changed', OLD.key_id
            USING ERRCODE = 'check_violation', TABLE = 'signing_key', CONSTRAINT = 'signing_key_stays_put';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER signing_key_stays_put BEFORE UPDATE ON signing_key
    FOR EACH ROW EXECUTE FUNCTION signing_key_stays_put();
