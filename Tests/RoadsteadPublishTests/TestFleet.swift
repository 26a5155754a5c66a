import Codecs
import Foundation
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

let noon = UTCDate(seconds: 1_800_000_000)

/// What several fleets share: the master key, the teams' keys and every signed role of each team.
final class TestServer {
    let master: MasterKey
    var teamKeys: [TeamName: ServerKey] = [:]
    /// The server's keys of teams that it no longer uses.
    var formerTeamKeys: [ServerKey] = []
    /// Teams whose members have to hand over to the server.
    var handingBack: Set<TeamName> = []
    /// The keys of the teams in their own custody, the newest epoch.
    var members: [TeamName: TeamMembers] = [:]
    var teamRoles: [TeamName: SignedTeamRole] = [:]
    /// Every signed role there ever was, oldest first.
    private(set) var history: [SignedTeamRole] = []
    /// Versions that drafts have used up.
    var burnt: [TeamName: Int64] = [:]

    init() throws { master = try MasterKey.generate() }

    func key(of team: TeamName) throws -> ServerKey {
        if let key = teamKeys[team] { return key }
        let key = try ServerKey.generate(for: .team(team), under: master)
        teamKeys[team] = key
        return key
    }

    func keep(_ role: SignedTeamRole) {
        teamRoles[role.team] = role
        history.append(role)
    }

    /// The newest signed role that says what a content says.
    func newestRole(saying content: TeamContent) -> SignedTeamRole? {
        guard let listing = try? content.bundle.listing else { return nil }
        return history.last { role in
            let file = try? UnverifiedMetadata<Targets>(role.bytes, maximumBytes: 1 << 20)
            return role.team == content.name && file?.unverifiedContent.targets == listing
        }
    }

    func lastVersion(of team: TeamName) -> Int64 {
        max(burnt[team] ?? 0, history.filter { $0.team == team }.map(\.version).max() ?? 0)
    }

    /// Opens a draft of what a team's content says, for the team's present keys and, while there are any, its former.
    func draft(_ content: TeamContent, former: TeamQuorum? = nil, at now: UTCDate = noon) throws -> TeamRoleDraft {
        let quorum =
            content.custody == .team
            ? try #require(members[content.name]).quorum : try TeamQuorum(try key(of: content.name).key)
        let version = lastVersion(of: content.name) + 1
        burnt[content.name] = version
        return try TeamRoleDraft(
            TeamRoleDraft.Request(content: content, version: version, quorum: quorum, former: former), now: now)
    }

    /// Lets members, and the server where it has a say, sign what a team's content says.
    func sign(
        _ content: TeamContent, by members: [TeamMembers] = [], former: TeamQuorum? = nil, at now: UTCDate = noon
    ) async throws {
        var draft = try draft(content, former: former, at: now)
        for key in members.flatMap(\.keys) where draft.keyIDs.contains(try Key(key.publicKey).id.text) {
            let signature = try await key.signature(over: draft.toSign, scheme: .ed25519)
            try draft.add(signature: Hex.encode(signature), keyID: try Key(key.publicKey).id.text)
        }
        for sealed in formerTeamKeys + teamKeys.values where draft.keyIDs.contains(sealed.keyID) {
            try await draft.sign(with: try sealed.open(under: master))
        }
        keep(try draft.close())
    }
}

/// The members of a team and how many of them must sign.
struct TeamMembers {
    let keys: [PrivateKey]
    let threshold: Int

    init(_ count: Int, threshold: Int) throws {
        keys = try (0..<count).map { _ in try PrivateKey.generate(.ed25519) }
        self.threshold = threshold
    }

    var quorum: TeamQuorum {
        get throws {
            try TeamQuorum(ProposedKeys(keys: try keys.map { try Key($0.publicKey).json }, threshold: threshold))
        }
    }
}

/// A fleet with real keys, its governed content and everything that it has served so far, in a directory.
final class TestFleet {
    let server: TestServer
    let directory: URL
    var content: FleetContent
    var state = PublishedState(roots: [])
    var sealed: [ServerKey]
    /// Keys of the fleet's roles that served before and are still held.
    var former: [ServerKey] = []
    var rootKeys: [PrivateKey]
    /// Who signs the fleet's settings off the server; none in the quick start.
    var administrators: [PrivateKey] = []
    var threshold = 2

