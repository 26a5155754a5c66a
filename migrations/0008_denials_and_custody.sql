-- What is never to be trusted, and who holds the keys that sign for teams.

-- A change of no team reaches everything.
ALTER TABLE change ALTER COLUMN team_id DROP NOT NULL;
ALTER TABLE change_decision ALTER COLUMN team_id DROP NOT NULL;
ALTER TABLE change_decision ADD FOREIGN KEY (change_number) REFERENCES change;

CREATE TABLE denial (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('certificate', 'key', 'issuer-serial', 'digest', 'identity')),
    value text COLLATE "C" NOT NULL CHECK (octet_length(value) BETWEEN 1 AND 1024),
    issuer text COLLATE "C" CHECK (octet_length(issuer) BETWEEN 1 AND 1024),
    -- The team whose scopes it holds for; absent for everywhere.
    team_id bigint REFERENCES team,
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 4000),
    author bigint NOT NULL REFERENCES person,
    -- The removal that it makes hold at once.
    change_number bigint REFERENCES change,
    issued_at timestamptz NOT NULL,
    lifted_by_change bigint REFERENCES change,
    lifted_at timestamptz,
    CHECK ((issuer IS NOT NULL) = (kind = 'issuer-serial')),
    CHECK (kind NOT IN ('certificate', 'key') OR value ~ '^[0-9a-f]{64}$'),
    CHECK (kind <> 'issuer-serial' OR value ~ '^(0|[1-9a-f][0-9a-f]*)$'),
    CHECK ((lifted_by_change IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX denial_once ON denial (kind, value, coalesce(issuer, ''), coalesce(team_id, 0))
    WHERE lifted_at IS NULL;
CREATE INDEX denial_by_team ON denial (team_id) WHERE lifted_at IS NULL;

-- A denial says the same for ever; it is lifted once, by a change that somebody else than its author agreed to.
CREATE FUNCTION denial_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL
        OR (OLD.id, OLD.kind, OLD.value, OLD.issuer, OLD.team_id, OLD.reason, OLD.author, OLD.change_number, OLD.issued_at)
            IS DISTINCT FROM
            (NEW.id, NEW.kind, NEW.value, NEW.issuer, NEW.team_id, NEW.reason, NEW.author, NEW.change_number, NEW.issued_at)
    THEN
        RAISE EXCEPTION 'denial % is never changed', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'denial', CONSTRAINT = 'denial_goes_on';
    END IF;
    IF NEW.lifted_at IS NOT NULL AND NOT EXISTS (
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
CREATE TRIGGER denial_goes_on BEFORE UPDATE ON denial FOR EACH ROW EXECUTE FUNCTION denial_goes_on();
CREATE TRIGGER denial_stays BEFORE DELETE ON denial FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER denials_stay BEFORE TRUNCATE ON denial EXECUTE FUNCTION refuse_change();

GRANT SELECT ON denial TO roadstead_api, roadstead_publisher;
GRANT INSERT (kind, value, issuer, team_id, reason, author, change_number, issued_at) ON denial
    TO roadstead_api, roadstead_publisher;
-- Lifting is adding trust, which only the publisher brings in.
GRANT UPDATE (lifted_by_change, lifted_at) ON denial TO roadstead_publisher;

-- Keys that members of a team hold, each registered by its holder, who proved that they have it.
CREATE TABLE team_key (
    key_id text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{64}$'),
    -- SubjectPublicKeyInfo: what makes a key the same key.
    public_key bytea NOT NULL UNIQUE,
    -- JSON, as metadata lists it.
    key_object bytea NOT NULL,
    team_id bigint NOT NULL REFERENCES team,
    person_id bigint NOT NULL REFERENCES person,
    registered_at timestamptz NOT NULL,
    retired_at timestamptz,
    retired_by bigint REFERENCES person,
    UNIQUE (key_id, team_id, person_id),
    CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);
CREATE INDEX team_key_by_team ON team_key (team_id, registered_at);

-- One key serves one fleet's one role, or one team, and nothing else ever: in both tables together.
CREATE FUNCTION key_serves_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('roadstead.key.' || encode(sha256(NEW.public_key), 'hex'), 0));
    IF (TG_TABLE_NAME = 'team_key' AND EXISTS (
            SELECT FROM signing_key k WHERE k.public_key = NEW.public_key OR k.key_id = NEW.key_id))
        OR (TG_TABLE_NAME = 'signing_key' AND EXISTS (
            SELECT FROM team_key k WHERE k.public_key = NEW.public_key OR k.key_id = NEW.key_id))
    THEN
        RAISE EXCEPTION 'key % serves elsewhere already', NEW.key_id
            USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'key_serves_once';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER key_serves_once BEFORE INSERT ON team_key FOR EACH ROW EXECUTE FUNCTION key_serves_once();
CREATE TRIGGER key_serves_once BEFORE INSERT ON signing_key FOR EACH ROW EXECUTE FUNCTION key_serves_once();

-- A key keeps its team and its holder, and is retired once.
CREATE FUNCTION team_key_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.retired_at IS NOT NULL
        OR (OLD.key_id, OLD.public_key, OLD.key_object, OLD.team_id, OLD.person_id, OLD.registered_at)
            IS DISTINCT FROM (NEW.key_id, NEW.public_key, NEW.key_object, NEW.team_id, NEW.person_id, NEW.registered_at)
    THEN
        RAISE EXCEPTION 'key % is never changed', OLD.key_id
            USING ERRCODE = 'check_violation', TABLE = 'team_key', CONSTRAINT = 'team_key_goes_on';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER team_key_goes_on BEFORE UPDATE ON team_key FOR EACH ROW EXECUTE FUNCTION team_key_goes_on();
CREATE TRIGGER team_key_stays BEFORE DELETE ON team_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whether what a key signs counts now: it is in use, and its holder may still hold one of the team's.
CREATE FUNCTION team_key_counts(of_key text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM team_key k JOIN person p ON p.id = k.person_id JOIN role_binding b ON b.person_id = k.person_id
        WHERE k.key_id = of_key AND k.retired_at IS NULL AND p.disabled_at IS NULL AND b.revoked_at IS NULL
            AND b.role IN ('trust-admin', 'security-officer', 'team-admin', 'team-member')
            AND b.fleet_id IS NULL AND (b.team_id IS NULL OR b.team_id = k.team_id))
$$;

-- Who signs a team's role: the newest epoch counts; without any it is the server.
CREATE TABLE team_custody (
    team_id bigint NOT NULL REFERENCES team,
    epoch bigint NOT NULL CHECK (epoch >= 1),
    custody text COLLATE "C" NOT NULL CHECK (custody IN ('server', 'team')),
    threshold integer NOT NULL CHECK (threshold BETWEEN 0 AND 32),
    -- Whether the keys of the epoch before are lost and leave the first version of this one unsigned.
    former_lost boolean NOT NULL,
    change_number bigint NOT NULL REFERENCES change,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, epoch),
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id),
    CHECK ((custody = 'team') = (threshold >= 1))
);
CREATE TABLE team_custody_key (
    team_id bigint NOT NULL,
    epoch bigint NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    person_id bigint NOT NULL,
    PRIMARY KEY (team_id, epoch, key_id),
    -- One person counts once.
    UNIQUE (team_id, epoch, person_id),
    FOREIGN KEY (team_id, epoch) REFERENCES team_custody (team_id, epoch),
    FOREIGN KEY (key_id, team_id, person_id) REFERENCES team_key (key_id, team_id, person_id)
);

