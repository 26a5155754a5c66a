import Codecs
import PostgresKit
import TrustModel

extension SetVendor: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let transaction = planner.transaction
        guard content.vendorsSet.filter({ $0 == vendor }).count == 1 else {
            throw StoreError(
                .invalid, "the change says twice what vendor \"\(vendor)\" is", hint: "leave one of them out")
        }
        let asking = try await transaction.requireTeam(askedBy)
        let present = try await transaction.fetchOptional(LockVendor(name: vendor))
        guard present?.version ?? 0 == version else {
            throw StoreError(
                .conflict,
                "vendor \"\(vendor)\" is at version \(present?.version ?? 0), and this is made from \(version)",
                hint: "look at it again: roadstead vendor show \(vendor)")
        }
        let held = try await transaction.anchors(of: present)
        let facts = try inspect(planner, held)
        try await refuseDenied(facts.map(\.facts), planner)
        let gone = held.filter { old in !anchors.contains { $0.kind == old.kind && $0.fingerprint == old.sha256 } }
        let following = try await VendorFollowing(planner, vendor: present, name: vendor)
        let needed = try await following.needed(for: facts)
        return PlannedStep(needed: needed.union(.twoWithAnOutsider)) { context in
            let row = try await register(present, asking: asking, facts, gone, context)
            try await following.follow(row, adding: facts, removing: gone, details, context)
        }
    }

    /// The anchors that are new, with what is in their certificates.
    private func inspect(
        _ planner: ChangePlanner, _ held: [VendorAnchorRecord]
    ) throws -> [(anchor: VendorAnchor, facts: AnchorFacts)] {
        let new = anchors.filter { anchor in
            !held.contains { $0.kind == anchor.kind && $0.sha256 == anchor.fingerprint }
        }
        return try new.map { anchor in
            guard anchor.certificate.count <= ChangePlanner.maximumCertificateBytes else {
                throw StoreError(
                    .invalid, "a certificate has \(anchor.certificate.count) bytes",
                    hint: "at most \(ChangePlanner.maximumCertificateBytes)")
            }
            let facts = try planner.inspector.facts(anchor.certificate, anchor.kind, planner.now)
            if let (reason, hint) = RootRules.alwaysRefused(facts, now: planner.now) {
                throw StoreError(.refusedByRule, "refused by rule always (\(facts.subject): \(reason))", hint: hint)
            }
            return (anchor, facts)
        }
    }

    private func refuseDenied(_ facts: [AnchorFacts], _ planner: ChangePlanner) async throws {
        let denials = try await planner.transaction.fetchAll(ListDenialsInForce(teams: []))
        for facts in facts {
            guard let denial = denials.first(where: { facts.isDenied(by: $0.subject) }) else { continue }
            throw StoreError(
                .conflict, "\(facts.subject) is denied everywhere since \(denial.issued), by D-\(denial.id)",
                hint: "lift the denial first: roadstead deny lift D-\(denial.id) --reason …")
        }
    }

    /// Keeps what was agreed, and says which anchors the vendor has from now on.
    private func register(
        _ present: VendorRow?, asking: TeamRow, _ facts: [(anchor: VendorAnchor, facts: AnchorFacts)],
        _ gone: [VendorAnchorRecord], _ context: StepContext
    ) async throws -> VendorRow {
        let (transaction, now) = (context.planner.transaction, context.planner.now)
        let insert = InsertVendor(name: vendor, reviewBy: details.reviewBy, now: now)
        guard let row = if let present { present } else { try await transaction.fetchOptional(insert) } else {
            throw StoreError(.conflict, "vendor \"\(vendor)\" was registered meanwhile")
        }
        try await transaction.execute(
            InsertVendorVersion(
                vendor: row.id, version: version + 1, details: try StoredJSON.text(details), askedBy: asking.id,
                registeredBy: context.author, change: context.change, now: now))
        if present != nil {
            let advance = AdvanceVendor(vendor: row, version: version + 1, reviewBy: details.reviewBy)
            guard try await transaction.execute(advance) == 1 else {
                throw StoreError(.conflict, "vendor \"\(vendor)\" was changed meanwhile")
            }
        }
        for (anchor, facts) in facts {
            try await transaction.execute(
                InsertVendorAnchor(vendor: row.id, anchor: anchor, facts: facts, change: context.change, now: now))
        }
        for anchor in gone {
            try await transaction.execute(RemoveVendorAnchorRow(anchor: anchor.id, change: context.change, now: now))
        }
        try await context.audit.record(
            .vendorSet, vendor, team: askedBy,
            detail: [
                "version": .integer(version + 1), "change": .string("C-\(context.change)"),
                "added": .array(facts.map { .string($0.facts.certificateSHA256) }),
                "removed": .array(gone.map { .string($0.sha256) }),
            ])
        return row
    }
}

