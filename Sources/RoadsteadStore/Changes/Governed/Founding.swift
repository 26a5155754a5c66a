package import Codecs
import PostgresKit
import TrustModel

extension ApiStore {
    /// Since when others must agree to administration; nil while nobody but one person could.
    package func foundingEnd() async throws -> UTCDate? { try await pool.fetchOne(FetchFoundingEnd()) }
}

extension ApiStore.Work {
    /// Whether the caller's change is in force at once because nobody else could ever agree yet.
    ///
    /// It holds for teams, scopes, rules, roles and what fleets do, never for what is trusted, as a fleet's policy says.
    func isFounding(_ content: ChangeContent) async throws -> Bool {
        guard content.adds, [.administration, .fleets].contains(content.concern),
            !content.operations.contains(where: { $0.kind == .setFleetPolicy }),
            authority.decide(.administer).isAllowed, authority.decide(content.approval).isAllowed
        else { return false }
        return try await transaction.fetchOne(FoundingHolds())
    }
}
