import Codecs
import PostgresKit
import TrustModel

extension SetPolicy {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let team = try planner.requireTeam()
        let transaction = planner.transaction
        guard content.operations.filter({ $0.kind == .setPolicy }).count == 1 else {
            throw StoreError(.invalid, "the change sets the policy twice", hint: "leave one of them out")
        }
        if let statements { try await refuse(statements, of: team, on: transaction) }
        let text = try statements.map { try StoredJSON.text($0.statements) }
        let present = try await transaction.fetchOptional(FetchPolicy(team: team.id))
        guard present?.text != text else {
            throw StoreError(.conflict, "that is the policy of team \"\(team.name)\" already")
        }
        return PlannedStep { context in
            try await context.planner.transaction.execute(
                InsertPolicy(team: team.id, statements: text, change: context.change, now: context.planner.now))
            try await context.audit.record(
                .policySet, team.name, team: team.name,
                detail: ["policy": try text.map { try JSON(parsing: Array($0.utf8)) } ?? "standard"])
        }
    }

    private func refuse(
        _ statements: TeamStatements, of team: TeamRow, on transaction: Transaction
    ) async throws {
        let stores = try await transaction.fetchAll(ListStores(teams: [team.id])).map(\.store.id)
        var owners: [RegistryScope: TeamName] = [:]
        for scope in statements.scopes {
            owners[scope] = try await transaction.fetchOptional(FetchRepositoryOwner(repository: scope))
        }
        let references = Set(stores.map { TeamPolicy.StoreReference(kind: $0.kind, name: $0.name) })
        let refusal = statements.refusal(of: team.name, stores: references) { owners[$0] }
        if let refusal { throw StoreError(.invalid, refusal.reason, hint: refusal.hint) }
    }
}
