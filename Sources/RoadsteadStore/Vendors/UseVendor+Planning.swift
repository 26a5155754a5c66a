import Codecs
import PostgresKit
import TrustModel

extension UseVendor: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let (transaction, team) = (planner.transaction, try planner.requireTeam())
        let row = try await transaction.requireVendor(vendor)
        let place = try await transaction.requireStore(store, of: team)
        if try await transaction.use(of: row, in: place) != nil {
            throw StoreError(.conflict, "the store \(store.kind.rawValue)/\(store.name) uses \(vendor) already")
        }
        let anchors = try await transaction.anchors(of: row).filter { $0.kind == store.kind }
        guard !anchors.isEmpty else {
            throw StoreError(
                .conflict, "vendor \"\(vendor)\" has no anchors for stores of kind \(store.kind.rawValue)",
                hint: "roadstead vendor show \(vendor)")
        }
        let rules = try await transaction.fetchAll(ListRootRules()).map(\.rule)
        var needed = ApprovalsNeeded.one
        for anchor in anchors {
            let facts = try planner.inspector.facts(anchor.certificate, anchor.kind, planner.now)
            try await planner.refuseDenied(facts, in: team)
            needed = needed.union(try allowed(facts, team, rules, planner.now))
        }
        return PlannedStep(
            needed: needed, addedBytes: anchors.map(\.certificate.count), added: Set(anchors.map(\.sha256))
        ) { context in
            try await use(row, team, place, anchors, context)
        }
    }

    private func allowed(
        _ facts: AnchorFacts, _ team: TeamRow, _ rules: [RootRule], _ now: UTCDate
    ) throws -> ApprovalsNeeded {
        let candidate = RootRules.Candidate(
            facts: facts, origin: .thirdParty, team: team.name, purpose: store.kind, vendor: vendor)
        switch RootRules.decide(candidate, rules: rules, now: now) {
        case .allowed(_, let needed): return needed
        case .refused(let rule, let reason, let hint):
            throw StoreError(.refusedByRule, "refused by rule \(rule) (\(facts.subject): \(reason))", hint: hint)
        }
    }

    private func use(
        _ row: VendorRow, _ team: TeamRow, _ place: Int64, _ anchors: [VendorAnchorRecord], _ context: StepContext
    ) async throws {
        let (transaction, now) = (context.planner.transaction, context.planner.now)
        let insert = InsertVendorUse(vendor: row.id, team: team.id, store: place, change: context.change, now: now)
        guard let use = try await transaction.fetchOptional(insert) else {
            throw StoreError(.conflict, "the store uses vendor \"\(vendor)\" already")
        }
        let details = try await transaction.fetchAll(ListVendorDetails(vendors: [row.id])).first?.details
        for anchor in anchors {
            _ = try await transaction.fetchOptional(
                InsertFollowingAnchor(
                    use: use, sha256: anchor.sha256, kind: anchor.kind, justification: context.content.justification,
                    owner: "vendor \(vendor)", evidence: details?.source ?? "", change: context.change, now: now))
        }
        try await context.audit.record(
            .vendorUsed, vendor, team: team.name,
            detail: [
                "store": .string("\(store.kind.rawValue)/\(store.name)"), "change": .string("C-\(context.change)"),
            ])
    }
}

extension StopVendor: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let (transaction, team) = (planner.transaction, try planner.requireTeam())
        let row = try await transaction.requireVendor(vendor)
        let place = try await transaction.requireStore(store, of: team)
        guard let use = try await transaction.use(of: row, in: place) else {
            throw StoreError(
                .notFound, "the store \(store.kind.rawValue)/\(store.name) of team \(team.name) does not use \(vendor)",
                hint: "roadstead vendor show \(vendor)")
        }
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let remove = RemoveAnchorsOfVendor(
                store: place, vendor: row.id, change: context.change, now: context.planner.now)
            let removed = try await transaction.fetchAll(remove)
            try await transaction.execute(
                EndVendorUse(use: use.id, change: context.change, now: context.planner.now))
            if try await context.planner.isHeldUp(team) {
                for sha256 in removed where !context.plan.adds(sha256) {
                    try await transaction.denyRemovedAnchor(
                        sha256: sha256, of: team, by: context.author, change: context.change, audit: context.audit)
                }
            }
            try await context.audit.record(
                .vendorStopped, vendor, team: team.name,
                detail: [
                    "store": .string("\(store.kind.rawValue)/\(store.name)"), "change": .string("C-\(context.change)"),
                ])
        }
    }
}

extension Transaction {
    /// The number of a team's store.
    func requireStore(_ store: TeamPolicy.StoreReference, of team: TeamRow) async throws -> Int64 {
        let id = TrustStoreID(team: team.name, kind: store.kind, name: store.name)
        guard let found = try await fetchAll(ListStores(teams: [team.id])).first(where: { $0.store.id == id }) else {
            throw StoreError(
                .notFound, "there is no store \"\(id)\"",
                hint: "roadstead store add --team \(team.name) --type \(store.kind.rawValue) \(store.name)")
        }
        return found.id
    }

    func use(of vendor: VendorRow, in store: Int64) async throws -> VendorUseRow? {
        try await fetchAll(ListVendorUses(vendors: [vendor.id])).map(\.use).first { $0.storeID == store }
    }
}

/// Takes out of a store what is there through a vendor.
struct RemoveAnchorsOfVendor: Query {
    static let sql = """
        UPDATE anchor SET state = 'removed', removed_by_change = $3, removed_at = $4
        WHERE store_id = $1 AND vendor_id = $2 AND state = 'active' RETURNING sha256
        """
    let store: Int64
    let vendor: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(store), .int(vendor), .int(change), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("sha256") }
}
