import Codecs
import PostgresKit
import TrustModel

/// What a change comes to, held against the stores, anchors and rules as they are now.
struct ChangePlan: Sendable {
    enum Step: Sendable {
        case add(store: Int64, AnchorAddition, AnchorFacts)
        case remove(anchor: Int64, sha256: String)
        case lift(denial: Int64)
        case setCustody(CustodySetting)
        case renewRole
        case governed(PlannedStep)
    }

    let steps: [Step]
    /// What others must agree: for what adds what the rules ask for, never zero; for a proposed removal one.
    let needed: ApprovalsNeeded

    var approvals: Int { needed.count }
    var officers: Int { needed.securityOfficers }

    /// Whether the certificate comes into a store of the team with the same change.
    func adds(_ sha256: String) -> Bool {
        steps.contains { step in
            switch step {
            case .add(_, _, let facts): facts.certificateSHA256 == sha256
            case .governed(let planned): planned.added.contains(sha256)
            default: false
            }
        }
    }
}

/// Works out what a change comes to, and refuses what cannot be or may not be.
struct ChangePlanner: Sendable {
    let transaction: Transaction
    let inspector: AnchorInspector
    /// The team that the change is about; nil for everything.
    let team: TeamRow?
    /// Who proposes it.
    let author: PersonID
    let now: UTCDate

    /// Larger than the certificate of any honest CA; each host of each fleet loads it.
    static let maximumCertificateBytes = 65_536

    /// - Throws: `StoreError(.refusedByRule)`, `.conflict`, `.notFound` or `.invalid`, about the first operation that cannot be.
    func plan(_ content: ChangeContent) async throws -> ChangePlan {
        let isOfAnchors = content.concern == .anchors
        let stores = try await transaction.fetchAll(ListStores(teams: isOfAnchors ? [try requireTeam().id] : []))
        let rules = isOfAnchors && content.adds ? try await transaction.fetchAll(ListRootRules()).map(\.rule) : []
        var steps: [ChangePlan.Step] = []
        var needed: ApprovalsNeeded?
        for operation in content.operations {
            switch operation {
            case .addAnchor(let addition):
                let (more, step) = try await plan(
                    addition, until: content.breakGlass?.until, stores: stores, rules: rules)
                steps += step
                needed = needed?.union(more) ?? more
            case .removeAnchor(let id): steps.append(try await planRemoval(of: id))
            case .liftDenial(let id): steps.append(try await planLifting(of: id, in: content.team))
            case .setCustody(let setting): steps.append(try await plan(setting))
            case .renewRole: steps.append(try planRenewal())
            case .governed(let step):
                let planned = try await plan(step, content)
                steps.append(.governed(planned))
                needed = needed?.union(planned.needed) ?? planned.needed
            }
        }
        if isOfAnchors, content.adds { try await refuseOversize(steps) }
        if let breakGlass = content.breakGlass {
            try await check(breakGlass)
            return ChangePlan(steps: steps, needed: .one)
        }
        return ChangePlan(steps: steps, needed: needed ?? .one)
    }