-- Looked at when the transaction ends, with every key in place: epochs follow each other, thresholds can be met.
CREATE FUNCTION custody_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    keys bigint;
BEGIN
    SELECT count(*) INTO keys FROM team_custody_key WHERE team_id = NEW.team_id AND epoch = NEW.epoch;
    IF keys < NEW.threshold OR (NEW.custody = 'server' AND keys > 0)
        OR (NEW.epoch > 1 AND NOT EXISTS (
            SELECT FROM team_custody WHERE team_id = NEW.team_id AND epoch = NEW.epoch - 1))
    THEN
        RAISE EXCEPTION 'custody epoch % cannot be: % keys, threshold %', NEW.epoch, keys, NEW.threshold
            USING ERRCODE = 'check_violation', TABLE = 'team_custody', CONSTRAINT = 'custody_is_whole';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER custody_is_whole AFTER INSERT ON team_custody DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION custody_is_whole();
CREATE TRIGGER custody_stays BEFORE UPDATE OR DELETE ON team_custody FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER custody_key_stays BEFORE UPDATE OR DELETE ON team_custody_key
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A change asked for a team's role to be signed again with the content that it has.
CREATE TABLE role_renewal (
    change_number bigint PRIMARY KEY REFERENCES change,
    team_id bigint NOT NULL REFERENCES team,
    requested_at timestamptz NOT NULL,
    -- The newest version that the members had signed then; a later one answers the request.
    after_version bigint NOT NULL,
    FOREIGN KEY (change_number, team_id) REFERENCES change (number, team_id)
);
CREATE INDEX role_renewal_by_team ON role_renewal (team_id, after_version);

