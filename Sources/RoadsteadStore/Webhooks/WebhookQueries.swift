import Codecs
import PostgresKit
import TrustModel

struct InsertWebhook: Query {
    static let sql = """
        INSERT INTO webhook (name, url, events, secret, created_by, created_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE EXISTS (SELECT FROM master_key WHERE check_value = $7)
            AND (SELECT count(*) FROM webhook WHERE removed_at IS NULL) < $8
        RETURNING id
        """
    let webhook: NewWebhook
    let person: PersonID
    let masterKey: String
    let now: UTCDate

    var bindings: [Binding] {
        [
            .text(webhook.name), .text(webhook.url), .texts(webhook.events.map(\.rawValue)), .bytes(webhook.secret),
            .int(person.rawValue), .date(now), .text(masterKey), .int(NewWebhook.most),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct ListWebhooks: Query {
    static let sql = """
        SELECT w.id, w.name, w.url, w.events, w.created_by, w.created_at,
            (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting') AS waiting,
            (SELECT d.state FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state <> 'waiting'
                ORDER BY d.id DESC LIMIT 1) AS last_state
        FROM webhook w WHERE w.removed_at IS NULL AND ($1::bigint IS NULL OR w.id = $1) ORDER BY w.name
        """
    let id: Int64?
    var bindings: [Binding] { [.int(id)] }

    func decode(_ row: Row) throws -> WebhookRecord {
        let events: [String] = try row.value("events")
        return WebhookRecord(
            id: try row.value("id"), name: try row.value("name"), url: try row.value("url"),
            events: events.compactMap(WebhookEvent.init), createdBy: PersonID(rawValue: try row.value("created_by")),
            created: try row.value("created_at"), waiting: try row.value("waiting"),
            lastState: try row.optional("last_state", { try stored($0) }))
    }
}

struct RemoveWebhook: Query {
    static let sql = """
        UPDATE webhook SET removed_at = $2, secret = NULL WHERE id = $1 AND removed_at IS NULL RETURNING name
        """
    let id: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("name") }
}

/// Queues an event that says nothing; nil where there is no such receiver.
struct QueueTestDelivery: Query {
    static let sql = "SELECT queue_webhook_test($1, $2) AS id"
    let webhook: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(webhook), .date(now)] }
    func decode(_ row: Row) throws -> Int64? { try row.value("id") }
}

struct ListDeliveries: Query {
    static let sql = """
        SELECT id, event, state, attempts, created_at, next_at, settled_at, outcome FROM webhook_delivery
        WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
        """
    let webhook: Int64
    let before: Int64
    let limit: Int
    var bindings: [Binding] { [.int(webhook), .int(before), .int(limit)] }

    func decode(_ row: Row) throws -> WebhookDeliveryRecord {
        WebhookDeliveryRecord(
            id: try row.value("id"), event: try row.value("event"), state: try row.value("state", { try stored($0) }),
            attempts: try row.value("attempts"), created: try row.value("created_at"), next: try row.value("next_at"),
            settled: try row.value("settled_at"), outcome: try row.value("outcome"))
    }
}

// MARK: - Delivering

/// Takes a receiver for which a delivery is due, and which no other replica has.
struct LeaseWebhook: Query {
    static let sql = """
        UPDATE webhook SET leased_until = $2 WHERE id = (
            SELECT w.id FROM webhook w
            WHERE w.removed_at IS NULL AND (w.leased_until IS NULL OR w.leased_until <= $1)
                AND due_delivery(w.id, $1, make_interval(secs => $3)) IS NOT NULL
            ORDER BY w.leased_until NULLS FIRST, w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, name, url, secret, leased_until
        """
    let now: UTCDate
    let until: UTCDate
    var bindings: [Binding] { [.date(now), .date(until), .int(WebhookStore.heldSeconds)] }

    func decode(_ row: Row) throws -> LeasedWebhook {
        LeasedWebhook(
            id: try row.value("id"), name: try row.value("name"), url: try row.value("url"),
            secret: try row.value("secret"), until: try row.value("leased_until"))
    }
}