    private func plan(
        _ addition: AnchorAddition, until: UTCDate?, stores: [(id: Int64, team: Int64, store: StoreRecord)],
        rules: [RootRule]
    ) async throws -> (ApprovalsNeeded, [ChangePlan.Step]) {
        let team = try requireTeam()
        let id = TrustStoreID(team: team.name, kind: addition.kind, name: addition.store)
        guard let store = stores.first(where: { $0.store.id == id }) else {
            throw StoreError(
                .notFound, "there is no store \"\(id)\"",
                hint: "roadstead store add --team \(team.name) --type \(addition.kind.rawValue) \(addition.store)")
        }
        guard addition.certificate.count <= Self.maximumCertificateBytes else {
            throw StoreError(
                .invalid,
                "a certificate has \(addition.certificate.count) bytes, and trust anchors have at most "
                    + "\(Self.maximumCertificateBytes)")
        }
        let facts = try inspector.facts(addition.certificate, addition.kind, now)
        guard facts.notBefore <= facts.notAfter else {
            throw StoreError(
                .invalid, "\(facts.subject) is valid from \(facts.notBefore) to \(facts.notAfter), which is never")
        }
        let find = FindAnchor(store: store.id, sha256: facts.certificateSHA256)
        let present = try await transaction.fetchOptional(find)
        if let present, present.until == nil || until != nil {
            throw StoreError(
                .conflict, "store \"\(id)\" holds \(facts.subject) already",
                hint: "roadstead anchor show \(present.id)")
        }
        try await refuseOtherEnd(facts, in: team, besides: store.id, until: until)
        try await refuseDenied(facts, in: team)
        let candidate = RootRules.Candidate(
            facts: facts, origin: addition.origin, team: team.name, purpose: addition.kind)
        switch RootRules.decide(candidate, rules: rules, now: now) {
        case .allowed(_, let needed):
            // What break-glass added becomes lasting with the approvals that it lacked.
            let ending = present.map { ChangePlan.Step.remove(anchor: $0.id, sha256: facts.certificateSHA256) }
            return (needed, [ending, .add(store: store.id, addition, facts)].compactMap(\.self))
        case .refused(let rule, let reason, let hint):
            throw StoreError(.refusedByRule, "refused by rule \(rule) (\(facts.subject): \(reason))", hint: hint)
        }
    }

    private func planRemoval(of id: Int64) async throws -> ChangePlan.Step {
        let team = try requireTeam()
        guard let anchor = try await transaction.fetchOptional(FetchAnchor(id: id)), anchor.store.team == team.name
        else { throw StoreError(.notFound, "team \(team.name) has no trust anchor \(id)") }
        guard anchor.state == .active else {
            throw StoreError(.conflict, "trust anchor \(id) was removed already, by C-\(anchor.removedByChange ?? 0)")
        }
        return .remove(anchor: id, sha256: anchor.sha256)
    }

    func requireTeam() throws -> TeamRow {
        guard let team else { throw StoreError(.invalid, "the change names no team", hint: "say which one") }
        return team
    }

    /// Does what was planned. Removing what is gone already changes nothing; adding what is there is a conflict.
    ///
    /// - Parameter author: who proposed the change; a denial that comes with it is theirs.
    func apply(
        _ plan: ChangePlan, of change: Int64, by author: PersonID, _ content: ChangeContent, audit: AuditWriter
    ) async throws {
        for step in plan.steps {
            switch step {
            case .add(let store, let addition, let facts):
                let insert = InsertAnchor(
                    store: store, team: try requireTeam().id, addition: addition, facts: facts,
                    justification: content.justification, change: change, until: content.breakGlass?.until,
                    now: now)
                guard try await transaction.fetchOptional(insert) != nil else {
                    throw StoreError(.conflict, "the store holds \(facts.subject) already")
                }
            case .remove(let anchor, let sha256):
                let team = try requireTeam()
                try await transaction.execute(RemoveAnchor(id: anchor, team: team.id, change: change, now: now))
                guard try await isHeldUp(team), !plan.adds(sha256) else { continue }
                try await transaction.denyRemovedAnchor(
                    sha256: sha256, of: team, by: author, change: change, audit: audit)
            case .lift(let denial): try await lift(denial, by: change, audit: audit)
            case .setCustody(let setting): try await set(setting, by: change, audit: audit)
            case .renewRole: try await requestRenewal(by: change, audit: audit)
            case .governed(let planned):
                try await planned.apply(
                    StepContext(
                        planner: self, plan: plan, change: change, author: author, content: content, audit: audit))
            }
        }
        if content.breakGlass != nil { try await audit.recordBreakGlass(content, change) }
        guard content.concern == .anchors else { return }
        _ = try await transaction.fetchOne(AdvanceTeam(id: try requireTeam().id, change: change))
    }
}