    init(_ name: String, _ server: TestServer, profile: FleetProfile = .standard, teams: [TeamContent] = [])
        async throws
    {
        self.server = server
        let id = try FleetID(Hex.encode(SecureRandom.bytes(16)))
        content = FleetContent(
            fleet: try FleetName(name), id: id, profile: profile,
            enforcers: [FleetSettings.EnforcerSetting(enforcer: .notation, mode: .observe)], teams: teams)
        sealed = try FleetKeys.generate(for: id, under: server.master)
        rootKeys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
        directory = FileManager.default.temporaryDirectory.appending(path: "roadstead-publish-\(UUID().uuidString)")
        try await makeRoot(at: noon)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    var keys: FleetKeys {
        get throws {
            let teams = try content.teams.filter { $0.custody == .server }.map { try server.key(of: $0.name) }
            return try FleetKeys(
                fleet: content.id, opening: sealed + teams, teamQuorums: try server.members.mapValues { try $0.quorum },
                former: former + server.formerTeamKeys, handingBack: server.handingBack, with: ServerKeys(server.master)
            )
        }
    }

    var repository: String { directory.appending(path: "repository").path }

    func change(
        teams: [TeamContent]? = nil, mode: EnforcementMode? = nil, denials: [DenyDocument.Denial]? = nil,
        repositories: [RegistryScope]? = nil
    ) {
        content = FleetContent(
            fleet: content.fleet, id: content.id, profile: content.profile,
            enforcers: mode.map { [FleetSettings.EnforcerSetting(enforcer: .notation, mode: $0)] } ?? content.enforcers,
            teams: teams ?? content.teams, denials: denials ?? content.denials,
            repositories: repositories ?? content.repositories)
    }

    func plan(at now: UTCDate = noon) throws -> ReleasePlan {
        takeTeamRoles()
        return try ReleaseBuilder(keys: try keys).plan(content, after: state, now: now)
    }

    /// Of each team the newest role with this fleet's content, and the versions used up.
    func takeTeamRoles() {
        state.teamRoles = [:]
        for team in content.teams {
            state.teamRoles[team.name] = server.newestRole(saying: team) ?? server.teamRoles[team.name]
            state.counters[team.name.rawValue] = max(
                state.counters[team.name.rawValue] ?? 0, server.lastVersion(of: team.name))
        }
    }

    @discardableResult
    func publish(at now: UTCDate = noon) async throws -> BuiltRelease? {
        let plan = try plan(at: now)
        let old = try plan.oldTargetPaths.reduce(into: [String: [UInt8]]()) { $0[$1] = try read($1) }
        guard let release = try await ReleaseBuilder(keys: try keys).build(plan, oldTargets: old) else { return nil }
        try take(release)
        return release
    }

    func take(_ release: BuiltRelease) throws {
        for role in release.teamRoles { server.keep(role) }
        for file in release.files { try serve(file) }
        state = release.state
    }

    /// Puts a file where it is served; an immutable one never changes.
    func serve(_ file: BuiltFile) throws {
        let place = directory.appending(path: "repository").appending(path: file.path)
        if file.isImmutable, let there = try? Data(contentsOf: place) {
            #expect([UInt8](there) == file.bytes, "\(file.path) would change")
        }
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.bytes).write(to: place)
    }

