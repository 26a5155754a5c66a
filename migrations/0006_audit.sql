-- The audit log: who did what, in the transaction that did it, each event bound to the one before by its hash.

CREATE TABLE audit_event (
    sequence bigint PRIMARY KEY CHECK (sequence >= 1),
    at timestamptz NOT NULL,
    actor text COLLATE "C" NOT NULL CHECK (actor ~ '^(person|host):[0-9]+$' OR actor IN ('publisher', 'server')),
    credential_id bigint,
    request_id text,
    action text COLLATE "C" NOT NULL CHECK (action ~ '^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$'),
    team text COLLATE "C",
    fleet text COLLATE "C",
    object text NOT NULL,
    -- Canonical JSON. Neither secrets nor personal data, which could never be erased again.
    detail text NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_event_by_team ON audit_event (team, sequence) WHERE team IS NOT NULL;
CREATE INDEX audit_event_by_fleet ON audit_event (fleet, sequence) WHERE fleet IS NOT NULL;

CREATE TABLE audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (sequence, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE TRIGGER event_stays BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_stay BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION refuse_change();

-- A text with its length in front, so that no two lists of fields give the same bytes.
CREATE FUNCTION audit_field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value IS NULL THEN int4send(-1)
        ELSE int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8') END
$$;

-- The only way in. Whoever calls it holds the head until the end of the transaction, so events are in the order of commits.
CREATE FUNCTION append_audit_event(
    event_at timestamptz, event_actor text, event_credential bigint, event_request text, event_action text,
    event_team text, event_fleet text, event_object text, event_detail text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head audit_head%ROWTYPE;
    next_hash bytea;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    next_hash := sha256(
        convert_to('roadstead-audit-v1', 'UTF8') || head.hash || int8send(head.sequence + 1)
        || int8send(extract(epoch FROM event_at)::bigint)
        || audit_field(event_actor) || audit_field(event_credential::text) || audit_field(event_request)
        || audit_field(event_action) || audit_field(event_team) || audit_field(event_fleet)
        || audit_field(event_object) || audit_field(event_detail));
    INSERT INTO audit_event (sequence, at, actor, credential_id, request_id, action, team, fleet, object, detail,
            previous_hash, hash)
        VALUES (head.sequence + 1, event_at, event_actor, event_credential, event_request, event_action, event_team,
            event_fleet, event_object, event_detail, head.hash, next_hash);
    UPDATE audit_head SET sequence = head.sequence + 1, hash = next_hash;
    RETURN head.sequence + 1;
END
$$;
REVOKE ALL ON FUNCTION append_audit_event FROM PUBLIC;