extension RemoveVendor: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let row = try await planner.transaction.requireVendor(vendor)
        let held = try await planner.transaction.anchors(of: row)
        let following = try await VendorFollowing(planner, vendor: row, name: vendor)
        return PlannedStep { context in
            let transaction = context.planner.transaction
            try await transaction.remove(held, of: row, context)
            let remove = RemoveVendorRow(vendor: row.id, change: context.change, now: planner.now)
            guard try await transaction.execute(remove) == 1 else {
                throw StoreError(.conflict, "vendor \"\(vendor)\" was removed meanwhile")
            }
            try await following.unfollow(row, held, context)
            try await context.audit.record(
                .vendorRemoved, vendor, detail: ["change": .string("C-\(context.change)")])
        }
    }
}

extension RemoveVendorAnchor: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let row = try await planner.transaction.requireVendor(vendor)
        let gone = try await planner.transaction.anchors(of: row).filter { $0.sha256 == fingerprint }
        guard !gone.isEmpty else {
            throw StoreError(
                .notFound, "vendor \"\(vendor)\" has no anchor \(fingerprint.prefix(64))",
                hint: "roadstead vendor show \(vendor)")
        }
        let following = try await VendorFollowing(planner, vendor: row, name: vendor)
        return PlannedStep { context in
            try await context.planner.transaction.remove(gone, of: row, context)
            try await following.follow(row, adding: [], removing: gone, nil, context)
            try await context.audit.record(
                .vendorAnchorRemoved, vendor,
                detail: ["sha256": .string(fingerprint), "change": .string("C-\(context.change)")])
        }
    }
}

extension ChangeContent {
    fileprivate var vendorsSet: [VendorName] {
        operations.compactMap { operation in
            guard case .governed(let step) = operation else { return nil }
            return (step.operation as? SetVendor)?.vendor
        }
    }
}

extension Transaction {
    /// A vendor that is registered now, locked.
    func requireVendor(_ name: VendorName) async throws -> VendorRow {
        guard let row = try await fetchOptional(LockVendor(name: name)), row.removed == nil else {
            throw StoreError(
                .notFound, "there is no vendor \"\(name)\"",
                hint: "ask for it: roadstead vendor request \(name) --team TEAM --reason … "
                    + "(decided by: trust administrators and security officers)")
        }
        return row
    }

    /// The anchors that a vendor has now.
    func anchors(of vendor: VendorRow?) async throws -> [VendorAnchorRecord] {
        guard let vendor else { return [] }
        return try await fetchAll(ListVendorAnchors(vendors: [vendor.id])).map(\.anchor)
    }

    fileprivate func remove(
        _ anchors: [VendorAnchorRecord], of vendor: VendorRow, _ context: StepContext
    ) async throws {
        for anchor in anchors {
            try await execute(
                RemoveVendorAnchorRow(anchor: anchor.id, change: context.change, now: context.planner.now))
        }
        try await execute(CountVendorRemoval(vendor: vendor.id))
    }
}
