import Codecs
import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Reviews and recertification: whether what is trusted is still needed, and still what it was.
struct ReviewController: Sendable {
    private static let tag = "reviews"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .write(
                "/v1/anchors/{id}/review", "Confirms that an anchor was looked at again", tag: Self.tag,
                permission: .decidedInside("the anchor's team"), status: .ok
            ) { (call: Call, body: ReviewRequest) in
                AnchorBody(
                    try await store.reviewAnchor(
                        try call.number("id"), note: body.note, nextBy: body.nextBy, by: try call.caller().actor,
                        now: call.now))
            },
            .write(
                "/v1/vendors/{vendor}/review", "Confirms that a vendor was looked at again", tag: Self.tag,
                permission: .takes(.approveAdministration), status: .ok
            ) { (call: Call, body: ReviewRequest) in
                let record = try await store.reviewVendor(
                    try call.path("vendor", as: VendorName.self), note: body.note, nextBy: body.nextBy,
                    by: try call.caller().actor, now: call.now)
                return try await VendorController(store: store).body(record, now: call.now)
            },
            .read(
                "/v1/campaigns", "Recertification campaigns", tag: Self.tag, permission: .filtered,
                queries: Endpoint.pageQueries
            ) { call in
                let page = try await store.campaigns(try call.page())
                return Page(items: try await bodies(page.items), next: page.next)
            },
            .write(
                "/v1/campaigns", "Opens a recertification campaign", tag: Self.tag, permission: .takes(.administer)
            ) { (call: Call, body: CampaignRequest) in
                try await render(
                    store.openCampaign(
                        team: body.team, due: body.due, reason: body.reason, by: try call.caller().actor,
                        now: call.now))
            },
            .read("/v1/campaigns/{number}", "A campaign", tag: Self.tag, permission: .filtered) { call in
                try await render(store.campaign(try call.number("number")))
            },
            .read(
                "/v1/campaigns/{number}/items", "What a campaign asks about, with the answers", tag: Self.tag,
                permission: .filtered, queries: Endpoint.pageQueries
            ) { call in
                let page = try await store.items(ofCampaign: try call.number("number"), try call.page())
                return Page(items: try await bodies(page.items), next: page.next)
            },
            .write(
                "/v1/campaign-items/{id}/answer", "Says whether something is still needed", tag: Self.tag,
                permission: .decidedInside("the item's team"), status: .ok
            ) { (call: Call, body: CampaignAnswer) in
                let record = try await store.answerItem(
                    try call.number("id"), removal: body.removal, by: try call.caller().actor, now: call.now)
                guard let answered = try await bodies([record]).first else {
                    throw ServerError(.notFound, "the item is gone")
                }
                return answered
            },
            .act(
                "/v1/campaigns/{number}/close", "Ends a campaign; nothing is removed by it", tag: Self.tag,
                permission: .takes(.administer)
            ) { call in
                try await render(
                    store.closeCampaign(try call.number("number"), by: try call.caller().actor, now: call.now))
            },
        ]
    }

    private func render(_ record: CampaignRecord) async throws -> CampaignBody {
        guard let body = try await bodies([record]).first else { throw ServerError(.notFound, "the campaign is gone") }
        return body
    }

    private func bodies(_ records: [CampaignRecord]) async throws -> [CampaignBody] {
        let people = try await store.people(records.map(\.openedBy))
        return records.map { record in
            CampaignBody(
                number: record.number, team: record.team, due: record.due, reason: record.reason,
                openedBy: people[record.openedBy]?.subject ?? "person \(record.openedBy)", opened: record.opened,
                closed: record.closed, open: record.open, confirmed: record.confirmed, removals: record.removals)
        }
    }

    private func bodies(_ records: [CampaignItemRecord]) async throws -> [CampaignItemBody] {
        let people = try await store.people(records.flatMap { [$0.owner] + ($0.answeredBy.map { [$0] } ?? []) })
        let name = { (id: PersonID) in people[id]?.subject ?? "person \(id)" }
        return records.map { record in
            CampaignItemBody(
                id: record.id, campaign: record.campaign, team: record.team, anchor: record.anchor,
                vendor: record.vendor, subject: record.subject, store: record.store, owner: name(record.owner),
                state: record.state,
                answeredBy: record.answeredBy.map(name), answered: record.answered, change: record.change)
        }
    }
}
