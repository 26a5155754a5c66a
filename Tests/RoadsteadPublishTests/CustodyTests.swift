import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct TeamCustody {
    private let server: TestServer
    private let acme: TeamName
    private let beta: TeamContent

    init() throws {
        server = try TestServer()
        acme = try TeamName("acme")
        beta = try team("beta", [anchor(9)])
        server.members[acme] = try TeamMembers(3, threshold: 2)
    }

    private func members() throws -> TeamMembers { try #require(server.members[acme]) }

    private func own(_ anchors: [[UInt8]]) throws -> TeamContent { try team("acme", anchors, custody: .team) }

    /// A fleet in which acme signs for itself and beta does not.
    private func fleet(_ anchors: [[UInt8]] = [anchor(1)]) async throws -> TestFleet {
        let content = try own(anchors)
        try await server.sign(content, by: [try members()])
        let fleet = try await TestFleet("demo", server, teams: [content, beta])
        try await fleet.publish()
        return fleet
    }

    private func held(_ release: BuiltRelease?) -> [String] { release?.held.map(\.team.rawValue) ?? [] }

    private func settings(_ fleet: TestFleet) throws -> FleetSettings {
        let targets = try UnverifiedMetadata<Targets>(try #require(fleet.state.targets), maximumBytes: 1 << 20)
        let name = try TargetName(FleetSettings.documentName)
        let file = try #require(targets.unverifiedContent.targets[name])
        return try FleetSettings(verifiedBytes: try fleet.read(targetPath(name, file)))
    }

    private func denial(_ id: String) -> DenyDocument.Denial {
        let digest = "sha256:\(String(repeating: "ab", count: 32))"
        return DenyDocument.Denial(id: id, subject: .digest(digest), team: nil, reason: "stolen", issued: noon)
    }

    // MARK: Published

    @Test func `what a team's members have signed is published as it is`() async throws {
        let fleet = try await fleet()
        #expect(fleet.state.delegated["acme"] == server.teamRoles[acme]?.bytes)
        #expect(try await TestHost(fleet).has(try own([anchor(1)])))
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.held.isEmpty && plan.waiting.isEmpty)
        #expect(try settings(fleet).teams.map(\.custody) == [.team, .server])
    }

    @Test func `a change waits for the members while the old content and everything else go on`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        fleet.change(teams: [try own([anchor(2)]), try team("beta", [])], denials: [denial("d1")])
        let release = try #require(try await fleet.publish())
        #expect(
            release.held == [
                HeldTeam(team: acme, reason: "its members have not signed what it says now", isListed: true)
            ])
        #expect(release.teamRoles.map(\.team.rawValue) == ["beta"])
        #expect(Set(release.files.compactMap(\.role)) == ["beta", "deny", "snapshot", "timestamp"])
        #expect(try await host.has(try own([anchor(1)])))
        #expect(try await host.has(try team("beta", [])))
        try await server.sign(try own([anchor(2)]), by: [try members()])
        #expect(held(try await fleet.publish()) == [])
        #expect(try await host.has(try own([anchor(2)])))
    }

    @Test func `a release without the quorum cannot be made`() async throws {
        let fleet = try await fleet()
        let content = try own([anchor(2)])
        var draft = try server.draft(content)
        let key = try members().keys[0]
        let signature = try await key.signature(over: draft.toSign, scheme: .ed25519)
        try draft.add(signature: Hex.encode(signature), keyID: try Key(key.publicKey).id.text)
        #expect(draft.missing == ["1 more of the keys of team acme"])
        #expect(throws: PublishError(.roleDraft, "")) { try draft.close() }
        // As if the database said that one signature were enough.
        let forged = try await underSigned(content, version: draft.version, by: key)
        server.keep(forged)
        fleet.change(teams: [content, beta])
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.held.map(\.reason) == ["too few of its members have signed version 2"])
    }

    @Test func `a host refuses a role that lacks the quorum, and our own check does before it`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        try await host.refresh()
        let content = try own([anchor(2)])
        let forged = try await underSigned(content, version: 2, by: try members().keys[0])
        fleet.change(teams: [content, try team("beta", [anchor(8)])])
        let before = fleet.state
        let release = try #require(try await fleet.publish())
        // The server's own keys list the forged role, as somebody who has all of them would do.
        let rogue = try await listing(forged, in: fleet)
        let claimed = BuiltRelease(
            kind: .release, fleet: release.fleet, number: release.number + 1,
            timestampVersion: release.timestampVersion + 1, files: [], teamRoles: [], held: [], waiting: [],
            difference: [], snapshotSHA256: "", state: rogue)
        await #expect(throws: PublishError(.rejected, "")) {
            try await ReleaseCheck(
                release: claimed, content: fleet.content, settings: nil, before: before, now: noon
            ).run()
        }
        try await serve(rogue, fleet, forged)
        #expect(try await host.targets(of: "acme") == nil)
        #expect(try await host.targets(of: "beta") != nil)
    }

    // MARK: Switching

    @Test func `a team that takes over from the server comes in with one snapshot, signed by both`() async throws {
        let content = try team("acme", [anchor(1)])
        let fleet = try await TestFleet("demo", server, teams: [content, beta])
        try await fleet.publish()
        let host = try TestHost(fleet)
        try await host.refresh()
        let serverKey = try server.key(of: acme)
        server.formerTeamKeys = [serverKey]
        fleet.change(teams: [try own([anchor(1)]), beta], denials: [denial("d1")])
        // Until its members have signed, the server's key speaks for it as before.
        #expect(held(try await fleet.publish()) == [])
        #expect(try settings(fleet).teams.map(\.custody) == [.server, .server])
        try await server.sign(try own([anchor(1)]), by: [try members()], former: try TeamQuorum(serverKey.key))
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["acme", "targets", "snapshot", "timestamp"])
        #expect(release.difference.contains("team acme: custody team"))
        #expect(release.difference.contains("keys of the role acme: replaced"))
        #expect(try settings(fleet).teams.map(\.custody) == [.team, .server])
        #expect(try await host.has(try own([anchor(1)])))
        let file = try UnverifiedMetadata<Targets>(try #require(fleet.state.delegated["acme"]), maximumBytes: 1 << 20)
        #expect(file.signatures.count == 4)
    }

    @Test func `a server that takes over from a team signs at once`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        try await host.refresh()
        server.members[acme] = nil
        fleet.change(teams: [try team("acme", [anchor(5)]), beta])
        let release = try #require(try await fleet.publish())
        #expect(release.teamRoles.map(\.version) == [2] && release.held.isEmpty)
        #expect(try settings(fleet).teams.map(\.custody) == [.server, .server])
        #expect(try await host.has(try team("acme", [anchor(5)])))
    }

    @Test func `a team that hands back to the server does so in one snapshot, signed by both`() async throws {
        let fleet = try await fleet()
        let late = try await TestFleet("late", server, teams: fleet.content.teams)
        try await late.publish()
        let host = try TestHost(fleet)
        try await host.refresh()
        let old = try members()
        server.members[acme] = nil
        server.handingBack = [acme]
        let content = try team("acme", [anchor(1)])
        fleet.change(teams: [content, beta], denials: [denial("d1")])
        // Until its members have signed, they speak for it as before, and the server signs nothing of theirs.
        let waiting = try #require(try await fleet.publish())
        #expect(waiting.held.isEmpty && waiting.teamRoles.isEmpty)
        #expect(try settings(fleet).teams.map(\.custody) == [.team, .server])
        fleet.change(teams: [try team("acme", [anchor(2)]), beta])
        #expect(try fleet.plan().held.map(\.reason) == ["its members have not signed what it says now"])
        fleet.change(teams: [content, beta])
        try await server.sign(content, by: [old], former: try old.quorum)
        server.handingBack = []
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["acme", "targets", "snapshot", "timestamp"])
        #expect(try settings(fleet).teams.map(\.custody) == [.server, .server])
        #expect(try await host.has(content))
        let file = try UnverifiedMetadata<Targets>(try #require(fleet.state.delegated["acme"]), maximumBytes: 1 << 20)
        #expect(file.signatures.count == 4)
        late.change(teams: [content, beta])
        try await late.publish()
        #expect(late.state.delegated["acme"] == fleet.state.delegated["acme"])
    }

    @Test func `new members speak once they have signed, in each fleet under its own delegation`() async throws {
        let canary = try await fleet()
        let production = try await TestFleet("production", server, teams: canary.content.teams)
        try await production.publish()
        let old = try members()
        server.members[acme] = try TeamMembers(2, threshold: 1)
        #expect(try canary.plan().isEmpty && canary.plan().held.isEmpty)
        try await server.sign(try own([anchor(1)]), by: [old, try members()], former: try old.quorum)
        let first = try #require(try await canary.publish())
        #expect(first.difference.contains("keys of the role acme: replaced"))
        // The same bytes come in where the former members are still named.
        let second = try #require(try await production.publish())
        #expect(second.state.delegated["acme"] == first.state.delegated["acme"])
        #expect(try await TestHost(production).has(try own([anchor(1)])))
    }

    @Test func `a team that is new to the fleet is left out until its members have signed`() async throws {
        let fleet = try await TestFleet("demo", server, teams: [try own([anchor(1)]), beta])
        let release = try #require(try await fleet.publish())
        #expect(
            release.held == [
                HeldTeam(team: acme, reason: "its members have not signed what it says now", isListed: false)
            ])
        #expect(try settings(fleet).teams.map(\.name.rawValue) == ["beta"])
        let targets = try UnverifiedMetadata<Targets>(try #require(fleet.state.targets), maximumBytes: 1 << 20)
        #expect(targets.unverifiedContent.delegations?[try RoleName("acme")] == nil)
        try await server.sign(try own([anchor(1)]), by: [try members()])
        #expect(held(try await fleet.publish()) == [])
        #expect(try await TestHost(fleet).has(try own([anchor(1)])))
    }

    @Test func `a team without keys of its own is left out`() async throws {
        server.members[acme] = nil
        let fleet = try await TestFleet("demo", server, teams: [try own([anchor(1)]), beta])
        #expect(try await fleet.publish()?.held.map(\.reason) == ["it has no keys of its own yet"])
    }

    // MARK: One team cannot hurt another

    @Test func `an expired role of a team stops nothing else`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        let late = noon.adding(days: 390)
        let renewed = try own([anchor(1)])
        // Root and settings are renewed in time, the team's role is not.
        try await fleet.rotateRoot(at: late)
        try await fleet.publish(at: late)
        let later = noon.adding(days: 401)
        fleet.change(denials: [denial("d1")])
        let release = try #require(try await fleet.publish(at: later))
        #expect(release.held.map(\.reason) == ["its members' signed role expired at \(noon.adding(days: 400))"])
        #expect(release.held[0].isListed && release.files.contains { $0.role == "deny" })
        #expect(try await host.has(renewed, at: later) == false)
        #expect(try await host.has(beta, at: later))
        try await server.sign(renewed, by: [try members()], at: later)
        try await fleet.publish(at: later)
        #expect(try await host.has(renewed, at: later))
    }

    @Test func `a team's key that does not open holds that team alone`() async throws {
        let fleet = try await TestFleet("demo", server, teams: [try team("acme", [anchor(1)]), beta])
        try await fleet.publish()
        server.teamKeys[acme] = try ServerKey.generate(for: .team(acme), under: try MasterKey.generate())
        fleet.change(teams: [try team("acme", [anchor(2)]), try team("beta", [])])
        let release = try #require(try await fleet.publish())
        #expect(
            release.held == [
                HeldTeam(team: acme, reason: "there is no key for its role on this server", isListed: true)
            ])
        #expect(release.teamRoles.map(\.team.rawValue) == ["beta"])
    }

    @Test func `a published role that cannot be read is signed anew, and one of members' holds that team alone`()
        async throws
    {
        let fleet = try await fleet()
        fleet.state.delegated["acme"] = Array("{}".utf8)
        fleet.state.delegated["beta"] = Array("no JSON".utf8)
        fleet.change(teams: [try own([anchor(3)]), try team("beta", [])])
        let release = try #require(try await fleet.publish())
        #expect(held(release) == ["acme"] && release.teamRoles.map(\.team.rawValue) == ["beta"])
    }

    @Test func `files above what a host takes hold their team alone`() async throws {
        let fleet = try await fleet()
        let large = (0..<3).map { [UInt8](repeating: $0, count: 400_000) }
        fleet.change(teams: [try own([anchor(1)]), try team("beta", large)])
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.held.map(\.team.rawValue) == ["beta"])
    }

    @Test func `what is out of a held team is signed again in time, and nothing else of it comes out`() async throws {
        let content = try team("acme", [anchor(1)])
        let fleet = try await TestFleet("demo", server, teams: [content, beta])
        try await fleet.publish()
        let large = (0..<3).map { [UInt8](repeating: $0, count: 400_000) }
        fleet.change(teams: [try team("acme", large), beta])
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.held.map(\.team) == [acme])
        let host = try TestHost(fleet)
        for day in stride(from: 20, through: 60, by: 20) {
            let later = noon.adding(days: Int64(day))
            let release = try #require(try await fleet.publish(at: later))
            #expect(release.teamRoles.map(\.team.rawValue).sorted() == ["acme", "beta"])
            #expect(held(release) == ["acme"])
            #expect(try await host.has(content, at: later))
        }
    }

    @Test func `content that goes back to an older signed role waits for a new version`() async throws {
        let fleet = try await fleet()
        try await server.sign(try own([anchor(2)]), by: [try members()])
        fleet.change(teams: [try own([anchor(2)]), beta])
        try await fleet.publish()
        fleet.change(teams: [try own([anchor(1)]), beta])
        #expect(
            try fleet.plan().held.map(\.reason) == [
                "its members have signed version 1, and the fleet lists version 2 already"
            ])
        try await server.sign(try own([anchor(1)]), by: [try members()])
        #expect(held(try await fleet.publish()) == [])
        #expect(try await TestHost(fleet).has(try own([anchor(1)])))
    }

    // MARK: The cheap question

    @Test func `an empty plan holds until members' keys or the expiry of their role change something`() async throws {
        let fleet = try await fleet()
        let plan = try fleet.plan()
        let builder = ReleaseBuilder(keys: try fleet.keys)
        #expect(builder.holds(plan, for: fleet.content, after: fleet.state, now: noon))
        server.members[acme] = try TeamMembers(1, threshold: 1)
        let other = ReleaseBuilder(keys: try fleet.keys)
        #expect(!other.holds(plan, for: fleet.content, after: fleet.state, now: noon))
        let late = noon.adding(days: 399)
        try await fleet.rotateRoot(at: late)
        try await fleet.publish(at: late)
        #expect(try fleet.plan(at: late).nextDue <= noon.adding(days: 400))
    }

    // MARK: Forgery

    private func underSigned(_ content: TeamContent, version: Int64, by key: PrivateKey) async throws -> SignedTeamRole
    {
        let header = MetadataHeader(version: version, expires: noon.adding(days: 400))
        var draft = try MetadataDraft(Targets(header: header, targets: try content.bundle.listing))
        try await draft.sign(with: key)
        return SignedTeamRole(team: content.name, version: version, bytes: draft.bytes)
    }

    /// The fleet's state with a role put into its snapshot by the server's own keys.
    private func listing(_ role: SignedTeamRole, in fleet: TestFleet) async throws -> PublishedState {
        var state = fleet.state
        let keys = try fleet.keys
        var snapshot = try UnverifiedMetadata<Snapshot>(try #require(state.snapshot), maximumBytes: 1 << 20)
            .unverifiedContent
        snapshot.header.version += 1
        snapshot.delegated[try RoleName(role.team.rawValue)] = MetaFile(version: role.version)
        var draft = try MetadataDraft(snapshot)
        try await draft.sign(with: try keys.require(.snapshot).signer)
        var timestamp = try UnverifiedMetadata<Timestamp>(try #require(state.timestamp), maximumBytes: 1 << 20)
            .unverifiedContent
        timestamp.header.version += 1
        timestamp.snapshot = MetaFile(version: snapshot.version, content: draft.bytes)
        var last = try MetadataDraft(timestamp)
        try await last.sign(with: try keys.require(.timestamp).signer)
        (state.snapshot, state.timestamp) = (draft.bytes, last.bytes)
        state.delegated[role.team.rawValue] = role.bytes
        return state
    }

    private func serve(_ state: PublishedState, _ fleet: TestFleet, _ role: SignedTeamRole) async throws {
        func file(_ kind: BuiltFile.Kind, _ name: String, _ bytes: [UInt8]) throws {
            try fleet.serve(
                BuiltFile(
                    kind: kind, path: "metadata/\(name)", bytes: bytes, role: nil, version: nil,
                    sha256: hexSHA256(bytes)))
        }
        let snapshot = try #require(state.snapshot)
        let version = try UnverifiedMetadata<Snapshot>(snapshot, maximumBytes: 1 << 20).unverifiedContent.version
        try file(.delegated, "\(role.version).\(role.team).json", role.bytes)
        try file(.snapshot, "\(version).snapshot.json", snapshot)
        try file(.timestamp, "timestamp.json", try #require(state.timestamp))
    }
}
