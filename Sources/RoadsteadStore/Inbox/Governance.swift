import Codecs
import PostgresKit
import TrustModel

/// What teams were refused and ask for, for those who can answer.
struct OpenRequests: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        guard request.may(.approveAdministration) else { return [] }
        let query = ListRequests(
            after: 0, team: nil, state: .open, readable: .everything, author: nil, limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).map { asked in
            let what =
                switch asked.content {
                case .anchor(let kind, let origin, _): "a rule for \(origin.title) anchors in \(kind.rawValue) stores"
                case .vendor(let name, _): "the vendor \(name)"
                }
            return InboxItem(
                .request, "R-\(asked.number)", "team \(asked.team) asks for \(what): \(asked.reason)",
                command: "roadstead request show R-\(asked.number)")
        }
    }
}

/// What should have been looked at again, for those who can confirm it.
struct OverdueReviews: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let limit = ApiStore.inboxItemsOfSource
        var items: [InboxItem] = []
        if request.may(.approveAdministration) {
            let vendors = try await request.transaction.fetchAll(
                ListVendors(after: "", reviewBefore: request.now, besides: request.person, limit: limit))
            for vendor in try await request.transaction.records(of: vendors) {
                items.append(
                    InboxItem(
                        .review, "vendor \(vendor.name)", "the vendor \(vendor.name) is to be looked at again",
                        due: vendor.reviewBy, overdue: true,
                        command: "roadstead vendor review \(vendor.name) --confirm --note … --next-by …"))
            }
        }
        let filter = AnchorFilter(reviewBefore: request.now, ofVendors: false)
        let confirmable = Authorization.teams(
            whose: Permission.approveAdditions, bindings: request.authority.bindings, limits: request.authority.limits)
        let anchors = try await request.transaction.fetchAll(
            ListAnchors(after: 0, filter: filter, readable: confirmable, limit: limit))
        for anchor in anchors {
            items.append(
                InboxItem(
                    .review, "anchor \(anchor.id)", "\(anchor.subject) in \(anchor.store) is to be looked at again",
                    due: anchor.reviewBy, overdue: true,
                    command: "roadstead anchor review \(anchor.id) --confirm --note … --next-by …"))
        }
        return items
    }
}

/// What campaigns ask about, for those whose business it has become.
struct OpenCampaignItems: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let query = ListOpenItems(
            person: request.person, roles: request.authority.bindings, now: request.now,
            limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).compactMap { item, due in
            let level = Recertification.level(due: due, now: request.now)
            guard
                Recertification.concerns(
                    level, isOwner: item.owner == request.person, bindings: request.authority.bindings, team: item.team)
            else { return nil }
            let remove = "roadstead campaign remove \(item.campaign) \(item.id)"
            let mayConfirm = request.may(item.confirmation(by: request.person))
            return InboxItem(
                .recertification, "item \(item.id)",
                "is \(item.subject) in \(item.store) of team \(item.team) still needed?", due: due,
                overdue: due <= request.now,
                command: mayConfirm ? "roadstead campaign confirm \(item.id), or \(remove)" : remove)
        }
    }
}
