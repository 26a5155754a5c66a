import Codecs
import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Third parties as they are registered; they are registered, used and removed by changes.
struct VendorController: Sendable {
    private static let tag = "vendors"
    private static let filters = [
        Endpoint.QueryParameter(name: "review-due", summary: "true: only those whose review is overdue")
    ]

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/vendors", "Vendors, with the stores that the caller may read", tag: Self.tag,
                permission: .filtered, queries: Self.filters + Endpoint.pageQueries
            ) { call in
                let page = try await store.vendors(
                    try call.page(), reviewBefore: try call.flag("review-due") ? call.now : nil)
                return Page(items: try await bodies(page.items, now: call.now), next: page.next)
            },
            .read(
                "/v1/vendors/{vendor}", "A vendor with its anchors and who uses it", tag: Self.tag,
                permission: .filtered
            ) {
                call in
                let record = try await store.vendor(try call.path("vendor", as: VendorName.self))
                return try await body(record, now: call.now)
            },
        ]
    }

    func body(_ record: VendorRecord, now: UTCDate) async throws -> VendorBody {
        guard let body = try await bodies([record], now: now).first else {
            throw ServerError(.notFound, "the vendor is gone")
        }
        return body
    }

    private func bodies(_ records: [VendorRecord], now: UTCDate) async throws -> [VendorBody] {
        let people = try await store.people(records.map(\.registeredBy))
        return records.map { record in
            VendorBody(
                name: record.name, version: record.version, details: record.details, askedBy: record.askedBy,
                registeredBy: people[record.registeredBy]?.subject ?? "person \(record.registeredBy)",
                registered: record.registered, reviewBy: record.reviewBy, reviewDue: record.reviewBy <= now,
                anchors: record.anchors.map(VendorAnchorBody.init), uses: record.uses.map(VendorUseBody.init),
                removed: record.removed)
        }
    }
}

extension VendorAnchorBody {
    init(_ record: VendorAnchorRecord) {
        self.init(
            kind: record.kind, subject: record.subject, sha256: record.sha256, notAfter: record.notAfter,
            change: record.change, certificate: PEMBlock(label: "CERTIFICATE", bytes: record.certificate).text)
    }
}

extension VendorUseBody {
    init(_ record: VendorUseRecord) {
        self.init(
            team: record.store.team, kind: record.store.kind, store: record.store.name, fleets: record.fleets,
            change: record.change)
    }
}
