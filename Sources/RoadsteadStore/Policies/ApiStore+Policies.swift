package import Codecs
import PostgresKit
package import TrustModel

/// What a team says of its images.
package struct PolicyRecord: Sendable, Equatable {
    package let team: TeamName
    /// Whether the team wrote none, so that the standard statement speaks for it.
    package let isStandard: Bool
    package let statements: [TeamPolicy.Statement]
    /// The change that set it; nil where it was never set.
    package let change: Int64?
    package let set: UTCDate?
}

extension ApiStore {
    package func policy(of name: TeamName) async throws -> PolicyRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let team = try await transaction.requireTeam(name)
            let row = try await transaction.fetchOptional(FetchPolicy(team: team.id))
            let own = try row?.statements
            let standard = try await transaction.standardPolicy(of: team)
            return PolicyRecord(
                team: name, isStandard: own == nil, statements: own ?? standard, change: row?.change, set: row?.set)
        }
    }
}

extension Transaction {
    fileprivate func standardPolicy(of team: TeamRow) async throws -> [TeamPolicy.Statement] {
        let scopes = try await fetchAll(ListScopes(teams: [team.id])).map(\.scope)
        let stores = try await fetchAll(ListStores(teams: [team.id])).map(\.store.id)
        let references = stores.map { TeamPolicy.StoreReference(kind: $0.kind, name: $0.name) }
        return TeamPolicy.standard(team: team.name, scopes: scopes, stores: references).statements
    }
}
