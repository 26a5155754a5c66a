import Codecs
import Foundation
import PythonEnvironment
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

/// One generator for a whole run of operations, so that a failure can be repeated.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite(.serialized, .enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
struct StockClients {
    /// Lets python-tuf refresh and download everything, as a host that has been there before or as a new one.
    private func check(
        _ fleet: TestFleet, _ client: StockClient, host: String, isNew: Bool, now: UTCDate, _ what: String
    ) throws {
        let expected = try fleet.targets
        let files = try client.refresh(
            fleet.repository, client: fleet.directory.appending(path: host).path,
            bootstrap: isNew ? "\(fleet.repository)/metadata/1.root.json" : nil, now: now,
            targets: expected.keys.sorted())
        for (name, bytes) in expected { #expect(files[name] == hexSHA256(bytes), "\(name) after \(what)") }
    }

    @Test func `python-tuf follows a fleet through its life`() async throws {
        let client = try StockClient()
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1), anchor(2)])])
        var now = noon
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: true, now: now, "first release")
        fleet.change(teams: [try team("acme", []), try team("beta", [anchor(3)])], mode: .enforce)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a team added, a store emptied")
        fleet.change(teams: [try team("beta", [anchor(3)])])
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a team removed")
        now = now.adding(days: 3)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "renewal")
        fleet.sealed = try FleetKeys.generate(for: fleet.content.id, under: fleet.server.master)
        try await fleet.rotateRoot(
            to: [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)], at: now)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a new root")
        try check(fleet, client, host: "new", isNew: true, now: now, "a new root, seen by a new host")
    }

    @Test func `python-tuf refuses what was changed after signing`() async throws {
        let client = try StockClient()
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let place = URL(filePath: fleet.repository).appending(path: "metadata/1.acme.json")
        let text = try String(contentsOf: place, encoding: .utf8).replacing(
            "\"version\":1", with: "\"version\": 1,\"x\":1")
        try Data(text.utf8).write(to: place)
        #expect(throws: StockClient.Refused.self) {
            try check(fleet, client, host: "host", isNew: true, now: noon, "a forgery")
        }
    }

    @Test func `python-tuf accepts every state of any sequence of operations`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var dice = Dice(state: seed)
        let client = try StockClient()
        let server = try TestServer()
        let fleets = [
            try await TestFleet("canary", server), try await TestFleet("production", server, profile: .high),
        ]
        var teams: [String: TeamContent] = [:]
        var now = noon
        let deadline = ContinuousClock.now.advanced(by: .seconds(15))
        for step in 0..<60 where ContinuousClock.now < deadline {
            let fleet = fleets[Int.random(in: 0..<2, using: &dice)]
            let what = try await operate(fleet, &teams, &now, &dice)
            for other in fleets {
                // A team's content is the same in every fleet that includes it.
                other.change(teams: other.content.teams.map { teams[$0.name.rawValue] ?? $0 })
                try await other.publish(at: now)
                #expect(try other.plan(at: now).isEmpty, "step \(step) (\(what)), seed \(seed)")
            }
            do {
                for other in fleets {
                    try check(other, client, host: "host", isNew: step == 0, now: now, what)
                    if step.isMultiple(of: 10) {
                        try check(other, client, host: "new-\(step)", isNew: true, now: now, what)
                    }
                }
            } catch {
                Issue.record("step \(step) (\(what)), seed \(seed): \(error)")
                return
            }
        }
    }

    /// Does one thing that people or time do to a fleet; returns what.
    private func operate(
        _ fleet: TestFleet, _ teams: inout [String: TeamContent], _ now: inout UTCDate, _ dice: inout Dice
    ) async throws -> String {
        let name = ["acme", "beta", "gamma", "delta"][Int.random(in: 0..<4, using: &dice)]
        let anchors = (0..<UInt8.random(in: 0..<4, using: &dice)).map { anchor($0 &* 7) }
        switch Int.random(in: 0..<10, using: &dice) {
        case 0, 1:
            teams[name] = try team(name, anchors)
            return "anchors of \(name) changed"
        case 2, 3:
            let content = try teams[name] ?? team(name, anchors)
            teams[name] = content
            fleet.change(teams: fleet.content.teams.filter { $0.name != content.name } + [content])
            return "team \(name) added"
        case 4:
            fleet.change(teams: fleet.content.teams.filter { $0.name.rawValue != name })
            return "team \(name) removed"
        case 5:
            let digest = "sha256:\(Hex.encode(SecureRandom.bytes(32)))"
            let denial = DenyDocument.Denial(
                id: digest, subject: .digest(digest), team: nil, reason: "test", issued: now)
            fleet.change(denials: fleet.content.denials.suffix(2) + [denial])
            return "denied"
        case 6:
            fleet.change(mode: fleet.content.enforcers.first?.mode == .enforce ? .observe : .enforce)
            return "mode changed"
        case 7:
            now = now.adding(seconds: Int64.random(in: 60...300_000, using: &dice))
            return "time passed"
        case 8:
            let key = try TeamName(name)
            server(fleet).teamKeys[key] = try SealedKey.generate(for: .team(key), under: server(fleet).master)
            return "key of \(name) replaced"
        default:
            if Bool.random(using: &dice) {
                fleet.sealed = try FleetKeys.generate(for: fleet.content.id, under: fleet.server.master)
            }
            try await fleet.rotateRoot(
                to: [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)], at: now)
            return "root replaced"
        }
    }

    private func server(_ fleet: TestFleet) -> TestServer { fleet.server }
}