GRANT SELECT ON team_key, team_custody, team_custody_key, role_renewal TO roadstead_api, roadstead_publisher;
GRANT INSERT (key_id, public_key, key_object, team_id, person_id, registered_at), UPDATE (retired_at, retired_by)
    ON team_key TO roadstead_api;
GRANT INSERT ON team_custody, team_custody_key, role_renewal TO roadstead_publisher;
GRANT UPDATE (custody) ON team TO roadstead_publisher;

-- A team's next role, fixed and waiting for the signatures of its members.
CREATE TABLE role_draft (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES team,
    -- Whose keys sign it.
    epoch bigint NOT NULL,
    -- The epoch before, whose quorum signs too while a fleet may believe it alone; absent where nobody has to.
    former_epoch bigint CHECK (former_epoch >= 0 AND former_epoch < epoch),
    content_number bigint NOT NULL CHECK (content_number >= 1),
    -- From the team's one counter; a draft that becomes void has used it up.
    version bigint NOT NULL CHECK (version >= 1),
    -- The canonical bytes that are signed.
    signed_part bytea NOT NULL,
    -- Canonical JSON: the target files that it lists, base64 by the path at which fleets serve them.
    files bytea NOT NULL,
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > opened_at AND expires_at <= opened_at + interval '7 days'),
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'void')),
    -- Why it is void.
    note text,
    closed_at timestamptz,
    -- Of the signed file.
    sha256 text COLLATE "C" CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    UNIQUE (team_id, version),
    FOREIGN KEY (team_id, epoch) REFERENCES team_custody (team_id, epoch),
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((state = 'closed') = (sha256 IS NOT NULL))
);
CREATE INDEX role_draft_open ON role_draft (team_id) WHERE state = 'open';

CREATE TABLE role_draft_signature (
    draft_id bigint NOT NULL REFERENCES role_draft,
    key_id text COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{64}$'),
    signature bytea NOT NULL CHECK (octet_length(signature) BETWEEN 1 AND 2048),
    -- The key's holder; absent for the server's own former key.
    person_id bigint REFERENCES person,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (draft_id, key_id)
);

-- Which draft a fleet waits for; one that no fleet waits for is void.
CREATE TABLE role_draft_need (
    fleet_id bigint NOT NULL REFERENCES fleet,
    team_id bigint NOT NULL REFERENCES team,
    draft_id bigint NOT NULL REFERENCES role_draft,
    PRIMARY KEY (fleet_id, team_id)
);
CREATE INDEX role_draft_need_by_draft ON role_draft_need (draft_id);

-- A draft's version was never given out before, neither to a draft nor to a role.
CREATE FUNCTION role_draft_is_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM team_role WHERE team_id = NEW.team_id AND version >= NEW.version)
        OR EXISTS (SELECT FROM role_draft WHERE team_id = NEW.team_id AND version >= NEW.version)
    THEN
        RAISE EXCEPTION 'version % of a team was given out already', NEW.version
            USING ERRCODE = 'unique_violation', TABLE = 'role_draft', CONSTRAINT = 'role_draft_is_new';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER role_draft_is_new BEFORE INSERT ON role_draft FOR EACH ROW EXECUTE FUNCTION role_draft_is_new();

-- A signature is its key's holder's own, with a key that counts, on a draft that is open.
CREATE FUNCTION role_signature_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    draft role_draft%ROWTYPE;
BEGIN
    SELECT * INTO draft FROM role_draft WHERE id = NEW.draft_id;
    IF draft.state <> 'open' OR (NEW.person_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM team_key k JOIN team_custody_key c ON c.key_id = k.key_id
            WHERE k.key_id = NEW.key_id AND k.person_id = NEW.person_id AND team_key_counts(k.key_id)
                AND c.team_id = draft.team_id AND c.epoch IN (draft.epoch, draft.former_epoch)))
        OR (NEW.person_id IS NULL AND NOT EXISTS (
            SELECT FROM signing_key k WHERE k.key_id = NEW.key_id AND k.team_id = draft.team_id))
    THEN
        RAISE EXCEPTION 'key % does not sign draft %', NEW.key_id, NEW.draft_id
            USING ERRCODE = 'check_violation', TABLE = 'role_draft_signature', CONSTRAINT = 'role_signature_counts';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER role_signature_counts BEFORE INSERT ON role_draft_signature
    FOR EACH ROW EXECUTE FUNCTION role_signature_counts();
