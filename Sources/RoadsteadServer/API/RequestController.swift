import Codecs
import HTTPTypes
import PKI
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Requests: what a rule refused, asked for.
struct RequestController: Sendable {
    private static let tag = "requests"
    private static let filters = [
        Endpoint.QueryParameter(name: "team", summary: "of one team"),
        Endpoint.QueryParameter(
            name: "state", summary: "open, accepted or declined", form: .words(TrustRequest.State.self)),
    ]

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/requests", "Requests", tag: Self.tag, permission: .filtered,
                queries: Self.filters + Endpoint.pageQueries
            ) { call in
                let state: TrustRequest.State? = try call.query("state").map { try AnchorController.word($0, "state") }
                let page = try await store.requests(
                    team: try call.query("team", as: TeamName.self), state: state, try call.page())
                return Page(items: try await bodies(page.items), next: page.next)
            },
            .write(
                "/v1/requests", "Asks for what the rules refuse", tag: Self.tag,
                permission: .decidedInside("the team in the body"), bodyLimit: 256 * 1024
            ) { (call: Call, body: RequestAsk) in
                try await render(
                    store.ask(
                        for: try body.content, in: body.team, reason: body.reason, ticket: body.ticket,
                        by: try call.caller().actor, now: call.now))
            },
            .read("/v1/requests/{number}", "A request", tag: Self.tag, permission: .filtered) { call in
                try await render(store.request(try call.number("number")))
            },
            answer("accept", .accepted, "Closes a request that a change grants"),
            answer("decline", .declined, "Closes a request with a no"),
        ]
    }

    private func answer(_ verb: String, _ state: TrustRequest.State, _ summary: String) -> Endpoint {
        .write(
            "/v1/requests/{number}/\(verb)", summary, tag: Self.tag, permission: .takes(.approveAdministration),
            status: .ok
        ) { (call: Call, body: RequestAnswer) in
            try await render(
                store.answer(
                    try call.number("number"), state, body.answer, change: body.change, by: try call.caller().actor,
                    now: call.now))
        }
    }

    private func render(_ record: RequestRecord) async throws -> RequestBody {
        guard let body = try await bodies([record]).first else { throw ServerError(.notFound, "the request is gone") }
        return body
    }

    private func bodies(_ records: [RequestRecord]) async throws -> [RequestBody] {
        let people = try await store.people(records.flatMap { [$0.author] + ($0.answeredBy.map { [$0] } ?? []) })
        return records.map { record in RequestBody(record) { people[$0]?.subject ?? "person \($0)" } }
    }
}

extension RequestAsk {
    var content: TrustRequest {
        get throws {
            switch kind {
            case .anchor:
                guard let certificate, vendor == nil, source == nil else {
                    throw StoreError(
                        .invalid, "a request for an anchor carries its certificate, and no vendor or source")
                }
                return .anchor(
                    kind: storeKind ?? .ca, origin: origin ?? .thirdParty,
                    certificate: try Certificate(pemOrDER: Array(certificate.utf8)).der)
            case .vendor:
                guard let vendor, certificate == nil, storeKind == nil, origin == nil else {
                    throw StoreError(.invalid, "a request for a vendor names it, and no store or certificate")
                }
                return .vendor(vendor, source: source)
            }
        }
    }
}

extension RequestBody {
    init(_ record: RequestRecord, name: (PersonID) -> String) {
        var anchor: (kind: TrustStoreKind, origin: AnchorOrigin, certificate: String)?
        var vendor: (name: VendorName, source: String?)?
        switch record.content {
        case .anchor(let kind, let origin, let der):
            anchor = (kind, origin, PEMBlock(label: "CERTIFICATE", bytes: der).text)
        case .vendor(let name, let source): vendor = (name, source)
        }
        self.init(
            number: record.number, team: record.team, kind: record.content.kind, storeKind: anchor?.kind,
            origin: anchor?.origin, certificate: anchor?.certificate, vendor: vendor?.name, source: vendor?.source,
            reason: record.reason, ticket: record.ticket, state: record.state, author: name(record.author),
            created: record.created, answeredBy: record.answeredBy.map(name), answered: record.answered,
            answer: record.answer, change: record.change)
    }
}
