package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// All rules in force, by name.
    package func rootRules() async throws -> [RootRuleRecord] { try await pool.fetchAll(ListRootRules()) }

    package func rootRule(_ id: Int64) async throws -> RootRuleRecord {
        guard let record = try await rootRules().first(where: { $0.id == id }) else {
            throw StoreError.noSuch("root rule", id)
        }
        return record
    }

    package func rootRule(named name: String) async throws -> RootRuleRecord {
        guard let record = try await rootRules().first(where: { $0.rule.name == name }) else {
            throw StoreError.noSuch("root rule", name)
        }
        return record
    }

    /// What the rules say about a certificate as an anchor of a store, without proposing it.
    package func explain(
        certificate: [UInt8], origin: AnchorOrigin, vendor: VendorName? = nil, team: TeamName, kind: TrustStoreKind,
        now: UTCDate
    ) async throws -> RootRuleExplanation {
        let facts = try inspector.facts(certificate, kind, now)
        let rules = try await pool.fetchAll(ListRootRules()).map(\.rule)
        let candidate = RootRules.Candidate(
            facts: facts, origin: origin, team: team, purpose: kind, vendor: vendor)
        return RootRules.explain(candidate, rules: rules, now: now)
    }
}
