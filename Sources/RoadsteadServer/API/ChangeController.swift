import Codecs
import HTTPTypes
import PKI
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Changes: what is proposed, decided and withdrawn.
struct ChangeController: Sendable {
    private static let tag = "changes"
    private static let bodyLimit = 4 << 20
    private static let filters = [
        Endpoint.QueryParameter(name: "team", summary: "of one team"),
        Endpoint.QueryParameter(name: "state", summary: "in one state", form: .words(ChangeState.self)),
        Endpoint.QueryParameter(name: "mine", summary: "true: the caller's own"),
        Endpoint.QueryParameter(
            name: "waiting-for-me", summary: "true: those alone that the caller may decide on and has not"),
    ]

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/changes", "Changes", tag: Self.tag, permission: .filtered,
                queries: Self.filters + Endpoint.pageQueries
            ) { call in
                try await list(call)
            },
            .write(
                "/v1/changes", "Proposes operations in one team", tag: Self.tag,
                permission: .decidedInside("what is proposed, and where"), bodyLimit: Self.bodyLimit,
                version: { $0.version }
            ) { (call: Call, body: ChangeRequest) in
                let session = try call.caller()
                let content = try Self.content(
                    body.team, body.operations, body.justification, body.ticket, body.breakGlass,
                    owner: session.person.subject)
                return try await render(
                    store.propose(content, draft: body.draft ?? false, by: session.actor, now: call.now))
            },
            .read("/v1/changes/{number}", "A change", tag: Self.tag, permission: .filtered, version: { $0.version }) {
                call in
                try await render(store.change(try call.number("number")))
            },
            .write(
                method: .put, "/v1/changes/{number}", "Edits a change, which voids its approvals", tag: Self.tag,
                permission: .decidedInside("only its author edits a change"),
                status: .ok,
                concurrency: .ifMatch, bodyLimit: Self.bodyLimit, version: { $0.version }
            ) { (call: Call, body: ChangeEdit) in try await edit(call, body) },
            .act(
                "/v1/changes/{number}/submit", "Submits a draft", tag: Self.tag,
                permission: .decidedInside("only its author submits a change"), concurrency: .ifMatchWhereSent,
                version: { $0.version }
            ) { call in
                let version = call.statesVersion ? try call.expectedVersion() : nil
                return try await render(
                    store.submit(
                        try call.number("number"), ifVersion: version, by: try call.caller().actor, now: call.now))
            },
            decision("approve", "Approves exactly what the digest names", approves: true),
            decision("reject", "Rejects a change, which ends it", approves: false),
            .act(
                "/v1/changes/{number}/withdraw", "Withdraws one's own change", tag: Self.tag,
                permission: .decidedInside("only its author withdraws a change")
            ) { call in
                try await render(
                    store.withdraw(try call.number("number"), by: try call.caller().actor, now: call.now))
            },
        ]
    }

    private func decision(_ verb: String, _ summary: String, approves: Bool) -> Endpoint {
        .write(
            "/v1/changes/{number}/\(verb)", summary, tag: Self.tag,
            permission: .decidedInside("what the change does says who may agree to it"), status: .ok,
            version: { $0.version }
        ) {
            (call: Call, body: DecisionRequest) in
            try await render(
                store.decide(
                    try call.number("number"), approves: approves, digest: body.digest, comment: body.comment,
                    by: try call.caller().actor, now: call.now))
        }
    }

    private func list(_ call: Call) async throws -> Page<ChangeBody> {
        if try call.flag("waiting-for-me") { return try await waiting(call) }
        var filter = ChangeFilter(team: try call.query("team", as: TeamName.self))
        if let state = call.query("state") { filter.state = try AnchorController.word(state, "state") }
        if try call.flag("mine") { filter.author = try call.caller().person.id }
        let page = try await store.changes(filter, try call.page())
        return Page(items: try await render(page.items), next: page.next)
    }

    private func waiting(_ call: Call) async throws -> Page<ChangeBody> {
        for other in ["team", "state", "mine"] where call.query(other) != nil {
            throw StoreError(.invalid, "waiting-for-me and \(other) do not go together", hint: "leave one of them out")
        }
        let page = try await store.changesWaiting(for: try call.caller().actor, try call.page(), now: call.now)
        return Page(items: try await render(page.items), next: page.next)
    }

    private func edit(_ call: Call, _ body: ChangeEdit) async throws -> ChangeBody {
        let session = try call.caller()
        let number = try call.number("number")
        let version = try call.expectedVersion()
        let content = try Self.content(
            try await store.change(number).change.team, body.operations, body.justification, body.ticket,
            body.breakGlass, owner: session.person.subject)
        return try await render(
            store.edit(number, to: content, ifVersion: version, by: session.actor, now: call.now))
    }

    // MARK: In

    static func content(
        _ team: TeamName?, _ operations: [OperationBody], _ justification: String, _ ticket: String?,
        _ breakGlass: BreakGlass? = nil, owner: String
    ) throws -> ChangeContent {
        try ChangeContent(
            team: team, operations: try operations.map { try operation($0, owner: owner) },
            justification: justification, ticket: ticket, breakGlass: breakGlass)
    }

    private static func operation(_ body: OperationBody, owner: String) throws -> ChangeOperation {
        switch body {
        case .other(let operation): return operation
        case .addAnchor(let body):
            let certificate = try Certificate(pemOrDER: Array(body.certificate.utf8))
            return .addAnchor(
                AnchorAddition(
                    kind: body.kind, store: body.store, certificate: certificate.der, origin: body.origin,
                    owner: owner, reviewBy: body.reviewBy))
        }
    }

    // MARK: Out

    func render(_ record: ChangeRecord) async throws -> ChangeBody {
        let bodies = try await render([record])
        guard let body = bodies.first else { throw ServerError(.notFound, "the change is gone") }
        return body
    }

    /// People and anchors are looked up once for all.
    private func render(_ records: [ChangeRecord]) async throws -> [ChangeBody] {
        let ids = records.flatMap { record in
            [record.change.author] + record.decisions.map(\.person) + [record.review?.person].compactMap(\.self)
        }
        let people = try await store.people(ids)
        let effects = try await effects(of: records.map(\.change.content))
        return records.map { record in
            ChangeBody(record, name: { people[$0]?.subject ?? "person \($0)" }, effects: effects)
        }
    }

    /// What saying the effect of some contents has to look up.
    func effects(of contents: [ChangeContent]) async throws -> ChangeEffects {
        var effects = ChangeEffects()
        for content in contents {
            for case .removeAnchor(let id) in content.operations where effects.anchors[id] == nil {
                try await lookUp(anchor: id, &effects)
            }
            for case .liftDenial(let id) in content.operations where effects.denials[id] == nil {
                try await lookUp(denial: id, &effects)
            }
            for case .setCustody(let setting) in content.operations where setting.custody == .team {
                guard let team = content.team else { continue }
                for key in try await store.teamKeys(of: team) { effects.holders[key.key.keyID] = key.holderName }
            }
            for case .governed(let step) in content.operations {
                guard let vendor = step.operation.vendorThatStoresFollow, effects.vendorUses[vendor] == nil else {
                    continue
                }
                effects.vendorUses[vendor] = try? await VendorReach(store.vendor(vendor))
            }
        }
        return effects
    }

    private func lookUp(anchor id: Int64, _ effects: inout ChangeEffects) async throws {
        guard let anchor = try? await store.anchor(id) else { return }
        effects.anchors[id] = anchor
        effects.otherStores[id] = try await store.stores(holding: anchor.sha256, of: anchor.store.team)
            .filter { $0 != anchor.store }
    }

    private func lookUp(denial id: Int64, _ effects: inout ChangeEffects) async throws {
        guard let denial = try? await store.denial(id) else { return }
        effects.denials[id] = denial
        // What a removal denied may be an anchor still where the removal has not come.
        guard denial.change != nil, let team = denial.team, case .certificate(let sha256) = denial.subject else {
            return
        }
        effects.trusting[id] = try await store.fleets(trusting: sha256, for: team)
    }
}