    func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appending(path: "repository").appending(path: path)))
    }

    // MARK: Root

    func request(_ newKeys: [PrivateKey], used: [UsedKey] = [], startsOver: Bool = false) throws -> RootDraft.Request {
        let objects = try newKeys.map { try Key($0.publicKey).json }
        let settings = try administrators.map { try Key($0.publicKey).json }
        return RootDraft.Request(
            fleet: content.id, profile: content.profile,
            rootKeys: ProposedKeys(keys: objects, threshold: threshold),
            targets: settings.isEmpty ? .online : .offline(ProposedKeys(keys: settings, threshold: 1)), online: sealed,
            used: used, startsOver: startsOver)
    }

    func sign(_ draft: inout RootDraft, with keys: some Sequence<PrivateKey>) async throws {
        for key in keys {
            let signature = try await key.signature(over: draft.toSign, scheme: .ed25519)
            try draft.add(signature: Hex.encode(signature), keyID: try Key(key.publicKey).id.text)
        }
    }

    /// Holds a ceremony with all old and new keys and publishes its root.
    func rotateRoot(to newKeys: [PrivateKey]? = nil, at now: UTCDate) async throws {
        let next = newKeys ?? rootKeys
        var draft = try RootDraft(try request(next), after: state.roots.last, now: now)
        try await sign(&draft, with: next + rootKeys)
        let root = try draft.close()
        try serve(root)
        state.roots.append(root.bytes)
        rootKeys = next
    }

    /// Replaces every online key, keeping the former ones.
    func rotateOnlineKeys() throws {
        former += sealed
        sealed = try FleetKeys.generate(for: content.id, under: server.master)
    }

    /// Holds a ceremony whose root comes out with the next release.
    func closeRootCeremony(to newKeys: [PrivateKey]? = nil, startsOver: Bool = false, at now: UTCDate = noon)
        async throws
    {
        let next = newKeys ?? rootKeys
        var draft = try RootDraft(try request(next, startsOver: startsOver), after: state.roots.last, now: now)
        try await sign(&draft, with: startsOver ? next : next + rootKeys)
        state.pendingRoot = try draft.close().bytes
        rootKeys = next
    }

    /// What the administrators have to sign.
    func targetsDrafts(at now: UTCDate = noon, renewing: Bool = false) throws -> [TargetsDraft] {
        takeTeamRoles()
        return try TargetsDraft.drafts(content: content, after: state, keys: try keys, now: now, renewing: renewing)
    }

    /// Lets the administrators sign what there is to sign.
    @discardableResult
    func closeTargetsCeremony(at now: UTCDate = noon, renewing: Bool = false) async throws -> [TargetsDraft] {
        var drafts = try targetsDrafts(at: now, renewing: renewing)
        for index in drafts.indices {
            try await sign(&drafts[index])
            let bytes = try drafts[index].close()
            if drafts[index].role == "targets" {
                let groups = state.signedTargets?.groups ?? [:]
                state.signedTargets = SignedTargets(bytes: bytes, groups: groups, files: drafts[index].files)
            } else {
                let newest = state.signedTargets ?? SignedTargets(bytes: state.targets ?? [])
                state.signedTargets = newest
                state.signedTargets?.groups[drafts[index].role] = bytes
            }
        }
        return drafts
    }

    func sign(_ draft: inout TargetsDraft) async throws {
        for key in administrators {
            let signature = try await key.signature(over: draft.toSign, scheme: .ed25519)
            try draft.add(signature: Hex.encode(signature), keyID: try Key(key.publicKey).id.text)
        }
    }

    /// Moves the settings' keys off the server: a new root and new settings in one release.
    func takeSettingsOffline(at now: UTCDate = noon) async throws {
        administrators = [try PrivateKey.generate(.ed25519)]
        try await closeRootCeremony(at: now)
        try await closeTargetsCeremony(at: now)
    }

    private func makeRoot(at now: UTCDate) async throws {
        var draft = try RootDraft(try request(rootKeys), after: nil, now: now)
        try await sign(&draft, with: rootKeys.prefix(2))
        let root = try draft.close()
        try serve(root)
        state.roots = [root.bytes]
    }

    /// Every target that the content puts into the repository, with its bytes.
    var targets: [String: [UInt8]] {
        get throws {
            let bundles =
                try [FleetRole.targets, .deny, .revocation, .ops].map(content.bundle(of:))
                + content.teams.map { try $0.bundle }
            return bundles.flatMap(\.files).reduce(into: [:]) { $0[$1.name.text] = $1.bytes }
        }
    }
}

/// Any bytes do: what an anchor is was decided before it came here.
func anchor(_ seed: UInt8) -> [UInt8] { [0x30, 0x03, 0x02, 0x01, seed] }

func team(
    _ name: String, _ anchors: [[UInt8]], scope: String? = nil, custody: Custody = .server
) throws -> TeamContent {
    TeamContent(
        name: try TeamName(name), custody: custody,
        scopes: [try RegistryScope(scope ?? "registry.example.com/\(name)")],
        stores: [StoreContent(kind: .ca, name: try TrustStoreName("prod"), anchors: anchors)])
}
