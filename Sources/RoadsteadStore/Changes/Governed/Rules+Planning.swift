import Codecs
import PostgresKit
import TrustModel

extension SetRule {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        try await planner.require(rule.team, before: self, in: content)
        if !replaces, try await planner.transaction.fetchOptional(FindRootRule(name: rule.name)) != nil,
            !content.earlier(than: self).contains(where: { ($0 as? RemoveRule)?.rule == rule.name })
        {
            throw taken
        }
        return PlannedStep { try await make($0) }
    }

    private func make(_ context: StepContext) async throws {
        let (transaction, now) = (context.planner.transaction, context.planner.now)
        if replaces, let old = try await transaction.fetchOptional(RemoveRootRule(name: rule.name, now: now)) {
            try await context.record(.ruleRemoved, rule.name, detail: ["id": .integer(old)])
        }
        let team = try await rule.team.asyncMap { try await transaction.requireTeam($0).id }
        let insert = InsertRootRule(
            name: rule.name, team: team, definition: try StoredJSON.text(rule), by: context.author, now: now)
        guard let id = try await transaction.fetchOptional(insert) else { throw taken }
        try await context.record(
            .ruleAdded, rule.name, team: rule.team, detail: ["id": .integer(id), "rule": try JSON(encoding: rule)])
    }

    private var taken: StoreError {
        StoreError(
            .conflict, "there is a root rule \"\(rule.name)\" already",
            hint: "remove it first, replace it, or choose another name")
    }
}

extension RemoveRule {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        guard try await planner.transaction.fetchOptional(FindRootRule(name: rule)) != nil else {
            throw StoreError.noSuch("root rule", rule)
        }
        return PlannedStep { context in
            let remove = RemoveRootRule(name: rule, now: context.planner.now)
            guard let id = try await context.planner.transaction.fetchOptional(remove) else {
                throw StoreError.noSuch("root rule", rule)
            }
            try await context.record(.ruleRemoved, rule, detail: ["id": .integer(id)])
        }
    }
}
