import Codecs
import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Fleets, who belongs to them, and what they publish.
struct FleetController: Sendable {
    private static let tag = "fleets"

    let store: ApiStore
    let publisher: Publisher

    var endpoints: [Endpoint] {
        [
            .read("/v1/fleets", "Fleets", tag: Self.tag, permission: .filtered, queries: Endpoint.pageQueries) { call in
                try await store.fleets(try call.page()).body { FleetBody($0, now: call.now) }
            },
            .write(
                "/v1/fleets", "Makes a fleet, which observes until it is told otherwise", tag: Self.tag,
                permission: .takes(.createFleet)
            ) {
                (call: Call, body: FleetRequest) in
                let record = try await store.createFleet(
                    body.name, id: try .random(), displayName: body.displayName ?? body.name.rawValue,
                    profile: body.profile ?? .standard, by: try call.caller().actor, now: call.now)
                try await publisher.prepareKeys(of: record.name, now: call.now)
                return FleetBody(try await store.fleet(record.name), now: call.now)
            },
            .read(
                "/v1/fleets/{fleet}", "A fleet and where it stands", tag: Self.tag,
                permission: .fleet(Permission.readFleet)
            ) { call in
                FleetBody(try await store.fleet(try call.path("fleet")), now: call.now)
            },
            .govern(
                "/v1/fleets/{fleet}/teams", "Takes a team into a fleet", tag: Self.tag,
                permission: .fleet(Permission.proposeFleet), status: .ok
            ) {
                (call: Call, body: FleetTeamRequest) in
                try await govern(call) { AddFleetTeam(fleet: $0, team: body.team) }
            },
            .governRemoval(
                "/v1/fleets/{fleet}/teams/{team}", "Takes a team out of a fleet", tag: Self.tag,
                permission: .fleet(Permission.proposeFleet)
            ) { call in
                let removal = RemoveFleetTeam(fleet: try call.path("fleet"), team: try call.path("team"))
                return try await store.govern([removal], call)
            },
            .govern(
                method: .put, "/v1/fleets/{fleet}/mode", "Sets what enforcers do", tag: Self.tag,
                permission: .fleet(Permission.proposeFleet), status: .ok
            ) {
                (call: Call, body: FleetModeRequest) in
                try await govern(call) { SetMode(fleet: $0, mode: body.mode, enforcer: body.enforcer) }
            },
            .govern(
                method: .put, "/v1/fleets/{fleet}/settings", "Sets what hosts do beside that, all of it",
                tag: Self.tag, permission: .fleet(Permission.proposeFleet), status: .ok
            ) { (call: Call, body: FleetOptions) in
                try await govern(call) { SetFleetSettings(fleet: $0, options: body) }
            },
            .read(
                "/v1/fleets/{fleet}/releases", "Releases, the newest first", tag: Self.tag,
                permission: .fleet(Permission.readFleet),
                queries: Endpoint.pageQueries
            ) { call in
                let fleet = try await store.fleet(try call.path("fleet"))
                return try await store.releases(of: fleet.name, try call.page()).body(ReleaseBody.init)
            },
            .act(
                "/v1/fleets/{fleet}/releases", "Publishes what is ready now, and waits for it", tag: Self.tag,
                permission: .fleet(Permission.operateFleet)
            ) {
                try await publish($0)
            },
        ]
    }

    private func govern(
        _ call: Call, _ operation: (FleetName) -> some FleetOperation
    ) async throws -> Governed<FleetBody> {
        let fleet: FleetName = try call.path("fleet")
        return try await store.govern([operation(fleet)], call) {
            FleetBody(try await store.fleet(fleet), now: call.now)
        }
    }

    /// Publishing follows from what was agreed; this only has it done at once.
    private func publish(_ call: Call) async throws -> ReleaseBody {
        let name: FleetName = try call.path("fleet")
        _ = try await store.fleet(name)
        try await publisher.publishNow(name, now: call.now)
        guard try await store.fleet(name).rootVersion > 0 else {
            throw StoreError(
                .conflict, "fleet \"\(name)\" has no root yet, so nothing can be published",
                hint: "make its root first: roadstead ceremony open --fleet \(name)")
        }
        return ReleaseBody(try await store.release(try await store.fleet(name).release, of: name))
    }
}

extension FleetBody {
    init(_ record: FleetRecord, now: UTCDate) {
        var warnings = FleetWarningsBody(record, now: now).lines
        if record.rootVersion == 0 { warnings.append("no root yet: open a ceremony to make one") }
        if record.hostsBehind > 0 { warnings.append("\(record.hostsBehind) of \(record.hosts) hosts are behind") }
        self.init(
            name: record.name, id: record.id, displayName: record.displayName, profile: record.profile,
            mode: record.mode, teams: record.teams, rootVersion: record.rootVersion, rootSHA256: record.rootSHA256,
            release: record.release, releasePublished: record.releasePublished, targetsOnline: record.targetsOnline,
            custodyNote: record.targetsOnline ? FleetKeys.onlineTargetsNote : nil, hosts: record.hosts,
            hostsBehind: record.hostsBehind, warnings: warnings, promotesFrom: record.promotesFrom,
            settings: record.options)
    }
}

extension ReleaseBody {
    init(_ record: ReleaseRecord) {
        self.init(
            fleet: record.fleet, number: record.number, published: record.published, state: record.state.rawValue,
            snapshotSHA256: record.digest ?? "", difference: record.difference, changes: record.changes)
    }
}
