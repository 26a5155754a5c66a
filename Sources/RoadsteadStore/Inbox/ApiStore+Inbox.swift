package import Codecs
import PostgresKit
package import TrustModel

/// One kind of thing that may wait for a person.
protocol InboxSource: Sendable {
    func items(_ request: InboxRequest) async throws -> [InboxItem]
}

/// For whom an inbox is made, in one state of the database.
struct InboxRequest: Sendable {
    let transaction: Transaction
    let authority: Authority
    let inspector: AnchorInspector
    let now: UTCDate

    var person: PersonID { authority.person }

    func may(_ permission: Permission) -> Bool { authority.decide(permission).isAllowed }
}

extension ApiStore {
    /// How many items each source gives at most.
    package static let inboxItemsOfSource = 100

    private static let inboxSources: [any InboxSource] = [
        WaitingChanges(), OwnChanges(), RoleDraftsToSign(), CeremoniesToSign(), BreakGlassReviews(), EndingExceptions(),
        OpenRequests(), OverdueReviews(), OpenCampaignItems(),
    ]

    /// What waits for the caller, what is due first at the top.
    package func inbox(of actor: Actor, now: UTCDate) async throws -> [InboxItem] {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let authority = try await Authority.fetch(actor, on: transaction, now: now)
            let request = InboxRequest(
                transaction: transaction, authority: authority, inspector: inspector, now: now)
            var items: [InboxItem] = []
            for source in Self.inboxSources { items += try await source.items(request) }
            return items.enumerated().sorted { one, other in
                let (first, second) = (one.element.due?.seconds ?? .max, other.element.due?.seconds ?? .max)
                return (first, one.offset) < (second, other.offset)
            }.map(\.element)
        }
    }
}