/// Lets a receiver go, at once or to nobody before a time.
struct EndLease: Statement {
    static let sql = "UPDATE webhook SET leased_until = $3 WHERE id = $1 AND leased_until = $2"
    let webhook: LeasedWebhook
    let rest: UTCDate?
    var bindings: [Binding] { [.int(webhook.id), .date(webhook.until), .date(rest)] }
}

/// The delivery that is due next, while the receiver is still there and this replica's.
struct FetchNextDelivery: Query {
    static let sql = """
        SELECT d.id, d.event, d.body, d.attempts, d.created_at FROM webhook_delivery d
        JOIN webhook w ON w.id = d.webhook_id
        WHERE d.id = due_delivery($1, $2, make_interval(secs => $4)) AND w.removed_at IS NULL AND w.leased_until = $3
        """
    let webhook: LeasedWebhook
    let now: UTCDate
    var bindings: [Binding] {
        [.int(webhook.id), .date(now), .date(webhook.until), .int(WebhookStore.heldSeconds)]
    }

    func decode(_ row: Row) throws -> PendingDelivery {
        PendingDelivery(
            id: try row.value("id"), event: try row.value("event"), body: try row.value("body"),
            attempts: try row.value("attempts"), created: try row.value("created_at"))
    }
}

/// Keeps what an attempt came to; nothing when another replica has kept one meanwhile.
struct SettleDelivery: Statement {
    static let sql = """
        UPDATE webhook_delivery SET attempts = $2 + 1, state = $3, next_at = coalesce($4, next_at), settled_at = $5,
            outcome = $6
        WHERE id = $1 AND attempts = $2 AND state = 'waiting'
        """
    let delivery: PendingDelivery
    let state: WebhookDeliveryRecord.State
    let next: UTCDate?
    let settled: UTCDate?
    let outcome: String

    var bindings: [Binding] {
        [
            .int(delivery.id), .int(delivery.attempts), .text(state.rawValue), .date(next), .date(settled),
            .text(outcome),
        ]
    }
}

/// Forgets deliveries that were settled long ago, and those of receivers that are gone.
struct DeleteOldDeliveries: Statement {
    static let sql = """
        DELETE FROM webhook_delivery d USING webhook w
        WHERE w.id = d.webhook_id AND (d.settled_at < $1 OR w.removed_at < $1)
        """
    let before: UTCDate
    var bindings: [Binding] { [.date(before)] }
}

struct MeasureDeliveries: Query {
    static let sql = """
        SELECT count(*) AS waiting, min(d.created_at) AS oldest
        FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
        WHERE d.state = 'waiting' AND w.removed_at IS NULL
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> (waiting: Int, oldest: UTCDate?) {
        (try row.value("waiting"), try row.value("oldest"))
    }
}

// MARK: - Secrets

struct ListWebhookSecrets: Query {
    static let sql = "SELECT id, name, url, secret FROM webhook WHERE secret IS NOT NULL ORDER BY id FOR UPDATE"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> WebhookSecretRecord {
        WebhookSecretRecord(
            id: try row.value("id"), name: try row.value("name"), url: try row.value("url"),
            sealed: try row.value("secret"))
    }
}

struct ResealWebhookSecret: Statement {
    static let sql = "UPDATE webhook SET secret = $2 WHERE id = $1 AND removed_at IS NULL"
    let record: WebhookSecretRecord
    var bindings: [Binding] { [.int(record.id), .bytes(record.sealed)] }
}

// MARK: - Notices

/// Tells of anchors that end soon, once for each stage.
struct NoticeExpiringAnchors: Query {
    static let sql = """
        INSERT INTO notice (event, object, stage, detail, at)
        SELECT 'root.expiring', 'anchor:' || a.id, s.days::text, jsonb_build_object('subject', a.subject,
            'sha256', a.sha256, 'team', t.name, 'notAfter', to_char(a.not_after AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'days', s.days), $1
        FROM anchor a JOIN team t ON t.id = a.team_id CROSS JOIN LATERAL (
            SELECT min(days) AS days FROM unnest(ARRAY[90, 30, 7, 1]) AS days
            WHERE a.not_after <= $1::timestamptz + make_interval(days => days)) AS s
        WHERE a.state = 'active' AND a.not_after <= $1::timestamptz + interval '90 days' AND a.not_after > $1
            AND NOT EXISTS (SELECT FROM notice n WHERE n.event = 'root.expiring' AND n.object = 'anchor:' || a.id
                AND n.stage = s.days::text)
        ORDER BY a.not_after, a.id LIMIT 500 ON CONFLICT DO NOTHING RETURNING object
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("object") }
}

