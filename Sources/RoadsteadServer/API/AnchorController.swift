import Codecs
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Trust anchors as they are registered; they are added and removed by changes.
struct AnchorController: Sendable {
    private static let tag = "anchors"
    private static let filters = [
        Endpoint.QueryParameter(name: "team", summary: "of one team"),
        Endpoint.QueryParameter(name: "store", summary: "of one store, as NAME or KIND/NAME"),
        Endpoint.QueryParameter(name: "state", summary: "active or removed", form: .words(AnchorRecord.State.self)),
        Endpoint.QueryParameter(name: "vendor", summary: "through one vendor"),
        Endpoint.QueryParameter(name: "review-due", summary: "true: only those whose review is overdue"),
    ]

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/anchors", "Trust anchors", tag: Self.tag, permission: .filtered,
                queries: Self.filters + Endpoint.pageQueries
            ) { call in
                try await store.anchors(try Self.filter(call), try call.page()).body { AnchorBody($0) }
            },
            .read("/v1/anchors/{id}", "A trust anchor with its certificate", tag: Self.tag, permission: .filtered) {
                call in
                let record = try await store.anchor(try call.number("id"))
                return AnchorBody(
                    record, certificate: PEMBlock(label: "CERTIFICATE", bytes: record.certificate).text)
            },
        ]
    }

    private static func filter(_ call: Call) throws -> AnchorFilter {
        var filter = AnchorFilter(team: try call.query("team", as: TeamName.self))
        if let store = call.query("store") {
            let parts = store.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.last, parts.count <= 2 else {
                throw ServerError(.request, "store is \"\(store.prefix(80))\"", hint: "NAME or KIND/NAME")
            }
            filter.store = try TrustStoreName(name)
            if parts.count == 2 { filter.kind = try word(parts[0], "store") }
        }
        filter.vendor = try call.query("vendor", as: VendorName.self)
        if try call.flag("review-due") { filter.reviewBefore = call.now }
        if let state = call.query("state") { filter.state = try word(state, "state") }
        return filter
    }

    /// One of the words of an enumeration.
    static func word<Value: RawRepresentable<String> & CaseIterable>(_ text: String, _ name: String) throws -> Value {
        guard let value = Value(rawValue: text) else {
            throw ServerError(
                .request, "\(name) is \"\(text.prefix(40))\"",
                hint: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }
}

extension AnchorBody {
    init(_ record: AnchorRecord, certificate: String? = nil) {
        self.init(
            id: record.id, team: record.store.team, kind: record.store.kind, store: record.store.name,
            origin: record.origin, subject: record.subject, sha256: record.sha256, keySHA256: record.keySHA256,
            notBefore: record.notBefore, notAfter: record.notAfter, justification: record.justification,
            owner: record.owner, reviewBy: record.reviewBy, change: record.addedByChange, added: record.added,
            removed: record.removed, until: record.until, vendor: record.vendor, certificate: certificate)
    }
}
