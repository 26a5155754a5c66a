import PostgresKit
import TrustModel

extension AddTeam: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        try Texts.check(displayName, "display name", maximum: 200)
        if try await planner.transaction.fetchOptional(FetchTeam(name: team)) != nil {
            throw StoreError(.conflict, "there is a team \"\(team)\" already")
        }
        if let removed = try await planner.transaction.fetchOptional(FetchTeamRemoval(name: team)) ?? nil {
            throw StoreError(
                .conflict, "there was a team \"\(team)\" until \(removed), and names are never used again",
                hint: "choose another name")
        }
        return PlannedStep { context in
            let insert = InsertTeam(name: team, displayName: displayName, custody: .server, now: context.planner.now)
            _ = try await context.planner.transaction.fetchOne(insert)
            try await context.audit.record(.teamCreated, team, team: team)
        }
    }
}
