import Codecs
import PostgresKit
import TrustModel

extension AddTeam: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        try Texts.check(displayName, "display name", maximum: 200)
        if content.makes(team, before: self) { throw taken }
        if try await planner.transaction.fetchOptional(FetchTeam(name: team)) != nil { throw taken }
        if let removed = try await planner.transaction.fetchOptional(FetchTeamRemoval(name: team)) ?? nil {
            throw StoreError(
                .conflict, "there was a team \"\(team)\" until \(removed), and names are never used again",
                hint: "choose another name")
        }
        return PlannedStep { context in
            let insert = InsertTeam(name: team, displayName: displayName, custody: .server, now: context.planner.now)
            guard try await context.planner.transaction.fetchOptional(insert) != nil else { throw taken }
            try await context.record(.teamCreated, team, team: team)
        }
    }

    private var taken: StoreError { StoreError(.conflict, "there is a team \"\(team)\" already") }
}

extension RemoveTeam: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        try await refuseMember(of: try await planner.transaction.requireTeam(team), planner.transaction)
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockTeam(team)
            try await refuseMember(of: row, transaction)
            try await transaction.execute(DeleteScopesOfTeam(team: row.id))
            try await transaction.execute(MarkTeamRemoved(id: row.id, now: context.planner.now))
            try await context.record(.teamRemoved, team, team: team)
        }
    }

    private func refuseMember(of row: TeamRow, _ transaction: Transaction) async throws {
        guard try await transaction.fetchOne(CountFleetsOfTeam(team: row.id)) == 0 else {
            throw StoreError(
                .conflict, "team \"\(team)\" is still in a fleet", hint: "take it out of every fleet first")
        }
    }
}

extension ChangeContent {
    /// Whether the change makes a team in a step before one.
    func makes(_ team: TeamName, before operation: some GovernedOperation) -> Bool {
        earlier(than: operation).contains { ($0 as? AddTeam)?.team == team }
    }

    /// The governed steps before one.
    func earlier(than operation: some GovernedOperation) -> [any GovernedOperation] {
        let this = ChangeOperation.governed(operation)
        return operations.prefix { $0 != this }.compactMap {
            if case .governed(let step) = $0 { step.operation } else { nil }
        }
    }
}

extension ChangePlanner {
    /// - Throws: `StoreError(.notFound)` for a team that neither is there nor is made earlier in the same change.
    func require(_ team: TeamName?, before operation: some GovernedOperation, in content: ChangeContent) async throws {
        guard let team, !content.makes(team, before: operation) else { return }
        _ = try await transaction.requireTeam(team)
    }
}

extension StepContext {
    /// Tells the audit log what the step did, and by which change.
    func record(
        _ action: AuditAction, _ object: some CustomStringConvertible, team: TeamName? = nil, fleet: FleetName? = nil,
        detail: [String: JSON] = [:]
    ) async throws {
        let members = detail.merging(["change": .integer(change)]) { first, _ in first }
        let sorted = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        try await audit.record(action, object, team: team, fleet: fleet, detail: .object(JSONObject(sorted)))
    }
}
