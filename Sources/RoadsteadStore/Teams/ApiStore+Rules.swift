package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// All rules in force, by name.
    package func rootRules() async throws -> [RootRuleRecord] { try await pool.fetchAll(ListRootRules()) }

    package func addRootRule(_ rule: RootRule, by actor: Actor, now: UTCDate) async throws -> RootRuleRecord {
        try await work(actor, .administer, now: now) { work in
            let team = try await rule.team.asyncMap { try await work.transaction.requireTeam($0).id }
            let definition = try StoredJSON.text(rule)
            let insert = InsertRootRule(
                name: rule.name, team: team, definition: definition, by: actor.person, now: now)
            guard let id = try await work.transaction.fetchOptional(insert) else {
                throw StoreError(
                    .conflict, "there is a root rule \"\(rule.name)\" already",
                    hint: "remove it first, or choose another name")
            }
            try await work.audit.record(
                .ruleAdded, rule.name, team: rule.team, detail: ["id": .integer(id), "rule": try JSON(encoding: rule)])
            return RootRuleRecord(id: id, rule: rule, created: now)
        }
    }

    package func removeRootRule(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, .administer, now: now) { work in
            guard let name = try await work.transaction.fetchOptional(RemoveRootRule(id: id, now: now)) else {
                throw StoreError.noSuch("root rule", id)
            }
            try await work.audit.record(.ruleRemoved, name, detail: ["id": .integer(id)])
        }
    }

    /// What the rules say about a certificate as an anchor of a store, without proposing it.
    package func explain(
        certificate: [UInt8], origin: AnchorOrigin, team: TeamName, kind: TrustStoreKind, now: UTCDate
    ) async throws -> (facts: AnchorFacts, decision: RootRuleDecision) {
        let facts = try inspector.facts(certificate, kind, now)
        let rules = try await pool.fetchAll(ListRootRules()).map(\.rule)
        let candidate = RootRules.Candidate(facts: facts, origin: origin, team: team, purpose: kind)
        return (facts, RootRules.decide(candidate, rules: rules, now: now))
    }
}
