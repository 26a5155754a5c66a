package import Codecs
package import PostgresKit
package import TrustModel

/// The store as hosts see it: they join, report, and read files. Nothing else is within reach of its database role.
package struct HostStore: Sendable {
    let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    package var files: PublishedFiles { PublishedFiles(pool: pool) }

    package func host(_ id: Int64) async throws -> HostRecord {
        guard let host = try await pool.fetchOptional(FetchHost(id: id)), host.removed == nil else {
            throw StoreError.noSuch("host", id)
        }
        return host
    }

    /// An enrolled host by its name in a fleet.
    package func host(named name: String, of fleet: FleetName) async throws -> HostRecord {
        guard let host = try await pool.fetchOptional(FetchHostByName(fleet: fleet, name: name)) else {
            throw StoreError.noSuch("host", name)
        }
        return host
    }

    /// Takes a host into the fleet that its join token is for, and one use off the token, both or neither.
    ///
    /// The caller has checked that the host holds its key. The token's labels win over the host's own.
    package func enrol(_ host: NewHost, tokenSHA256: [UInt8], now: UTCDate) async throws -> HostRecord {
        try await pool.withTransaction(attempts: 4) { transaction in
            let (token, fleet) = try await Self.usableToken(tokenSHA256, for: host, on: transaction, now: now)
            guard try await transaction.execute(UseJoinToken(id: token.id)) == 1 else { throw Self.usedUp }
            let labels = try StoredJSON.text(host.labels.merging(token.labels) { $1 })
            let insert = InsertHost(fleet: fleet, host: host, labels: labels, token: token.id, now: now)
            guard let id = try await transaction.fetchOptional(insert) else {
                throw StoreError(
                    .conflict, "a host named \"\(host.name)\", or with this key, is enrolled already",
                    hint: "remove it first: roadstead host remove \(host.name)")
            }
            try await transaction.execute(InsertHostState(host: id, now: now))
            let audit = AuditWriter(transaction: transaction, actor: .host(id), now: now)
            try await audit.record(
                .hostEnrolled, host.name, fleet: host.fleet, detail: ["joinToken": .integer(token.id)])
            return try await transaction.fetchOne(FetchHost(id: id))
        }
    }

    /// Keeps a receipt whose signature the caller has verified with the host's key.
    ///
    /// - Throws: `StoreError(.replay)` when its number is not above the last one, `.invalid` when it is of another
    ///   host or names a release that was never published so.
    package func record(
        _ receipt: Receipt, bytes: [UInt8], signature: [UInt8], from host: HostRecord, now: UTCDate
    ) async throws {
        guard receipt.fleet == host.fleet, receipt.host == host.name, receipt.sequence >= 1, receipt.release >= 0 else {
            throw StoreError(.invalid, "the receipt is not one of host \"\(host.name)\" of fleet \"\(host.fleet)\"")
        }
        try await pool.withTransaction(attempts: 4) { transaction in
            try await Self.checkRelease(of: receipt, on: transaction)
            let update = UpdateHostState(
                host: host.id, receipt: receipt, enforcers: try StoredJSON.text(receipt.enforcers),
                warnings: try StoredJSON.text(receipt.allWarnings), now: now)
            guard try await transaction.execute(update) == 1 else {
                throw StoreError(
                    .replay, "receipt \(receipt.sequence) of host \"\(host.name)\" is not above the last one",
                    hint: "a receipt counts once; the agent counts on by itself")
            }
            try await transaction.execute(
                InsertReceipt(
                    host: host.id, sequence: receipt.sequence, bytes: bytes, signature: signature, now: now))
        }
    }
}

extension HostStore {
    private static let usedUp = StoreError(
        .usedUp, "this join token has no uses left", hint: "make another one: roadstead host join-token")

    private static func usableToken(
        _ tokenSHA256: [UInt8], for host: NewHost, on transaction: Transaction, now: UTCDate
    ) async throws -> (JoinTokenRecord, fleetRow: Int64) {
        guard let (token, fleet) = try await transaction.fetchOptional(LockJoinToken(tokenSHA256: tokenSHA256)),
            token.fleet == host.fleet
        else {
            throw StoreError(
                .unauthenticated, "this join token is unknown, or is for another fleet",
                hint: "make one: roadstead host join-token")
        }
        guard now < token.expires else {
            throw StoreError(
                .expired, "the join token expired at \(token.expires)",
                hint: "make another one: roadstead host join-token")
        }
        guard token.usesLeft > 0 else { throw usedUp }
        return (token, fleet)
    }

    /// A host that has something which was never published must be noticed, not believed: it is asked to show it.
    private static func checkRelease(of receipt: Receipt, on transaction: Transaction) async throws {
        guard receipt.release > 0 else { return }
        let known = try await transaction.fetchOptional(
            FetchReleaseFrom(fleet: receipt.fleet, number: receipt.release))
        if let known, known.number == receipt.release, known.digest == receipt.releaseDigest { return }
        // What was published before a recovered release is not known in every case.
        if let known, known.number > receipt.release, known.kind == ReleaseRecord.Kind.recovered.rawValue { return }
        let settled = ListVersionDigests(fleet: receipt.fleet, asked: [("snapshot", receipt.release)])
        if try await transaction.fetchAll(settled).contains(where: { $0.sha256 == receipt.releaseDigest }) { return }
        throw StoreError(
            .hostAhead,
            "host \"\(receipt.host)\" reports release \(receipt.release) of fleet \"\(receipt.fleet)\", which "
                + (known?.number == receipt.release ? "was published here with another snapshot" : "is not known here"),
            hint: "the database may have been restored: the host's agent shows what it holds; see docs/operating.md")
    }
}
