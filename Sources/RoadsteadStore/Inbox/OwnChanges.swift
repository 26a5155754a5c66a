import Codecs
import PostgresKit
import TrustModel

/// The person's own changes that were sent back, or that end within days.
struct OwnChanges: InboxSource {
    static let warningDays: Int64 = 3

    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let query = ListOwnTroubles(
            person: request.person, expiring: request.now.adding(days: Self.warningDays),
            limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).filter { request.now < $0.expires }.map { change in
            let name = "C-\(change.number)"
            if change.sentBack != nil, change.state == .submitted {
                return InboxItem(
                    .sentBack, name, "\(name) was sent back: \(change.note ?? "it needs more approvals")",
                    due: change.expires, command: "roadstead change show \(name)")
            }
            let verb = change.state == .draft ? "submit" : "show"
            return InboxItem(
                .expiring, name, "your \(change.state.rawValue) change \(name) ends at \(change.expires)",
                due: change.expires, command: "roadstead change \(verb) \(name)")
        }
    }
}
