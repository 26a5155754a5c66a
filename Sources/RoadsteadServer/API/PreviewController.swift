import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// What changes would do to fleets, and which policy decides there.
struct PreviewController: Sendable {
    private static let bodyLimit = 4 << 20

    let store: ApiStore
    let publisher: PublisherStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/changes/{number}/preview", "What a change would do to each fleet", tag: "changes",
                permission: .filtered, cost: Endpoint.expensiveCost
            ) { call in
                let change = try await store.change(try call.number("number")).change
                return try await preview(change.content, call)
            },
            .write(
                "/v1/changes/preview", "What a change would do that nobody has proposed yet", tag: "changes",
                permission: .decidedInside("what would be proposed, and where"), status: .ok, bodyLimit: Self.bodyLimit
            ) { (call: Call, body: ChangeRequest) in
                let session = try call.caller()
                let content = try ChangeController.content(
                    body.team, body.operations, body.justification, body.ticket, body.breakGlass,
                    owner: session.person.subject)
                for permission in content.proposal { try session.require(permission) }
                return try await preview(content, call)
            },
            .read(
                "/v1/fleets/{fleet}/policy", "What the administrators say of a fleet's images", tag: "policies",
                permission: .fleet(Permission.readFleet)
            ) { call in
                let fleet: FleetName = try call.path("fleet")
                return FleetPolicyBody(fleet: fleet, policy: try await store.policy(of: fleet))
            },
            .read(
                "/v1/fleets/{fleet}/policy/explain", "Which statement decides, and why", tag: "policies",
                permission: .fleet(Permission.readFleet),
                queries: [.init(name: "scope", summary: "a repository or registry scope", isRequired: true)]
            ) { call in
                guard let scope = try call.query("scope", as: RegistryScope.self) else {
                    throw ServerError(.request, "no scope is named", hint: "?scope=registry.example.com/acme/app")
                }
                let fleet: FleetName = try call.path("fleet")
                return ExplanationBody(
                    try await publisher.explanation(of: scope, in: fleet, now: call.now), fleet: fleet)
            },
            .read(
                "/v1/exceptions", "What fleets let pass until a moment", tag: "policies",
                permission: .filtered,
                queries: [
                    .init(name: "fleet", summary: "of one fleet"),
                    .init(name: "all", summary: "true: those that have ended too"),
                ]
            ) { call in
                let fleet = try call.query("fleet", as: FleetName.self)
                let session = try call.caller()
                let found = try await store.exceptions(of: fleet, all: try call.flag("all")).filter { record in
                    session.decide(.readFleet(record.fleet)).isAllowed
                        || record.team.map { session.decide(.readTeam($0)).isAllowed } ?? false
                }
                return Page(items: found.map(ExceptionBody.init), next: nil)
            },
        ]
    }

    private func preview(_ content: ChangeContent, _ call: Call) async throws -> PreviewBody {
        let session = try call.caller()
        let effects = try await publisher.rehearse(content, by: session.actor, now: call.now)
        var fleets: [PreviewBody.Fleet] = []
        for effect in effects.compactMap({ shown($0, content, session) }) {
            let record = try await store.fleet(effect.fleet)
            fleets.append(PreviewBody.Fleet(effect, hosts: record.hosts, behind: record.hostsBehind))
        }
        return PreviewBody(fleets: fleets)
    }

    /// A change that may reach any team shows who proposes or approves it their own teams, and all of fleets that they see.
    private func shown(_ effect: FleetEffect, _ content: ChangeContent, _ session: Session) -> FleetEffect? {
        guard content.concernsAllFleets, !session.decide(.readFleet(effect.fleet)).isAllowed else { return effect }
        let teams = Authorization.readableTeams(bindings: session.bindings, limits: session.limits)
        return effect.part(of: teams.contains)
    }
}

extension PreviewBody.Fleet {
    init(_ effect: FleetEffect, hosts: Int, behind: Int) {
        self.init(
            fleet: effect.fleet, lines: effect.lines,
            findings: effect.findings.map {
                PreviewBody.Finding(
                    kind: $0.kind.rawValue, refuses: $0.refuses, team: $0.team, text: $0.text, hint: $0.hint)
            },
            files: effect.files.map { PreviewBody.File(path: $0.path, difference: $0.difference) },
            enforcers: effect.enforcers.map { PreviewBody.Mode(enforcer: $0.enforcer, mode: $0.mode) },
            hosts: hosts, hostsBehind: behind, needs: effect.needs)
    }
}

extension ExplanationBody {
    init(_ found: PolicyExplanation, fleet: FleetName) {
        self.init(
            fleet: fleet, scope: found.scope, owner: found.owner, statement: found.statement?.name,
            team: found.statement?.team, decidingScope: found.decidingScope, level: found.statement?.level,
            override: found.statement?.override,
            stores: found.stores.map { Store(store: $0.store.description, anchors: $0.anchors) },
            trustedIdentities: found.statement?.trustedIdentities ?? [], reasons: found.reasons)
    }
}

extension ExceptionBody {
    init(_ record: ExceptionRecord) {
        self.init(
            exception: record.exception.id, fleet: record.fleet, digest: record.exception.digest,
            scope: record.exception.scope, until: record.exception.until, team: record.team, owner: record.owner,
            reason: record.reason, change: record.change, added: record.added, ended: record.ended)
    }
}
