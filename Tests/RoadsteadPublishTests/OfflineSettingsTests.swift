import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct OfflineSettings {
    private let server: TestServer
    private let acme: TeamContent
    private let beta: TeamContent

    init() throws {
        server = try TestServer()
        acme = try team("acme", [anchor(1)])
        beta = try team("beta", [anchor(2)])
    }

    /// A fleet whose settings the administrators sign.
    private func fleet(_ teams: TeamContent...) async throws -> TestFleet {
        let fleet = try await TestFleet("demo", server, teams: teams)
        try await fleet.publish()
        try await fleet.takeSettingsOffline()
        try await fleet.publish()
        return fleet
    }

    private func denial(_ id: String) -> DenyDocument.Denial {
        let digest = "sha256:\(String(repeating: "cd", count: 32))"
        return DenyDocument.Denial(id: id, subject: .digest(digest), team: nil, reason: "stolen", issued: noon)
    }

    // MARK: Into the administrators' hands and back

    @Test func `settings leave the server with a new root and new settings in one release`() async throws {
        let fleet = try await TestFleet("demo", server, teams: [acme])
        try await fleet.publish()
        let host = try TestHost(fleet)
        try await host.refresh()
        fleet.administrators = [try PrivateKey.generate(.ed25519)]
        try await fleet.closeRootCeremony()
        // The root alone would leave settings that its keys have not signed.
        let waiting = try fleet.plan()
        #expect(waiting.isEmpty && waiting.waiting.count == 1)
        #expect(waiting.waiting[0].hasPrefix("the fleet's new root cannot come out yet"))
        let drafts = try await fleet.closeTargetsCeremony()
        #expect(drafts.map(\.role) == ["targets"] && drafts[0].version == 2)
        let release = try #require(try await fleet.publish())
        #expect(release.files.first?.path == "metadata/2.root.json")
        #expect(Set(release.files.compactMap(\.role)) == ["root", "targets", "snapshot", "timestamp"])
        #expect(try await host.has(acme))
        #expect(try fleet.plan().isEmpty && fleet.plan().waiting.isEmpty)
        #expect(try !RootSummary(fleet.state.roots[1]).targetsOnline)
    }

    @Test func `settings come back to the server with a new root`() async throws {
        let fleet = try await fleet(acme)
        let host = try TestHost(fleet)
        try await host.refresh()
        fleet.administrators = []
        try await fleet.closeRootCeremony()
        fleet.change(teams: [acme, beta])
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["root", "beta", "targets", "snapshot", "timestamp"])
        #expect(try await host.has(acme))
        #expect(try await host.has(beta))
    }

    @Test func `settings that a fast clock has drafted wait for their time`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(teams: [acme, beta])
        try await fleet.closeTargetsCeremony(at: noon.adding(days: 30))
        let plan = try fleet.plan()
        #expect(plan.waiting.contains { $0.contains("was drafted at") })
        #expect(
            try await fleet.publish(at: noon.adding(seconds: 60)).map { $0.files.allSatisfy { $0.role != "targets" } }
                ?? true)
    }

    // MARK: Waiting for a ceremony

    @Test func `what needs a ceremony waits for it, and everything else goes out`() async throws {
        let fleet = try await fleet(acme, beta)
        let host = try TestHost(fleet)
        let changed = try team("acme", [anchor(7)])
        fleet.change(teams: [changed, try team("gamma", [])], mode: .enforce, denials: [denial("d1")])
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["acme", "deny", "snapshot", "timestamp"])
        #expect(
            release.waiting == [
                "team beta is to be removed: a ceremony has to sign it",
                "team gamma is to be added: a ceremony has to sign it",
                "the fleet's settings have changed: a ceremony has to sign it",
            ])
        #expect(release.held.map(\.team.rawValue) == ["gamma"] && !release.held[0].isListed)
        #expect(try await host.has(changed))
        #expect(try await host.has(beta))
        try await fleet.closeTargetsCeremony()
        let second = try #require(try await fleet.publish())
        #expect(second.held.isEmpty && second.waiting.isEmpty)
        #expect(try await host.has(try team("gamma", [])))
        #expect(try await host.targets(of: "beta") == nil)
    }

    @Test func `a replaced key of the server signs beside the former one until a ceremony names it`() async throws {
        let fleet = try await fleet(acme)
        let host = try TestHost(fleet)
        let old = try server.key(of: acme.name)
        server.formerTeamKeys = [old]
        server.teamKeys[acme.name] = try ServerKey.generate(for: .team(acme.name), under: server.master)
        let changed = try team("acme", [anchor(7)])
        fleet.change(teams: [changed])
        let release = try #require(try await fleet.publish())
        #expect(release.held.isEmpty)
        #expect(release.waiting == ["team acme has new keys: a ceremony has to sign it"])
        #expect(try fleet.plan().otherKeys == [acme.name])
        #expect(try await host.has(changed))
        let drafts = try await fleet.closeTargetsCeremony()
        #expect(drafts[0].difference.first == "keys of the role acme: replaced")
        let second = try #require(try await fleet.publish())
        // The bytes that both keys have signed need not be signed again.
        #expect(Set(second.files.compactMap(\.role)) == ["targets", "snapshot", "timestamp"])
        #expect(try fleet.plan().otherKeys == [])
        #expect(try await host.has(changed))
    }

    @Test func `a lost key of the server holds its team until a ceremony names the new one`() async throws {
        let fleet = try await fleet(acme)
        server.teamKeys[acme.name] = try ServerKey.generate(for: .team(acme.name), under: server.master)
        let changed = try team("acme", [anchor(7)])
        fleet.change(teams: [changed])
        #expect(
            try fleet.plan().held.map(\.reason) == [
                "the fleet's settings name other keys for it than the one on this server"
            ])
        try await fleet.closeTargetsCeremony()
        #expect(try await fleet.publish()?.held.isEmpty == true)
        #expect(try await TestHost(fleet).has(changed))
    }

    @Test func `members speak for their team once the administrators have named them`() async throws {
        let fleet = try await fleet(acme)
        let host = try TestHost(fleet)
        let own = try team("acme", [anchor(1), anchor(4)], custody: .team)
        server.members[own.name] = try TeamMembers(2, threshold: 2)
        let serverKey = try server.key(of: own.name)
        server.formerTeamKeys = [serverKey]
        fleet.change(teams: [own])
        #expect(try fleet.targetsDrafts().isEmpty)
        let members = try #require(server.members[own.name])
        try await server.sign(own, by: [members], former: try TeamQuorum(serverKey.key))
        let release = try #require(try await fleet.publish())
        #expect(release.files.contains { $0.role == "acme" } && release.held.isEmpty)
        #expect(
            release.waiting == [
                "team acme has new keys: a ceremony has to sign it",
                "the fleet's settings have changed: a ceremony has to sign it",
            ])
        #expect(try await host.has(own))
        let draft = try #require(try await fleet.closeTargetsCeremony().first)
        #expect(draft.difference.contains("fleet settings: changed"))
        #expect(draft.difference.contains("role acme: threshold 1 to 2"))
        #expect(try await fleet.publish()?.waiting == [])
        #expect(try await host.has(own))
    }

    @Test func `keys of the fleet's own roles are replaced without a gap`() async throws {
        let fleet = try await fleet(acme)
        let host = try TestHost(fleet)
        fleet.former = fleet.sealed.filter { $0.purpose.role == "deny" }
        let deny = try ServerKey.generate(for: .fleet(fleet.content.id, .deny), under: server.master)
        fleet.sealed = fleet.sealed.filter { $0.purpose.role != "deny" } + [deny]
        fleet.change(denials: [denial("d1")])
        let release = try #require(try await fleet.publish())
        #expect(release.waiting == ["role deny has new keys: a ceremony has to sign it"])
        try await host.refresh()
        try await fleet.closeTargetsCeremony()
        try await fleet.publish()
        try await host.refresh()
        fleet.former = []
        fleet.change(denials: [])
        #expect(try await fleet.publish()?.files.contains { $0.role == "deny" } == true)
        try await host.refresh()
    }

    // MARK: Drafts

    @Test func `a draft is taken up with its signatures and says the same`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(teams: [acme, beta], mode: .enforce)
        var draft = try #require(try fleet.targetsDrafts().first)
        #expect(draft.missing == ["1 more of the fleet's keys for its settings"])
        #expect(draft.baseSHA256 == fleet.state.targets.map(hexSHA256))
        try await fleet.sign(&draft)
        let key = try #require(fleet.administrators.first)
        let signature = Hex.encode(try await key.signature(over: draft.toSign, scheme: .ed25519))
        let again = try TargetsDraft(
            role: draft.role, toSign: draft.toSign, root: try #require(fleet.state.roots.last),
            signatures: [(keyID: try Key(key.publicKey).id.text, signature: signature)], files: draft.files,
            base: fleet.state.targets)
        #expect(again.signedBy == draft.signedBy && again.difference == draft.difference && again.missing.isEmpty)
        #expect(try again.close() == draft.close())
    }

    @Test func `with the old files the difference names what changes`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(teams: [acme, beta], mode: .enforce)
        let old = try TargetsDraft.oldTargetPaths(after: fleet.state)
            .reduce(into: [String: [UInt8]]()) { $0[$1] = try fleet.read($1) }
        fleet.takeTeamRoles()
        let draft = try #require(
            try TargetsDraft.drafts(
                content: fleet.content, after: fleet.state, keys: try fleet.keys, now: noon, oldFiles: old
            ).first)
        #expect(
            draft.difference == [
                "role beta: added, threshold 1, speaks for the files beta/*",
                "role beta: key added: ed25519 \(try server.key(of: beta.name).keyID)",
                "notation: mode changed from observe to enforce",
                "team beta: added, speaks for registry.example.com/beta", "team beta: custody server",
                "expires \(noon.adding(days: 400))",
            ])
    }

    @Test func `the first settings that people sign name the keys of every role in them`() async throws {
        let fleet = try await fleet(acme)
        let served = try #require(fleet.state.targets)
        let draft = try TargetsDraft(
            role: "targets", toSign: try UnverifiedMetadata<Targets>(served, maximumBytes: 1 << 20).signedBytes,
            root: try #require(fleet.state.roots.last), signatures: [])
        #expect(draft.difference.contains("role acme: key added: ed25519 \(try server.key(of: acme.name).keyID)"))
        for key in fleet.sealed where ["deny", "revocation", "ops"].contains(key.purpose.role) {
            #expect(draft.difference.contains("role \(key.purpose.role): key added: ed25519 \(key.keyID)"))
        }
    }

    /// Changes of delegations that a server could slip into a draft, and the line that tells of each.
    struct SlippedChange: Sendable, CustomTestStringConvertible {
        let line: String
        let make: @Sendable (inout Targets) throws -> Void
        var testDescription: String { line }

        init(_ line: String, _ make: @escaping @Sendable (inout Targets) throws -> Void) {
            self.line = line
            self.make = make
        }

        static let all = [
            SlippedChange("role acme: removed") { $0.delegations?.roles.removeAll { $0.name.text == "acme" } },
            SlippedChange("role deny: speaks for the files acme/*; before: speaks for the files ") { content in
                let deny = content.delegations?.roles.firstIndex { $0.name.text == "deny" }
                content.delegations?.roles[try #require(deny)].scope = .paths([PathPattern("acme/*")])
            },
            SlippedChange("order of the roles changed: ") { $0.delegations?.roles.reverse() },
            SlippedChange(", where it says nothing others may") { content in
                let deny = content.delegations?.roles.firstIndex { $0.name.text == "deny" }
                content.delegations?.roles[try #require(deny)].isTerminating = false
            },
            SlippedChange("file acme/ca.prod.pem: added") { content in
                content.targets[try TargetName("acme/ca.prod.pem")] = TargetFile(content: [1])
            },
            SlippedChange("members that are not known here have changed") { content in
                content.delegations?.otherMembers["succinct_roles"] = .object(JSONObject())
            },
        ]
    }

    @Test(arguments: SlippedChange.all)
    func `no change of who may speak is called a renewal`(change: SlippedChange) async throws {
        let fleet = try await fleet(acme)
        let base = try #require(fleet.state.targets)
        let old = try UnverifiedMetadata<Targets>(base, maximumBytes: 1 << 20).unverifiedContent
        var new = old
        new.header.version += 1
        try change.make(&new)
        let lines = TargetsDifference(old: old, new: new, oldFiles: [:], newFiles: [:]).lines()
        #expect(lines.contains { $0.contains(change.line) })
        new = old
        new.header.version += 1
        #expect(TargetsDifference(old: old, new: new, oldFiles: [:], newFiles: [:]).lines().isEmpty)
    }

    @Test func `a draft is void when another file has taken its base's place`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(mode: .enforce)
        let draft = try #require(try fleet.targetsDrafts().first)
        try await fleet.closeTargetsCeremony()
        try await fleet.publish()
        #expect(throws: PublishError(.targetsDraft, "")) {
            try TargetsDraft(
                role: "targets", toSign: draft.toSign, root: try #require(fleet.state.roots.last), signatures: [],
                base: fleet.state.targets)
        }
    }

    @Test func `what an overtaken ceremony has signed is not published again`() async throws {
        let fleet = try await fleet(acme)
        let first = fleet.state.signedTargets
        fleet.change(mode: .enforce)
        try await fleet.closeTargetsCeremony()
        try await fleet.publish()
        fleet.state.signedTargets = first
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.waiting.isEmpty)
    }

    @Test func `settings that strangers have signed are not used`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(mode: .enforce)
        let draft = try #require(try fleet.targetsDrafts().first)
        var rogue = try MetadataDraft<Targets>(toSign: draft.toSign)
        try await rogue.sign(with: try PrivateKey.generate(.ed25519))
        fleet.state.signedTargets = SignedTargets(bytes: rogue.bytes, files: draft.files)
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.waiting.count == 2)
        #expect(plan.waiting[0].hasPrefix("what the last ceremony has signed is not used"))
    }

    @Test func `a signature over other bytes, of a stranger or in another form is refused`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(mode: .enforce)
        var draft = try #require(try fleet.targetsDrafts().first)
        let key = try #require(fleet.administrators.first)
        let stranger = try PrivateKey.generate(.ed25519)
        let id = try Key(key.publicKey).id.text
        let cases = [
            (Hex.encode(try await key.signature(over: draft.toSign + [0], scheme: .ed25519)), id),
            (Hex.encode(try await stranger.signature(over: draft.toSign, scheme: .ed25519)), id),
            (
                Hex.encode(try await stranger.signature(over: draft.toSign, scheme: .ed25519)),
                try Key(stranger.publicKey).id.text
            ), ("zz", id),
        ]
        for (signature, keyID) in cases {
            #expect(throws: PublishError(.targetsDraft, "")) { try draft.add(signature: signature, keyID: keyID) }
        }
        #expect(throws: PublishError(.targetsDraft, "")) { try draft.close() }
    }

    @Test func `renewing signs the same settings for another year`() async throws {
        let fleet = try await fleet(acme)
        #expect(try fleet.targetsDrafts().isEmpty)
        let late = noon.adding(days: 100)
        let drafts = try await fleet.closeTargetsCeremony(at: late, renewing: true)
        #expect(drafts.map(\.difference.first) == ["renewed, nothing else changes"])
        let release = try #require(try await fleet.publish(at: late))
        #expect(release.files.contains { $0.role == "targets" && $0.version == 3 })
    }

    @Test func `settings that are about to expire are said to`() async throws {
        let fleet = try await fleet(acme)
        try await fleet.publish(at: noon.adding(days: 280))
        let expiry = noon.adding(days: 400)
        #expect(
            try fleet.plan(at: noon.adding(days: 280)).waiting == [
                "the fleet's settings expire at \(expiry): a ceremony has to sign it"
            ])
    }

    @Test func `drafts can be signed by the keys of a root whose ceremony is still open`() async throws {
        let fleet = try await fleet(acme)
        let next = try PrivateKey.generate(.ed25519)
        fleet.administrators = [next]
        let root = try RootDraft(try fleet.request(fleet.rootKeys), after: fleet.state.roots.last, now: noon)
        fleet.takeTeamRoles()
        let drafts = try TargetsDraft.drafts(
            content: fleet.content, after: fleet.state, keys: try fleet.keys, now: noon, root: root.toSign)
        #expect(drafts.map(\.keyIDs) == [[try Key(next.publicKey).id.text]])
    }

    @Test func `a plan no longer holds when a ceremony has closed`() async throws {
        let fleet = try await fleet(acme)
        fleet.change(mode: .enforce)
        let plan = try fleet.plan()
        let builder = ReleaseBuilder(keys: try fleet.keys)
        #expect(builder.holds(plan, for: fleet.content, after: fleet.state, now: noon))
        try await fleet.closeTargetsCeremony()
        #expect(!builder.holds(plan, for: fleet.content, after: fleet.state, now: noon))
    }
}
