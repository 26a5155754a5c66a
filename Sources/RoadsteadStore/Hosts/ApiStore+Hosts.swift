package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func hosts(of fleet: FleetName? = nil, _ page: PageRequest) async throws -> KeysetPage<HostRecord> {
        let query = ListHosts(
            after: try page.numberAfter(), fleet: fleet, readable: reader.fleets, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// A host, also one that was removed.
    package func host(_ id: Int64) async throws -> HostRecord {
        guard let host = try await pool.fetchOptional(FetchHost(id: id)), reader.fleets.contains(host.fleet) else {
            throw StoreError.noSuch("host", id)
        }
        return host
    }

    /// Takes a host out of its fleet: its reports are refused from now on. What it trusts stays on it.
    package func removeHost(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, nil, now: now) { work in
            guard let host = try await work.transaction.fetchOptional(FetchHost(id: id)),
                Reader(work.authority).fleets.contains(host.fleet)
            else {
                throw StoreError.noSuch("host", id)
            }
            try work.authority.require(.operateFleet(host.fleet))
            guard try await work.transaction.execute(RemoveHost(id: id, now: now)) == 1 else {
                throw StoreError.noSuch("host", id)
            }
            try await work.audit.record(.hostRemoved, host.name, fleet: host.fleet)
        }
    }

    /// Makes a token with which hosts join a fleet.
    ///
    /// - Parameter uses: 1 to 10,000.
    package func createJoinToken(
        for name: FleetName, tokenSHA256: [UInt8], uses: Int, labels: [String: String], expires: UTCDate,
        by actor: Actor, now: UTCDate
    ) async throws -> JoinTokenRecord {
        try tokenSHA256.requireDigest("the digest of a join token")
        try NewHost.check(labels)
        guard (1...10_000).contains(uses), expires > now, expires <= now.adding(days: 30) else {
            throw StoreError(
                .invalid, "a join token with \(uses) uses until \(expires) cannot be made",
                hint: "1 to 10000 uses, at most 30 days")
        }
        return try await work(actor, .operateFleet(name), now: now) { work in
            let fleet = try await work.transaction.requireFleet(name)
            let id = try await work.transaction.fetchOne(
                InsertJoinToken(
                    tokenSHA256: tokenSHA256, fleet: fleet.id, labels: try StoredJSON.text(labels), uses: uses,
                    by: actor.person, now: now, expires: expires))
            try await work.audit.record(
                .joinTokenCreated, "join-token:\(id)", fleet: name, detail: ["uses": .integer(Int64(uses))])
            return JoinTokenRecord(id: id, fleet: name, labels: labels, usesLeft: uses, expires: expires)
        }
    }
}
