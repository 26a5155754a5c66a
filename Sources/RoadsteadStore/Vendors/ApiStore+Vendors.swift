package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// The vendors that are registered now, by name.
    ///
    /// - Parameter reviewBefore: only those that must be looked at until then.
    package func vendors(_ page: PageRequest, reviewBefore: UTCDate? = nil) async throws -> KeysetPage<VendorRecord> {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let query = ListVendors(after: page.after ?? "", reviewBefore: reviewBefore, limit: page.fetched)
            let records = try await transaction.records(of: try await transaction.fetchAll(query)).map(shown)
            return KeysetPage(fetched: records, limit: page.limit) { $0.name.rawValue }
        }
    }

    /// A vendor, also one that was removed.
    package func vendor(_ name: VendorName) async throws -> VendorRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            guard let row = try await transaction.fetchOptional(FetchVendor(name: name)),
                let record = try await transaction.records(of: [row]).first
            else { throw StoreError.noSuch("vendor", name) }
            return shown(record)
        }
    }

    /// The stores of teams that the reader may not see are left out.
    private func shown(_ record: VendorRecord) -> VendorRecord {
        record.using(record.uses.filter { reader.teams.contains($0.store.team) })
    }
}

extension Transaction {
    func records(of vendors: [VendorRow]) async throws -> [VendorRecord] {
        let ids = vendors.map(\.id)
        let details = try await fetchAll(ListVendorDetails(vendors: ids))
        let anchors = Dictionary(grouping: try await fetchAll(ListVendorAnchors(vendors: ids)), by: \.vendor)
        let uses = try await fetchAll(ListVendorUses(vendors: ids))
        let fleets = Dictionary(
            grouping: try await fetchAll(ListFleetsOfTeams(teams: uses.map(\.use.teamID))), by: \.team)
        return try vendors.map { vendor in
            guard let said = details.first(where: { $0.vendor == vendor.id }) else {
                throw StoreError(.damaged, "nothing is known of vendor \"\(vendor.name)\"")
            }
            return VendorRecord(
                name: vendor.name, version: vendor.version, details: said.details, askedBy: said.askedBy,
                registeredBy: said.by, anchors: (anchors[vendor.id] ?? []).map(\.anchor),
                uses: uses.filter { $0.vendor == vendor.id }.map(\.use).map { use in
                    VendorUseRecord(
                        id: use.id, store: use.store, change: use.change, added: use.added,
                        fleets: (fleets[use.teamID] ?? []).map(\.fleet))
                }, useCount: vendor.uses, reviewBy: vendor.reviewBy, registered: said.registered,
                removed: vendor.removed)
        }
    }
}
