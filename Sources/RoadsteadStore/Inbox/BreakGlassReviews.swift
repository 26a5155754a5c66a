import Codecs
import PostgresKit
import TrustModel

/// What went in by break-glass and nobody has looked at since, for those who had no part in it.
struct BreakGlassReviews: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let query = ListUnreviewed(person: request.person, limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).compactMap { change -> InboxItem? in
            guard let team = change.team, let closed = change.closed, request.may(.reviewBreakGlass(team)) else {
                return nil
            }
            let due = closed.adding(days: BreakGlass.maximumDays)
            let name = "C-\(change.number)"
            let reason = change.content.breakGlass?.reason ?? ""
            return InboxItem(
                .breakGlassReview, name, "\(name) went in by break-glass in team \(team): \(reason)", due: due,
                overdue: due <= request.now, command: "roadstead change review \(name) --note …")
        }
    }
}
