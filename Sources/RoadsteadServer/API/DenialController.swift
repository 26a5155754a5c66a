import Codecs
import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Denials: issued at once by one person, lifted by a change.
struct DenialController: Sendable {
    private static let tag = "denials"
    private static let filters = [
        Endpoint.QueryParameter(name: "fleet", summary: "those that one fleet publishes"),
        Endpoint.QueryParameter(name: "team", summary: "those that hold in one team's scopes"),
        Endpoint.QueryParameter(name: "all", summary: "true: lifted ones too"),
    ]

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/denials", "Denials", tag: Self.tag, permission: .filtered,
                queries: Self.filters + Endpoint.pageQueries
            ) { call in
                let filter = DenialFilter(
                    team: try call.query("team", as: TeamName.self), fleet: try call.query("fleet", as: FleetName.self),
                    includesLifted: try call.flag("all"))
                let page = try await store.denials(filter, try call.page())
                return Page(items: try await bodies(page.items), next: page.next)
            },
            .write(
                "/v1/denials", "Denies something at once", tag: Self.tag,
                permission: .decidedInside("one team's scopes, or everywhere")
            ) { (call: Call, body: DenialRequest) in
                let record = try await store.deny(
                    try DenialSubject(body.kind, value: body.value, issuer: body.issuer), in: body.team,
                    reason: body.reason, by: try call.caller().actor, now: call.now)
                return try await self.body(record)
            },
            .read("/v1/denials/{id}", "A denial", tag: Self.tag, permission: .filtered) { call in
                try await body(try await store.denial(try call.number("id")))
            },
        ]
    }

    private func body(_ record: DenialRecord) async throws -> DenialBody {
        guard let body = try await bodies([record]).first else { throw ServerError(.notFound, "the denial is gone") }
        return body
    }

    private func bodies(_ records: [DenialRecord]) async throws -> [DenialBody] {
        let people = try await store.people(records.map(\.author))
        return records.map { record in
            let published = record.published
            return DenialBody(
                id: record.id, kind: record.subject.kind, value: published.value, issuer: published.issuer,
                team: record.team, reason: record.reason,
                author: people[record.author]?.subject ?? "person \(record.author)", issued: record.issued,
                change: record.change, lifted: record.lifted, liftedByChange: record.liftedByChange)
        }
    }
}
