import Codecs
import PostgresKit
import TrustModel

extension SetGroupRole: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let binding = try RoleBinding(role, reach)
        let (team, fleet) = try await ApiStore.reachIDs(reach, on: planner.transaction)
        let find = FindGroupRole(issuer: issuer.text, group: group.text, role: role, team: team, fleet: fleet)
        if try await planner.transaction.fetchOptional(find) != nil {
            throw StoreError(.conflict, "the group \"\(group)\" brings \(binding) already")
        }
        return PlannedStep { context in
            let insert = InsertGroupRole(
                issuer: issuer.text, group: group.text, role: role, team: team, fleet: fleet, change: context.change,
                now: context.planner.now)
            guard let id = try await context.planner.transaction.fetchOptional(insert) else {
                throw StoreError(.conflict, "the group \"\(group)\" brings \(binding) already")
            }
            try await context.audit.record(
                .groupRoleSet, "group-role:\(id)", team: reach.team, fleet: reach.fleet,
                detail: ["issuer": .string(issuer.text), "group": .string(group.text), "role": .string("\(binding)")])
        }
    }
}

extension RemoveGroupRole: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let binding = try RoleBinding(role, reach)
        let (team, fleet) = try await ApiStore.reachIDs(reach, on: planner.transaction)
        let find = FindGroupRole(issuer: issuer.text, group: group.text, role: role, team: team, fleet: fleet)
        guard let found = try await planner.transaction.fetchOptional(find) else {
            throw StoreError(.notFound, "the group \"\(group)\" at \(issuer) brings no role \(binding)")
        }
        return PlannedStep { context in
            let end = EndGroupRole(id: found.id, change: context.change, now: context.planner.now)
            let ended = try await context.takingAway { try await context.planner.transaction.execute(end) }
            guard ended == 1 else {
                throw StoreError(.conflict, "the group role was removed already")
            }
            try await context.audit.record(
                .groupRoleRemoved, "group-role:\(found.id)", team: reach.team, fleet: reach.fleet,
                detail: ["issuer": .string(issuer.text), "group": .string(group.text), "role": .string("\(binding)")])
        }
    }
}
