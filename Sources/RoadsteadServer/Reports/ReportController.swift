import Codecs
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Questions about the past, answered from what was published.
struct ReportController: Sendable {
    private static let tag = "reports"

    let store: ApiStore

    private static let queries: [Endpoint.QueryParameter] = [
        .init(name: "at", summary: "The moment, such as 2026-11-20T08:30:00Z; now unless given"),
        .init(name: "fleet", summary: "Of one fleet"), .init(name: "team", summary: "Of one team"),
        .init(name: "certificate", summary: "SHA-256 of one certificate, in hexadecimal"),
    ]

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/reports/who-trusted",
                "The anchors that fleets trusted at a moment, and who is answerable for them",
                tag: Self.tag, permission: .filtered, queries: Endpoint.pageQueries + Self.queries
            ) { call in
                let (at, filter) = try Self.asked(call)
                return try await store.trust(at: at, filter, try call.page())
                    .body(TrustedAnchorBody.init)
            },
            .read(
                "/v1/reports/fleets", "What fleets had published at a moment, and how many hosts had applied it",
                tag: Self.tag, permission: .filtered, queries: Self.queries
            ) { call in
                let (at, filter) = try Self.asked(call)
                let fleets = try await store.fleets(at: at, filter)
                return Page(items: fleets.map(FleetAtBody.init), next: nil)
            },
        ]
    }

    private static func asked(_ call: Call) throws -> (UTCDate, TrustFilter) {
        let filter = TrustFilter(
            fleet: try call.query("fleet", as: FleetName.self), team: try call.query("team", as: TeamName.self),
            certificate: try call.query("certificate").map(fingerprint))
        return (try call.date("at") ?? call.now, filter)
    }

    private static func fingerprint(_ text: String) throws -> String {
        guard text.utf8.count == 64, let bytes = try? Hex.decode(text.lowercased()) else {
            throw ServerError(
                .request, "\"\(text.prefix(80))\" is no SHA-256 in hexadecimal",
                hint: "64 digits, of the certificate's DER")
        }
        return Hex.encode(bytes)
    }
}

extension TrustedAnchorBody {
    init(_ record: TrustedAnchorRecord) {
        self.init(
            fleet: record.fleet, release: record.release, published: record.published, team: record.team,
            content: record.content, kind: record.kind, store: record.store,
            certificateSHA256: record.certificateSHA256, anchor: record.anchor, subject: record.subject,
            origin: record.origin, owner: record.owner, justification: record.justification,
            evidence: record.evidence, added: record.added, change: record.change, author: record.author,
            approvers: record.approvers, denial: record.denial)
    }
}

extension FleetAtBody {
    init(_ record: FleetAtRecord) {
        self.init(
            fleet: record.fleet, release: record.release, published: record.published,
            snapshotSHA256: record.snapshotSHA256, hosts: record.hosts, applied: record.applied,
            silent: record.silent, denials: record.denials)
    }
}
