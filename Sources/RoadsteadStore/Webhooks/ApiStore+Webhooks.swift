package import Codecs
import PostgresKit
import TrustModel

extension ApiStore {
    /// Makes a receiver of events.
    ///
    /// - Parameter masterKey: the check value of the master key that sealed its secret.
    package func addWebhook(
        _ webhook: NewWebhook, sealedUnder masterKey: String, by actor: Actor, now: UTCDate
    ) async throws -> WebhookRecord {
        try await work(actor, .administer, now: now) { work in
            let insert = InsertWebhook(webhook: webhook, person: actor.person, masterKey: masterKey, now: now)
            let id: Int64?
            do { id = try await work.transaction.fetchOptional(insert) } catch let error as PostgresError
                where error.code == .unique
            {
                throw StoreError(
                    .conflict, "there is a webhook \"\(webhook.name)\" already",
                    hint: "roadstead webhook remove \(webhook.name), or choose another name")
            }
            guard let id else {
                throw StoreError(
                    .conflict, "there are \(NewWebhook.most) webhooks already, or the master key was replaced just now",
                    hint: "remove one: roadstead webhook list")
            }
            try await work.audit.record(
                .webhookAdded, "webhook:\(id)",
                detail: ["events": .array(webhook.events.map { .string($0.rawValue) }), "name": .string(webhook.name)])
            return try await work.transaction.fetchOne(ListWebhooks(id: id))
        }
    }

    /// Ends a receiver: its secret is forgotten, and nothing more is sent to it.
    package func removeWebhook(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, .administer, now: now) { work in
            guard let name = try await work.transaction.fetchOptional(RemoveWebhook(id: id, now: now)) else {
                throw StoreError.noSuch("webhook", id)
            }
            try await work.audit.record(.webhookRemoved, "webhook:\(id)", detail: ["name": .string(name)])
        }
    }

    /// Queues an event that says nothing, for one receiver.
    package func testWebhook(_ id: Int64, by actor: Actor, now: UTCDate) async throws -> Int64 {
        try await work(actor, .administer, now: now) { work in
            guard let delivery = try await work.transaction.fetchOne(QueueTestDelivery(webhook: id, now: now)) else {
                throw StoreError.noSuch("webhook", id)
            }
            try await work.audit.record(.webhookTested, "webhook:\(id)")
            return delivery
        }
    }

    package func webhooks() async throws -> [WebhookRecord] { try await pool.fetchAll(ListWebhooks(id: nil)) }

    package func webhook(_ id: Int64) async throws -> WebhookRecord {
        guard let webhook = try await pool.fetchOptional(ListWebhooks(id: id)) else {
            throw StoreError.noSuch("webhook", id)
        }
        return webhook
    }

    /// The newest first.
    package func deliveries(of webhook: Int64, _ page: PageRequest) async throws
        -> KeysetPage<WebhookDeliveryRecord>
    {
        let before = page.after == nil ? Int64.max : try page.numberAfter()
        let query = ListDeliveries(webhook: webhook, before: before, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }
}
