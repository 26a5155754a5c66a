import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// Two fleets with team acme, whose administrator approves.
struct TwoFleets: Sendable {
    let world: World
    let team: TeamName
    let bob: Session
    let canary: FleetName
    let prod: FleetName

    static func make() async throws -> TwoFleets {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let (canary, prod) = (try FleetName("canary"), try FleetName("prod"))
        for fleet in [canary, prod] {
            _ = try await world.api.createFleet(
                fleet, id: try FleetID.random(), displayName: "\(fleet)", profile: .standard, by: world.admin.actor,
                now: start)
        }
        _ = try await world.addTeam(team, to: canary, by: world.admin.actor, now: start)
        _ = try await world.addTeam(team, to: prod, by: world.admin.actor, now: start)
        return TwoFleets(world: world, team: team, bob: bob, canary: canary, prod: prod)
    }
}

extension TwoFleets {
    /// Adds a root, through to its change's effect.
    @discardableResult
    func add(_ certificate: [UInt8]) async throws -> Int64 {
        let record = try await world.propose(certificate, in: team, by: world.admin)
        try await world.approve(record, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        return record.change.number
    }

    /// Removes a root, which its team's administrator does alone.
    @discardableResult
    func remove(_ certificate: [UInt8]) async throws -> Int64 {
        let anchor = try #require(try await world.activeAnchors(of: team).first { $0.certificate == certificate })
        let content = try ChangeContent(
            team: team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        let record = try await world.api.propose(content, by: bob.actor, now: start)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        return record.change.number
    }

    func anchors(of fleet: FleetName) async throws -> [[UInt8]] {
        let state = try await world.publisher.state(of: fleet)
        return state.content.teams.first { $0.name == team }?.stores.flatMap(\.anchors) ?? []
    }

    /// Publishes what the fleet takes, as far as the store is concerned.
    func publish(_ fleet: FleetName, held: [TeamName] = []) async throws {
        let state = try await world.publisher.state(of: fleet)
        let number = (state.last?.number ?? 0) + 1
        let digest = Hex.encode(World.digest("\(fleet) \(number)"))
        let version = (state.counters[team.rawValue] ?? 0) + 1
        let role = TeamRoleRecord(
            team: team, version: version, bytes: Array("role \(version)".utf8),
            contentNumber: state.contentNumbers[team])
        try await world.publisher.recordSigned(
            NewRelease(
                number: number, kind: .release, previousDigest: state.last?.digest, difference: [],
                changes: state.changes, held: held), of: fleet, digest: digest,
            files: [
                NewFile(
                    path: "metadata/\(version).\(team).json", bytes: role.bytes, role: team.rawValue,
                    version: version)
            ], teamRoles: [role], now: start)
        try await world.publisher.recordPublished(number, of: fleet, now: start)
    }

    /// Binds production to what canary publishes.
    func follow() async throws {
        _ = try await world.api.setSource(canary, of: prod, by: world.admin.actor, now: start)
    }

    @discardableResult
    func promote(
        _ rehearsal: Rehearsal = .real, by session: Session? = nil, outcome: PromotedTeam.Outcome = .sameBytes
    ) async throws -> PromotedTeam {
        let results = try await world.publisher.promote(
            from: canary, to: prod, teams: nil, rehearsal, by: (session ?? world.admin).actor, now: start
        ) { _, _ in outcome }
        return try #require(results.first)
    }

    @discardableResult
    func hotFix(_ change: Int64, _ rehearsal: Rehearsal = .real, by session: Session? = nil) async throws
        -> HotFixRecord
    {
        try await world.publisher.hotFix(
            change, in: prod, rehearsal, by: (session ?? world.admin).actor, now: start)
    }
}
