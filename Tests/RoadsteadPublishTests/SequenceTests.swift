import Codecs
import Foundation
import PythonEnvironment
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

/// One generator for a whole run of operations, so that a failure can be repeated.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
}

/// Random sequences of what people and time do to two fleets of one server; after each step hosts that were left behind
/// at any earlier step must follow, python-tuf's as well as ours.
@Suite(.serialized, .enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
struct OperationSequences {
    @Test(arguments: [11, 23, 42] as [UInt64])
    func `every state of a sequence of operations is followed by hosts old and new`(_ seed: UInt64) async throws {
        let world = try await SequenceWorld(seed: seed, startsSplit: seed == 42)
        let deadline = ContinuousClock.now.advanced(by: .seconds(12))
        for step in 0..<60 where ContinuousClock.now < deadline {
            let what = try await world.operate()
            do {
                try await world.settle(what)
                try await world.check(step: step)
            } catch {
                Issue.record("seed \(seed), step \(step) (\(what)): \(error)")
                return
            }
        }
    }
}

/// A server with a canary and a production fleet, to which teams are promoted, and their hosts.
final class SequenceWorld {
    private var dice: Dice
    private let server: TestServer
    private let canary: TestFleet
    private let production: TestFleet
    private let client: StockClient
    private var now = noon
    /// Every state of each team's content, and which of them production has.
    private var states: [TeamName: [TeamContent]] = [:]
    private var promoted: [TeamName: Int] = [:]
    /// Who signed each team's newest role.
    private var spoken: [TeamName: (quorum: TeamQuorum, members: TeamMembers?)] = [:]
    private var hosts: [String: [TestHost]] = [:]
    private var known: Set<String> = []

    private static let names = ["acme", "beta", "gamma"]
    private static let hostCount = 4

    init(seed: UInt64, startsSplit: Bool) async throws {
        dice = Dice(state: seed)
        server = try TestServer()
        let many = startsSplit ? try (0...TeamGroup.threshold).map { try team("other-\($0)", []) } : []
        canary = try await TestFleet("canary", server, teams: many)
        production = try await TestFleet("production", server, profile: .high)
        client = try StockClient()
        for name in Self.names {
            let content = try team(name, [anchor(1)])
            (states[content.name], promoted[content.name]) = ([content], 0)
        }
        for fleet in fleets {
            try await fleet.publish(at: now)
            hosts[fleet.repository] = try (0..<Self.hostCount).map { _ in try TestHost(fleet) }
        }
        canary.change(teams: [])
    }

    private var fleets: [TestFleet] { [canary, production] }

    // MARK: Operations

    func operate() async throws -> String {
        let fleet = fleets[dice.below(2)]
        let name = try TeamName(Self.names[dice.below(Self.names.count)])
        switch dice.below(15) {
        case 0, 1: return try changeAnchors(of: name)
        case 2, 3: return add(name, to: fleet)
        case 4:
            fleet.change(teams: fleet.content.teams.filter { $0.name != name })
            return "team \(name) removed from \(fleet.content.fleet)"
        case 5: return deny(in: fleet)
        case 6:
            fleet.change(denials: Array(fleet.content.denials.dropFirst()))
            return "denial lifted"
        case 7:
            fleet.change(mode: fleet.content.enforcers.first?.mode == .enforce ? .observe : .enforce)
            return "mode changed"
        case 8:
            now = now.adding(seconds: Int64.random(in: 60...200_000, using: &dice))
            return "time passed"
        case 9: return try replaceServerKey(of: name)
        case 10: return try giveCustody(to: name)
        case 11: return takeCustody(from: name)
        case 12:
            try fleet.rotateOnlineKeys()
            let keys = try (0..<2).map { _ in try PrivateKey.generate(.ed25519) }
            try await fleet.closeRootCeremony(to: keys, at: now)
            return "all keys of \(fleet.content.fleet) replaced"
        case 13: return try await moveSettings(of: fleet)
        default:
            let last = (states[name]?.count ?? 1) - 1
            promoted[name] = Int.random(in: 0...last, using: &dice)
            return "team \(name) promoted or taken back to state \(promoted[name] ?? 0)"
        }
    }

    private func changeAnchors(of name: TeamName) throws -> String {
        guard let newest = states[name]?.last else { return "nothing" }
        let anchors = (0..<UInt8(dice.below(4))).map { anchor($0 &* 7) }
        states[name]?.append(try team(name.rawValue, anchors, custody: newest.custody))
        return "anchors of \(name) changed"
    }

    private func add(_ name: TeamName, to fleet: TestFleet) -> String {
        guard let content = states[name]?.last, !fleet.content.teams.contains(where: { $0.name == name }) else {
            return "nothing"
        }
        fleet.change(teams: fleet.content.teams + [content])
        return "team \(name) added to \(fleet.content.fleet)"
    }

    private func deny(in fleet: TestFleet) -> String {
        let digest = "sha256:\(Hex.encode(SecureRandom.bytes(32)))"
        let denial = DenyDocument.Denial(
            id: digest, subject: .digest(digest), team: nil, reason: "test", issued: now)
        fleet.change(denials: fleet.content.denials.suffix(2) + [denial])
        return "denied"
    }

    private func replaceServerKey(of name: TeamName) throws -> String {
        server.formerTeamKeys.append(try server.key(of: name))
        server.teamKeys[name] = try ServerKey.generate(for: .team(name), under: server.master)
        return "the server's key of \(name) replaced"
    }

    private func giveCustody(to name: TeamName) throws -> String {
        let count = 1 + dice.below(3)
        server.members[name] = try TeamMembers(count, threshold: 1 + dice.below(count))
        try setCustody(.team, of: name)
        return "\(name) signs for itself with new keys"
    }

    private func takeCustody(from name: TeamName) -> String {
        server.members[name] = nil
        try? setCustody(.server, of: name)
        return "the server signs for \(name)"
    }

    /// Custody is one for all states of a team's content.
    private func setCustody(_ custody: Custody, of name: TeamName) throws {
        states[name] = states[name]?.map { Self.content($0, custody) }
    }

    private static func content(_ team: TeamContent, _ custody: Custody) -> TeamContent {
        TeamContent(name: team.name, custody: custody, scopes: team.scopes, stores: team.stores)
    }

    private func moveSettings(of fleet: TestFleet) async throws -> String {
        guard fleet.administrators.isEmpty else {
            fleet.administrators = []
            try await fleet.closeRootCeremony(at: now)
            return "settings of \(fleet.content.fleet) back on the server"
        }
        fleet.administrators = [try PrivateKey.generate(.ed25519)]
        try await fleet.closeRootCeremony(at: now)
        try await fleet.closeTargetsCeremony(at: now)
        return "settings of \(fleet.content.fleet) off the server"
    }

    // MARK: Publishing

    /// Publishes what there is, letting members and administrators sign most of the time.
    func settle(_ what: String) async throws {
        for fleet in fleets {
            let isCanary = fleet === canary
            fleet.change(
                teams: fleet.content.teams.map { team in
                    guard let states = states[team.name] else { return team }
                    return states[isCanary ? states.count - 1 : promoted[team.name] ?? 0]
                })
            if dice.below(3) > 0 { try await sign(fleet) }
            try await publish(fleet)
            guard !fleet.administrators.isEmpty, dice.below(2) == 0 else { continue }
            try await fleet.closeTargetsCeremony(at: now)
            try await publish(fleet)
            #expect(try fleet.targetsDrafts(at: now).isEmpty, "after \(what)")
        }
        for fleet in fleets {
            // What one fleet's release has signed, the other takes over.
            try await publish(fleet)
            #expect(try fleet.plan(at: now).isEmpty, "\(fleet.content.fleet) after \(what)")
        }
    }

    private func publish(_ fleet: TestFleet) async throws {
        guard let release = try await fleet.publish(at: now) else { return }
        for role in release.teamRoles {
            spoken[role.team] = (try TeamQuorum(try server.key(of: role.team).key), nil)
        }
    }

    private func sign(_ fleet: TestFleet) async throws {
        for held in try fleet.plan(at: now).held {
            guard let content = fleet.content.teams.first(where: { $0.name == held.team }), content.custody == .team,
                let members = server.members[held.team]
            else { continue }
            let before = spoken[held.team]
            try await server.sign(
                content, by: [before?.members, members].compactMap { $0 }, former: before?.quorum, at: now)
            spoken[held.team] = (try members.quorum, members)
        }
    }

    // MARK: Hosts

    func check(step: Int) async throws {
        for fleet in fleets {
            let held = Set(try fleet.plan(at: now).held.map(\.team))
            let teams = fleet.content.teams.filter { !held.contains($0.name) }
            // One of them refreshes, the others fall behind by another step.
            let host = dice.below(Self.hostCount)
            try refresh(fleet, "host-\(host)", teams)
            if step.isMultiple(of: 10) { try refresh(fleet, "new-\(step)", teams) }
            let ours = try #require(hosts[fleet.repository]?[host])
            for client in [ours, try TestHost(fleet)] {
                for team in teams {
                    let has = try await client.has(team, at: now)
                    #expect(has, "\(team.name) in \(fleet.content.fleet) at step \(step)")
                }
                if teams.isEmpty { try await client.refresh(at: now) }
            }
        }
    }

    private func refresh(_ fleet: TestFleet, _ host: String, _ teams: [TeamContent]) throws {
        let bundles = try [FleetRole.deny, .revocation, .ops].map(fleet.content.bundle) + teams.map { try $0.bundle }
        let expected = bundles.flatMap(\.files).reduce(into: [String: [UInt8]]()) { $0[$1.name.text] = $1.bytes }
        let state = fleet.directory.appending(path: host).path
        let files = try client.refresh(
            fleet.repository, client: state,
            bootstrap: known.insert(state).inserted ? "\(fleet.repository)/metadata/1.root.json" : nil, now: now,
            targets: expected.keys.sorted() + [FleetSettings.documentName])
        for (name, bytes) in expected { #expect(files[name] == hexSHA256(bytes), "\(name)") }
    }
}