extension ChangeBody {
    init(_ record: ChangeRecord, name: (PersonID) -> String, effects: ChangeEffects) {
        let change = record.change
        self.init(
            number: change.number, team: change.team, author: name(change.author), state: change.state,
            version: change.version, baseVersion: change.baseVersion, digest: change.digest,
            operations: change.content.operations.map(OperationBody.init),
            effect: change.content.operations.map { $0.effect(in: change.team, effects) },
            justification: change.content.justification, ticket: change.content.ticket,
            breakGlass: change.content.breakGlass, created: change.created,
            expires: change.state.isOpen ? change.expires : nil, approvalsNeeded: change.approvalsNeeded,
            missing: record.missing.map(ApprovalsBody.init),
            approvals: record.decisions.map { decision in
                DecisionBody(
                    person: name(decision.person), approves: decision.approves, digest: decision.digest,
                    at: decision.decided, void: record.isVoid(decision), comment: decision.comment)
            },
            canApprove: record.canApprove.map(\.subject),
            release: record.releases.map { "\($0.fleet)/\($0.number)" },
            review: BreakGlassReviewBody(record, name: name),
            note: change.note, founding: change.founding)
    }
}

extension OperationBody {
    init(_ operation: ChangeOperation) {
        guard case .addAnchor(let addition) = operation else {
            self = .other(operation)
            return
        }
        self = .addAnchor(
            AddAnchorBody(
                kind: addition.kind, store: addition.store,
                certificate: PEMBlock(label: "CERTIFICATE", bytes: addition.certificate).text,
                origin: addition.origin, reviewBy: addition.reviewBy))
    }
}