/// Tells of anchors whose review is due, once for each date.
struct NoticeDueReviews: Query {
    static let sql = """
        INSERT INTO notice (event, object, stage, detail, at)
        SELECT 'review.due', 'anchor:' || a.id, to_char(a.review_by AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
            jsonb_build_object('subject', a.subject, 'sha256', a.sha256, 'team', t.name), $1
        FROM anchor a JOIN team t ON t.id = a.team_id
        WHERE a.state = 'active' AND a.review_by <= $1 AND NOT EXISTS (SELECT FROM notice n
            WHERE n.event = 'review.due' AND n.object = 'anchor:' || a.id
                AND n.stage = to_char(a.review_by AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
        ORDER BY a.review_by, a.id LIMIT 500 ON CONFLICT DO NOTHING RETURNING object
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("object") }
}

/// Tells of hosts that were not heard of for a day, once for each silence.
struct NoticeStaleHosts: Query {
    static let sql = """
        INSERT INTO notice (event, object, stage, detail, at)
        SELECT 'host.stale', 'host:' || h.id, q.since, jsonb_build_object('host', h.name, 'fleet', f.name,
            'since', q.since), $1
        FROM host h JOIN fleet f ON f.id = h.fleet_id LEFT JOIN host_state s ON s.host_id = h.id CROSS JOIN LATERAL (
            SELECT to_char(coalesce(s.last_seen_at, h.enrolled_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                AS since) AS q
        WHERE h.removed_at IS NULL AND coalesce(s.last_seen_at, h.enrolled_at) <= $1::timestamptz - interval '1 day'
            AND NOT EXISTS (SELECT FROM notice n
                WHERE n.event = 'host.stale' AND n.object = 'host:' || h.id AND n.stage = q.since)
        ORDER BY h.id LIMIT 500 ON CONFLICT DO NOTHING RETURNING object
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("object") }
}

/// Tells of exceptions that end within a day, once each.
struct NoticeEndingExceptions: Query {
    static let sql = """
        INSERT INTO notice (event, object, stage, detail, at)
        SELECT 'exception.ending', 'exception:' || e.id, '1', jsonb_build_object('fleet', f.name, 'digest', e.digest,
            'scope', e.scope, 'until', to_char(e.until_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), $1
        FROM policy_exception e JOIN fleet f ON f.id = e.fleet_id
        WHERE e.ended_at IS NULL AND e.until_at > $1 AND e.until_at <= $1::timestamptz + interval '1 day'
            AND NOT EXISTS (SELECT FROM notice n
                WHERE n.event = 'exception.ending' AND n.object = 'exception:' || e.id)
        ORDER BY e.id LIMIT 500 ON CONFLICT DO NOTHING RETURNING object
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("object") }
}

struct InsertNotice: Statement {
    static let sql = """
        INSERT INTO notice (event, object, stage, detail, at) VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT DO NOTHING
        """
    let event: WebhookEvent
    let object: String
    let stage: String
    let detail: JSON
    let now: UTCDate
    var bindings: [Binding] {
        [.text(event.rawValue), .text(object), .text(stage), .text(detail.text), .date(now)]
    }
}

/// Silences that are long over need not be remembered.
struct DeleteOldNotices: Statement {
    static let sql = "DELETE FROM notice WHERE event = 'host.stale' AND at < $1"
    let before: UTCDate
    var bindings: [Binding] { [.date(before)] }
}
