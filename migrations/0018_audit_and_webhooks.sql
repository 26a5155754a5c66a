-- Asking the audit log by time, person, object and action, and countersigning it in releases.

CREATE INDEX audit_event_by_time ON audit_event (at, sequence);
CREATE INDEX audit_event_by_actor ON audit_event (actor, sequence);
CREATE INDEX audit_event_by_object ON audit_event (object, sequence);
CREATE INDEX audit_event_by_action ON audit_event (action, sequence);

-- Every release carries the head of the log, so that who rewrites the log disagrees with what fleets have signed.
GRANT SELECT ON audit_event, audit_head TO roadstead_publisher;

-- Receivers of what happens here.
CREATE TABLE webhook (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    url text COLLATE "C" NOT NULL CHECK (octet_length(url) BETWEEN 8 AND 2048),
    events text[] COLLATE "C" NOT NULL CHECK (cardinality(events) BETWEEN 1 AND 32),
    -- Encrypted under the master key and bound to name and address; gone once the receiver is removed.
    secret bytea CHECK (octet_length(secret) BETWEEN 29 AND 256),
    created_by bigint NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    -- The replica that delivers to it has it until then.
    leased_until timestamptz,
    CHECK ((secret IS NULL) = (removed_at IS NOT NULL))
);
CREATE UNIQUE INDEX webhook_name ON webhook (name) WHERE removed_at IS NULL;

CREATE TABLE webhook_delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhook,
    event text COLLATE "C" NOT NULL,
    -- The JSON that is sent, the same at every attempt.
    body text NOT NULL CHECK (octet_length(body) <= 65536),
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at timestamptz NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given-up')),
    settled_at timestamptz,
    -- What the last attempt came to.
    outcome text CHECK (char_length(outcome) <= 300),
    CHECK ((state = 'waiting') = (settled_at IS NULL))
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_settled ON webhook_delivery (settled_at) WHERE state <> 'waiting';
CREATE INDEX webhook_delivery_list ON webhook_delivery (webhook_id, id);

-- What is due by the clock, told once for each stage.
CREATE TABLE notice (
    event text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    stage text COLLATE "C" NOT NULL,
    detail jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (event, object, stage)
);

-- Queues an event for every receiver that asked for it, in the transaction that it tells of.
CREATE FUNCTION queue_webhooks(event text, event_at timestamptz, data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    body text := jsonb_build_object('type', event,
        'timestamp', to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'data', data)::text;
BEGIN
    IF octet_length(body) > 65536 THEN
        body := jsonb_build_object('type', event,
            'timestamp', to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'data', data - 'detail')::text;
    END IF;
    INSERT INTO webhook_delivery (webhook_id, event, body, created_at, next_at)
        SELECT w.id, event, body, event_at, event_at FROM webhook w
        WHERE w.removed_at IS NULL AND event = ANY (w.events) ORDER BY w.id;
END
$$;
REVOKE ALL ON FUNCTION queue_webhooks FROM PUBLIC;

-- Which entries of the audit log are events for receivers.
CREATE FUNCTION webhook_event(action text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE action
        WHEN 'change.submitted' THEN 'change.waiting'
        WHEN 'change.sent-back' THEN 'change.waiting'
        WHEN 'change.approved' THEN 'change.approved'
        WHEN 'change.rejected' THEN 'change.rejected'
        WHEN 'change.expired' THEN 'change.expired'
        WHEN 'change.published' THEN 'change.published'
        WHEN 'denial.issued' THEN 'denial.issued'
        WHEN 'denial.lifted' THEN 'denial.lifted'
        WHEN 'release.published' THEN 'release.published'
        WHEN 'fleet.halted' THEN 'fleet.halted'
        WHEN 'attempt.refused' THEN 'attempt.refused'
    END
$$;

CREATE FUNCTION tell_webhooks_of_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM queue_webhooks(webhook_event(NEW.action), NEW.at, jsonb_build_object('object', NEW.object, 'team', NEW.team,
        'fleet', NEW.fleet, 'actor', NEW.actor, 'sequence', NEW.sequence, 'detail', NEW.detail::jsonb));
    RETURN NEW;
END
$$;
CREATE TRIGGER event_is_told AFTER INSERT ON audit_event FOR EACH ROW
    WHEN (webhook_event(NEW.action) IS NOT NULL) EXECUTE FUNCTION tell_webhooks_of_event();

CREATE FUNCTION tell_webhooks_of_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM queue_webhooks(NEW.event, NEW.at,
        jsonb_build_object('object', NEW.object, 'stage', NEW.stage, 'detail', NEW.detail));
    RETURN NEW;
END
$$;
CREATE TRIGGER notice_is_told AFTER INSERT ON notice FOR EACH ROW EXECUTE FUNCTION tell_webhooks_of_notice();

GRANT SELECT (id, name, url, events, created_by, created_at, removed_at) ON webhook TO roadstead_api;
GRANT INSERT (name, url, events, secret, created_by, created_at), UPDATE (secret, removed_at) ON webhook TO roadstead_api;
GRANT SELECT (check_value) ON master_key TO roadstead_api;
GRANT SELECT, INSERT (webhook_id, event, body, created_at, next_at) ON webhook_delivery TO roadstead_api;
GRANT SELECT, UPDATE (secret, leased_until) ON webhook TO roadstead_publisher;
GRANT SELECT, UPDATE (attempts, next_at, state, settled_at, outcome), DELETE ON webhook_delivery TO roadstead_publisher;
GRANT SELECT, INSERT, DELETE ON notice TO roadstead_publisher;
