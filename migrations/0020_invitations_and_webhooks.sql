-- Invitations that are taken back, webhook events that wait for each other a minute at most, and a wall around webhooks.

-- What was offered is taken back while nobody has taken it up, and is offered anew only by another invitation.
ALTER TABLE invitation
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN revoked_by bigint REFERENCES person,
    ADD CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    ADD CHECK (revoked_at IS NULL OR accepted_at IS NULL);
CREATE TRIGGER taken_away_stays BEFORE UPDATE ON invitation FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL) EXECUTE FUNCTION refuse_return();
GRANT UPDATE (revoked_at, revoked_by) ON invitation TO roadstead_api;
GRANT SELECT (revoked_at) ON invitation TO roadstead_publisher;

-- Every event carries its number, which rises: a receiver puts in order by it what one failure let overtake another.
CREATE OR REPLACE FUNCTION queue_webhooks(event text, event_at timestamptz, data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    message jsonb := jsonb_build_object('type', event,
        'timestamp', to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'data', data);
    receiver bigint;
    number bigint;
BEGIN
    -- With room for the number.
    IF octet_length(message::text) > 65536 - 64 THEN
        message := jsonb_set(message, '{data}', data - 'detail');
    END IF;
    FOR receiver IN SELECT w.id FROM webhook w
        WHERE w.removed_at IS NULL AND queue_webhooks.event = ANY (w.events) ORDER BY w.id
    LOOP
        number := nextval(pg_get_serial_sequence('webhook_delivery', 'id'));
        INSERT INTO webhook_delivery (id, webhook_id, event, body, created_at, next_at) OVERRIDING SYSTEM VALUE
            VALUES (number, receiver, queue_webhooks.event,
                (message || jsonb_build_object('sequence', number))::text, event_at, event_at);
    END LOOP;
END
$$;

-- The event that a receiver is told of next: those that were never tried before those that failed, each kind in order.
-- One that fails holds up what comes after it for so long after it was queued, and nothing any longer.
CREATE FUNCTION due_delivery(receiver bigint, moment timestamptz, held interval) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT d.id FROM webhook_delivery d
    WHERE d.webhook_id = receiver AND d.state = 'waiting' AND d.next_at <= moment
        AND d.id <= coalesce((SELECT min(y.id) FROM webhook_delivery y
            WHERE y.webhook_id = receiver AND y.state = 'waiting' AND y.created_at > moment - held), d.id)
    ORDER BY (d.attempts > 0), d.id LIMIT 1
$$;
REVOKE ALL ON FUNCTION due_delivery FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_delivery TO roadstead_publisher;
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, (attempts > 0), id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_young ON webhook_delivery (webhook_id, created_at) WHERE state = 'waiting';

-- Receivers are their administrators' to see; no team's member finds there what other teams do.
CREATE FUNCTION administers() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM acting_roles() WHERE role = 'trust-admin' AND team_id IS NULL AND fleet_id IS NULL)
$$;
REVOKE ALL ON FUNCTION administers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION administers TO roadstead_api;
SELECT raise_wall(name::regclass, '(SELECT administers())', '(SELECT administers())')
    FROM unnest(ARRAY['webhook', 'webhook_delivery']) AS name;
SELECT raise_wall('notice', 'false', 'false');

-- What is sent is signed, so that only the database says it: an event of the API's own words tells nothing.
CREATE FUNCTION queue_webhook_test(receiver bigint, asked_at timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO webhook_delivery (id, webhook_id, event, body, created_at, next_at) OVERRIDING SYSTEM VALUE
    SELECT n.number, receiver, 'webhook.test', jsonb_build_object('type', 'webhook.test',
        'timestamp', to_char(asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'sequence', n.number,
        'data', jsonb_build_object('object', 'webhook:' || receiver))::text, asked_at, asked_at
    FROM (SELECT nextval(pg_get_serial_sequence('webhook_delivery', 'id')) AS number) AS n
    WHERE administers() AND EXISTS (SELECT FROM webhook WHERE id = receiver AND removed_at IS NULL)
    RETURNING id
$$;
REVOKE ALL ON FUNCTION queue_webhook_test FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue_webhook_test TO roadstead_api;
REVOKE SELECT, INSERT (webhook_id, event, body, created_at, next_at) ON webhook_delivery FROM roadstead_api;
GRANT SELECT (id, webhook_id, event, state, attempts, created_at, next_at, settled_at, outcome) ON webhook_delivery
    TO roadstead_api;
