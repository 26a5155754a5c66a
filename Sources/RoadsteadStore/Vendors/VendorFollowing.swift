import Codecs
import PostgresKit
import TrustModel

/// The stores that follow a vendor, and what its changes do to them.
struct VendorFollowing: Sendable {
    let planner: ChangePlanner
    let name: VendorName
    let uses: [VendorUseRow]
    let rules: [RootRule]

    init(_ planner: ChangePlanner, vendor: VendorRow?, name: VendorName) async throws {
        self.planner = planner
        self.name = name
        let ids = vendor.map { [$0.id] } ?? []
        uses = try await planner.transaction.fetchAll(ListVendorUses(vendors: ids)).map(\.use)
        rules = uses.isEmpty ? [] : try await planner.transaction.fetchAll(ListRootRules()).map(\.rule)
    }

    /// What the rules of the teams ask for before the anchors come into their stores.
    ///
    /// - Throws: `StoreError(.invalid)` when a team's role would become too large for hosts.
    func needed(for anchors: [(anchor: VendorAnchor, facts: AnchorFacts)]) async throws -> ApprovalsNeeded {
        var needed = ApprovalsNeeded.one
        for team in Set(uses.map(\.store.team)).sorted() {
            var lengths: [Int] = []
            for use in uses where use.store.team == team {
                for (anchor, facts) in anchors where anchor.kind == use.store.kind {
                    guard case .allowed(_, let more) = decision(facts, use) else { continue }
                    needed = needed.union(more)
                    lengths.append(anchor.certificate.count)
                }
            }
            if lengths.isEmpty { continue }
            try await planner.refuseOversize(of: try await planner.transaction.requireTeam(team), adding: lengths)
        }
        return needed
    }

    /// Brings new anchors into the stores that follow, where their teams' rules let them in, and takes gone ones out.
    ///
    /// - Parameter details: what is said of the vendor; nil where nothing is added.
    func follow(
        _ vendor: VendorRow, adding added: [(anchor: VendorAnchor, facts: AnchorFacts)],
        removing gone: [VendorAnchorRecord], _ details: VendorDetails?, _ context: StepContext
    ) async throws {
        for team in Set(uses.map(\.store.team)).sorted() {
            let row = try await planner.transaction.lockTeam(team)
            var isChanged = false
            for use in uses where use.store.team == team {
                let lost = gone.filter { $0.kind == use.store.kind }.map(\.sha256)
                isChanged = try await take(lost, from: use, of: row, context) || isChanged
                for (anchor, facts) in added where anchor.kind == use.store.kind {
                    isChanged = try await bring(anchor, facts, into: use, details, context) || isChanged
                }
            }
            guard isChanged else { continue }
            _ = try await planner.transaction.fetchOne(AdvanceTeam(id: row.id, change: context.change))
        }
    }

    /// Takes everything of the vendor out, and ends that the stores follow it.
    func unfollow(_ vendor: VendorRow, _ held: [VendorAnchorRecord], _ context: StepContext) async throws {
        try await follow(vendor, adding: [], removing: held, nil, context)
        for use in uses {
            try await planner.transaction.execute(
                EndVendorUse(use: use.id, change: context.change, now: planner.now))
        }
    }

    private func decision(_ facts: AnchorFacts, _ use: VendorUseRow) -> RootRuleDecision {
        let candidate = RootRules.Candidate(
            facts: facts, origin: .thirdParty, team: use.store.team, purpose: use.store.kind, vendor: name)
        return RootRules.decide(candidate, rules: rules, now: planner.now)
    }

    private func take(
        _ digests: [String], from use: VendorUseRow, of team: TeamRow, _ context: StepContext
    ) async throws -> Bool {
        guard !digests.isEmpty else { return false }
        let remove = RemoveFollowingAnchors(
            store: use.storeID, digests: digests, change: context.change, now: planner.now)
        let removed = try await planner.transaction.fetchAll(remove)
        guard try await planner.isHeldUp(team) else { return !removed.isEmpty }
        for sha256 in removed {
            try await planner.transaction.denyRemovedAnchor(
                sha256: sha256, of: team, by: context.author, change: context.change, audit: context.audit)
        }
        return !removed.isEmpty
    }

    private func bring(
        _ anchor: VendorAnchor, _ facts: AnchorFacts, into use: VendorUseRow, _ details: VendorDetails?,
        _ context: StepContext
    ) async throws -> Bool {
        if case .refused(let rule, let reason, _) = decision(facts, use) {
            // The team's rules hold for what comes by itself, too; the other teams get it.
            try await context.audit.record(
                .vendorAnchorLeftOut, use.store, team: use.store.team,
                detail: ["sha256": .string(facts.certificateSHA256), "rule": .string(rule), "reason": .string(reason)])
            return false
        }
        let insert = InsertFollowingAnchor(
            use: use.id, sha256: facts.certificateSHA256, kind: anchor.kind,
            justification: context.content.justification, owner: "vendor \(name)", evidence: details?.source ?? "",
            change: context.change, now: planner.now)
        return try await planner.transaction.fetchOptional(insert) != nil
    }
}
