package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func denials(_ filter: DenialFilter = DenialFilter(), _ page: PageRequest) async throws
        -> KeysetPage<DenialRecord>
    {
        guard reader.holdsAnyRole else { return KeysetPage(items: [], next: nil) }
        let query = ListDenials(
            after: try page.numberAfter(), filter: filter, readable: reader.teams, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    package func denial(_ id: Int64) async throws -> DenialRecord {
        guard let denial = try await pool.fetchOptional(FetchDenial(id: id)), reader.mayRead(denial) else {
            throw StoreError.noSuch("denial", "D-\(id)")
        }
        return denial
    }

    /// Takes trust away at once: by one person who may, never refused for what it does.
    ///
    /// - Parameter team: the team whose scopes it holds for; nil for everywhere.
    /// - Throws: `StoreError(.conflict)` when exactly this is denied already, which then goes on; `.invalid` when the team
    ///   has denied so much already that hosts could not take it.
    package func deny(
        _ subject: DenialSubject, in team: TeamName?, reason: String, by actor: Actor, now: UTCDate
    ) async throws -> DenialRecord {
        let reason = try Self.checked(reason)
        return try await work(actor, team.map { .remove($0) } ?? .denyEverywhere, now: now) { work in
            let transaction = work.transaction
            let row = try await team.asyncMap { try await transaction.lockTeam($0).id }
            let insert = InsertDenial(
                subject: subject, team: row, reason: reason, author: actor.person, change: nil, now: now)
            guard let id = try await transaction.fetchOptional(insert) else {
                let present = try await transaction.fetchOptional(FindDenial(subject: subject, team: row))
                throw StoreError(
                    .conflict, "this is denied already, by D-\(present ?? 0)",
                    hint: "roadstead deny show D-\(present ?? 0)")
            }
            // Last, so that what is denied already is told as such.
            if let team, let row { try await transaction.refuseFlood(of: team, row) }
            try await work.audit.record(.denialIssued, "D-\(id)", team: team, detail: Self.detail(of: subject))
            try await transaction.execute(SendPublishSignal())
            return try await transaction.fetchOne(FetchDenial(id: id))
        }
    }

    private static func detail(of subject: DenialSubject) -> JSON {
        // An identity is personal data, which the log never forgets; the row has it.
        if case .identity = subject { return ["kind": .string(subject.kind.rawValue)] }
        let columns = subject.columns
        return [
            "kind": .string(subject.kind.rawValue), "value": .string(columns.value),
            "issuer": columns.issuer.map { .string($0) } ?? .null,
        ]
    }

    private static func checked(_ reason: String) throws -> String {
        guard !reason.allSatisfy(\.isWhitespace), reason.utf8.count <= 4_000, !reason.utf8.contains(0) else {
            throw StoreError(.invalid, "the reason is empty or too long", hint: "1 to 4000 characters; hosts show it")
        }
        return reason
    }
}

/// What one team may deny by hand: all denials of a fleet go into one document, which its hosts take up to a limit.
private enum DenialBudget {
    static let count = 200
    static let bytes = 64 << 10
}

extension Transaction {
    /// Keeps one team from denying so much that no host of its fleets could load the denials of the others.
    fileprivate func refuseFlood(of name: TeamName, _ team: Int64) async throws {
        let present = try await fetchOne(MeasureDenials(team: team))
        guard present.count <= DenialBudget.count, present.bytes <= DenialBudget.bytes else {
            throw StoreError(
                .invalid,
                "team \(name) would have \(present.count) denials in force, with \(present.bytes) bytes, "
                    + "and \(DenialBudget.count) with \(DenialBudget.bytes) bytes fit",
                hint: "lift those that are no longer needed, remove the anchor, or ask a security officer to deny it "
                    + "everywhere")
        }
    }

    /// Makes a removal hold before the team's role says it: a denial of the certificate within the team's scopes,
    /// written in the transaction of the removal.
    ///
    /// - Parameter change: the removal; its author issues the denial.
    /// - Returns: the new denial's number; nil when it is denied there already.
    @discardableResult
    func denyRemovedAnchor(
        sha256: String, of team: TeamRow, by author: PersonID, change: Int64, audit: AuditWriter
    ) async throws -> Int64? {
        let subject = DenialSubject.certificate(sha256: sha256)
        let insert = InsertDenial(
            subject: subject, team: team.id, reason: "removed by C-\(change)", author: author, change: change,
            now: audit.now)
        guard let id = try await fetchOptional(insert) else { return nil }
        try await audit.record(
            .denialIssued, "D-\(id)", team: team.name,
            detail: ["kind": "certificate", "value": .string(sha256), "change": .string("C-\(change)")])
        return id
    }
}
