package import Codecs
import PostgresKit
import TrustModel

extension PublisherStore {
    /// Keeps new private keys, all or none; a key that serves anything else already is refused, and so are keys sealed
    /// under a master key that has been replaced meanwhile.
    ///
    /// - Parameter awaitingCeremony: they serve only once a ceremony that names them has closed.
    package func addKeys(
        _ keys: [ServerKeyRecord], sealedUnder checkValue: String, awaitingCeremony: Bool = false, now: UTCDate
    ) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            guard try await transaction.fetchOptional(HoldMasterKeyCheck(checkValue: checkValue)) != nil else {
                throw StoreError(
                    .conflict, "new keys were sealed under another master key than the one in use",
                    hint: "restart this server with the new master key")
            }
            for record in keys {
                let insert = InsertKey(record: record, awaitsCeremony: awaitingCeremony, now: now)
                guard try await transaction.fetchOptional(insert) != nil else {
                    let words = try await transaction.fetchOptional(FetchKeyUse(key: record.key))?.words
                    throw StoreError(
                        .conflict, "key \(record.key.keyID.prefix(16)) is \(words ?? "something else") already")
                }
            }
            let stray = awaitingCeremony ? try await Self.retireStrayKeys(transaction, now) : []
            let audit = Self.audit(transaction, now)
            for record in keys { try await audit.record(.keyCreated, record.key.keyID) }
            for keyID in stray { try await audit.record(.keyRetired, keyID) }
        }
    }

    /// The keys in force that live in a token or a service.
    package func namedKeys() async throws -> [ServerKeyRecord] { try await pool.fetchAll(ListNamedKeys()) }

    /// Of some names, those that a key has or had.
    package func takenNames(_ names: [String]) async throws -> Set<String> {
        Set(try await pool.fetchAll(ListTakenNames(names: names)))
    }

    /// Runs the closure while no other replica makes keys in tokens and services: two that made one key would leave two.
    package func whileMakingKeys<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await makers.acquire()
        defer { makers.release() }
        return try await pool.withTransaction { transaction in
            try await transaction.execute(HoldKeyMaking())
            return try await body()
        }
    }

    /// Private keys that no ceremony will ever use are not kept.
    static func retireStrayKeys(_ transaction: Transaction, _ now: UTCDate) async throws -> [String] {
        try await transaction.fetchAll(RetireStrayKeys(before: now.adding(days: -1), now: now))
    }

    /// The check value of the master key in use; the first one given is kept.
    package func masterKeyCheckValue(settingIfAbsent value: String, now: UTCDate) async throws -> String {
        if let stored = try await pool.fetchOptional(FetchMasterKeyCheck()) { return stored }
        return try await pool.withTransaction(attempts: 4) { transaction in
            if try await transaction.fetchOptional(InsertMasterKeyCheck(checkValue: value, now: now)) != nil {
                try await Self.audit(transaction, now).record(.masterKeySet, "master-key")
            }
            return try await transaction.fetchOne(FetchMasterKeyCheck())
        }
    }

    /// The check value of the master key in use; nil while nothing was sealed.
    package func masterKeyCheckValue() async throws -> String? { try await pool.fetchOptional(FetchMasterKeyCheck()) }

    /// Seals every private key and every webhook's secret anew under another master key, in one transaction: all, or none.
    package func rotateMasterKey(
        from old: String, to new: String, now: UTCDate,
        webhooks resealSecret: (WebhookSecretRecord) throws -> WebhookSecretRecord = { $0 },
        _ reseal: ([ServerKeyRecord]) throws -> [ServerKeyRecord]
    ) async throws -> Int {
        try await pool.withTransaction { transaction in
            guard try await transaction.execute(ReplaceMasterKeyCheck(old: old, new: new, now: now)) == 1 else {
                throw StoreError(
                    .conflict, "the stored keys were sealed under another master key than the one given as the old one")
            }
            let keys = try await transaction.fetchAll(ListAllKeys())
            let sealed = try reseal(keys)
            guard Set(sealed.map(\.key.keyID)) == Set(keys.map(\.key.keyID)), sealed.count == keys.count else {
                throw StoreError(.invalid, "not every key was sealed anew")
            }
            for record in sealed {
                guard let bytes = record.sealed else { throw StoreError(.invalid, "a key was not sealed anew") }
                try await transaction.execute(ResealKey(keyID: record.key.keyID, sealed: bytes))
            }
            for record in try await transaction.fetchAll(ListWebhookSecrets()) {
                try await transaction.execute(ResealWebhookSecret(record: try resealSecret(record)))
            }
            try await Self.audit(transaction, now).record(
                .masterKeyRotated, "master-key", detail: ["keys": .integer(Int64(sealed.count))])
            return sealed.count
        }
    }
}