CREATE TRIGGER role_signature_stays BEFORE UPDATE OR DELETE ON role_draft_signature
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The threshold of an epoch, less those of its keys that count and have signed a draft; the server's key is a quorum of one.
CREATE FUNCTION role_draft_missing(draft bigint, team bigint, of_epoch bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce(
            (SELECT custody FROM team_custody WHERE team_id = team AND epoch = of_epoch), 'server') = 'server'
        THEN 1 - (SELECT count(*) FROM role_draft_signature s JOIN signing_key k ON k.key_id = s.key_id
            WHERE s.draft_id = draft AND k.team_id = team)
        ELSE (SELECT threshold FROM team_custody WHERE team_id = team AND epoch = of_epoch)
            - (SELECT count(*) FROM role_draft_signature s JOIN team_custody_key c ON c.key_id = s.key_id
                WHERE s.draft_id = draft AND c.team_id = team AND c.epoch = of_epoch AND team_key_counts(s.key_id))
        END
$$;

-- A draft says the same for ever, ends once, and becomes a role with its quorums only.
CREATE FUNCTION role_draft_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open' OR NEW.state = 'open'
        OR (OLD.id, OLD.team_id, OLD.epoch, OLD.former_epoch, OLD.content_number, OLD.version, OLD.signed_part, OLD.files,
            OLD.opened_at, OLD.expires_at) IS DISTINCT FROM
            (NEW.id, NEW.team_id, NEW.epoch, NEW.former_epoch, NEW.content_number, NEW.version, NEW.signed_part, NEW.files,
            NEW.opened_at, NEW.expires_at)
    THEN
        RAISE EXCEPTION 'draft % is never changed', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'role_draft', CONSTRAINT = 'role_draft_goes_on';
    END IF;
    IF NEW.state = 'closed' AND (role_draft_missing(OLD.id, OLD.team_id, OLD.epoch) > 0
        OR (OLD.former_epoch IS NOT NULL AND role_draft_missing(OLD.id, OLD.team_id, OLD.former_epoch) > 0))
    THEN
        RAISE EXCEPTION 'draft % lacks signatures', OLD.id
            USING ERRCODE = 'check_violation', TABLE = 'role_draft', CONSTRAINT = 'role_draft_quorum';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER role_draft_goes_on BEFORE UPDATE ON role_draft FOR EACH ROW EXECUTE FUNCTION role_draft_goes_on();
CREATE TRIGGER role_draft_stays BEFORE DELETE ON role_draft FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The fence behind custody: in a team's own, a role comes from a draft that its quorum has signed, whoever writes it,
-- and a draft's version is never a role's otherwise.
CREATE FUNCTION team_role_has_quorum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest text;
    draft role_draft%ROWTYPE;
BEGIN
    SELECT custody INTO newest FROM team_custody WHERE team_id = NEW.team_id ORDER BY epoch DESC LIMIT 1;
    SELECT * INTO draft FROM role_draft WHERE team_id = NEW.team_id AND version = NEW.version;
    IF (FOUND AND draft.sha256 IS DISTINCT FROM NEW.sha256) OR (NOT FOUND AND newest = 'team') THEN
        RAISE EXCEPTION 'version % of a team lacks its quorum', NEW.version
            USING ERRCODE = 'check_violation', TABLE = 'team_role', CONSTRAINT = 'team_role_has_quorum';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER team_role_has_quorum BEFORE INSERT ON team_role FOR EACH ROW EXECUTE FUNCTION team_role_has_quorum();

GRANT SELECT ON role_draft, role_draft_signature, role_draft_need TO roadstead_api, roadstead_publisher;
GRANT INSERT ON role_draft_signature TO roadstead_api, roadstead_publisher;
GRANT INSERT (team_id, epoch, former_epoch, content_number, version, signed_part, files, opened_at, expires_at),
    UPDATE (state, note, closed_at, sha256) ON role_draft TO roadstead_publisher;
GRANT INSERT, UPDATE (draft_id), DELETE ON role_draft_need TO roadstead_publisher;
