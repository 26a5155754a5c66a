import PostgresKit
import TrustModel

extension AddScope: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        try await planner.require(team, before: self, in: content)
        if let owner = try await planner.transaction.fetchOptional(FetchScopeOwner(scope: scope)),
            !isFreed(from: owner, by: content)
        {
            throw taken(by: owner)
        }
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockTeam(team)
            let insert = InsertScope(scope: scope, team: row.id, now: context.planner.now)
            guard try await transaction.fetchOptional(insert) != nil else {
                throw taken(by: try await transaction.fetchOptional(FetchScopeOwner(scope: scope)))
            }
            try await context.record(.scopeAdded, scope, team: team)
        }
    }

    /// Whether an earlier step of the change takes the scope from its owner.
    private func isFreed(from owner: TeamName, by content: ChangeContent) -> Bool {
        content.earlier(than: self).contains { step in
            if let step = step as? RemoveScope { return step.scope == scope && step.team == owner }
            return (step as? RemoveTeam)?.team == owner
        }
    }

    private func taken(by owner: TeamName?) -> StoreError {
        StoreError(
            .conflict, "the scope \"\(scope)\" belongs to team \"\(owner?.rawValue ?? "?")\" already",
            hint: owner == team ? nil : "take it from that team first, or give a longer one")
    }
}

extension RemoveScope: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        _ = try await planner.transaction.requireTeam(team)
        guard try await planner.transaction.fetchOptional(FetchScopeOwner(scope: scope)) == team else { throw foreign }
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockTeam(team)
            guard try await transaction.execute(DeleteScope(scope: scope, team: row.id)) == 1 else { throw foreign }
            try await context.record(.scopeRemoved, scope, team: team)
        }
    }

    private var foreign: StoreError {
        StoreError(.notFound, "team \"\(team)\" does not own the scope \"\(scope)\"")
    }
}
