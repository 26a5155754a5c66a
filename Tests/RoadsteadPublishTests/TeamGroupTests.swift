import Codecs
import Foundation
import PythonEnvironment
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite(.serialized) struct TeamGroups {
    private func teams(_ count: Int) throws -> [TeamContent] {
        try (0..<count).map { try team("team-\($0)", [anchor(UInt8($0 % 250))]) }
    }

    private func targets(_ fleet: TestFleet) throws -> Targets {
        try UnverifiedMetadata<Targets>(try #require(fleet.state.targets), maximumBytes: 1 << 20).unverifiedContent
    }

    private func groups(_ content: Targets) -> [String] {
        content.delegations?.roles.map(\.name.text).filter(TeamGroup.isName) ?? []
    }

    @Test func `a team's group follows from its name`() throws {
        let names = try (0..<400).map { TeamGroup.name(of: try TeamName("team-\($0)")) }
        #expect(names.allSatisfy(TeamGroup.isName) && Set(names).count == TeamGroup.count)
        // SHA-256("acme") begins with 0x82.
        let digest = HashAlgorithm.sha256.digest(of: Array("acme".utf8))
        let number = Int(digest[0]) % 32
        #expect(TeamGroup.name(of: try TeamName("acme")) == "teams-\(number < 10 ? "0" : "")\(number)")
    }

    @Test(.enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
    func `a fleet of 250 teams is read by both clients, and stays in groups`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: try teams(3))
        try await fleet.publish()
        #expect(groups(try targets(fleet)).isEmpty)
        let (host, client) = (try TestHost(fleet), try StockClient())
        try await host.refresh()
        let state = fleet.directory.appending(path: "host").path
        func refresh(_ names: [String], isNew: Bool = false) throws -> [String: String] {
            try client.refresh(
                fleet.repository, client: state, bootstrap: isNew ? "\(fleet.repository)/metadata/1.root.json" : nil,
                now: noon, targets: names.map { "\($0)/ca.prod.pem" })
        }
        _ = try refresh(["team-0"], isNew: true)

        // Split: both an old host and python-tuf go on.
        fleet.change(teams: try teams(250))
        let release = try #require(try await fleet.publish())
        let split = groups(try targets(fleet))
        #expect(split.count == 32 && split == split.sorted())
        #expect(release.files.allSatisfy { $0.bytes.count < 64 << 10 })
        let expected = try fleet.targets
        let seen = try refresh(["team-0", "team-17", "team-249"])
        for (name, digest) in seen { #expect(expected[name].map(hexSHA256) == digest) }
        #expect(seen.count == 3)
        let has = try await host.has(fleet.content.teams[249])
        #expect(has)

        // New keys of one team change its group, and not what every host reads.
        let name = try TeamName("team-17")
        fleet.server.teamKeys[name] = try ServerKey.generate(for: .team(name), under: fleet.server.master)
        let rotated = try #require(try await fleet.publish())
        #expect(
            Set(rotated.files.compactMap(\.role)) == ["team-17", TeamGroup.name(of: name), "snapshot", "timestamp"])
        #expect(rotated.difference.contains("keys of the role team-17: replaced"))
        _ = try refresh(["team-17"])

        // Fewer teams again: once in groups, always in groups.
        fleet.change(teams: try teams(3))
        try await fleet.publish()
        #expect((1...3).contains(groups(try targets(fleet)).count))
        #expect(try refresh(["team-1"]).count == 1)
        #expect(try fleet.plan().isEmpty)
    }

    @Test func `administrators sign the groups that change and no others`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: try teams(201))
        try await fleet.publish()
        let host = try TestHost(fleet)
        try await host.refresh()
        fleet.administrators = [try PrivateKey.generate(.ed25519)]
        try await fleet.closeRootCeremony()
        let first = try await fleet.closeTargetsCeremony()
        #expect(first.count == 33 && first.last?.role == "targets")
        let group = try #require(first.first { $0.role == TeamGroup.name(of: try TeamName("team-17")) })
        // Whoever takes over from the server reads it without what the server had signed before.
        let shown = try TargetsDraft(
            role: group.role, toSign: group.toSign, root: try #require(fleet.state.pendingRoot), signatures: [])
        let key = try fleet.server.key(of: TeamName("team-17")).keyID
        #expect(shown.difference.contains("role team-17: key added: ed25519 \(key)"))
        let release = try #require(try await fleet.publish())
        #expect(release.waiting.isEmpty && release.held.isEmpty)
        let name = try TeamName("team-17")
        let old = try fleet.server.key(of: name)
        fleet.server.formerTeamKeys = [old]
        fleet.server.teamKeys[name] = try ServerKey.generate(for: .team(name), under: fleet.server.master)
        #expect(try fleet.plan().waiting == ["team team-17 has new keys: a ceremony has to sign it"])
        let drafts = try await fleet.closeTargetsCeremony()
        #expect(drafts.map(\.role) == [TeamGroup.name(of: name)])
        #expect(drafts[0].difference.first == "keys of the role team-17: replaced")
        let second = try #require(try await fleet.publish())
        #expect(
            Set(second.files.compactMap(\.role)) == ["team-17", TeamGroup.name(of: name), "snapshot", "timestamp"])
        #expect(second.waiting.isEmpty)
        let has = try await host.has(fleet.content.teams[17])
        #expect(has)
    }
}
