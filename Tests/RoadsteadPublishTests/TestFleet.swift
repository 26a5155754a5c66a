import Codecs
import Foundation
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

let noon = UTCDate(seconds: 1_800_000_000)

/// What several fleets share: the master key, the teams' keys and the newest signed role of each team.
final class TestServer {
    let master: MasterKey
    var teamKeys: [TeamName: SealedKey] = [:]
    var teamRoles: [TeamName: SignedTeamRole] = [:]

    init() throws { master = try MasterKey.generate() }

    func key(of team: TeamName) throws -> SealedKey {
        if let key = teamKeys[team] { return key }
        let key = try SealedKey.generate(for: .team(team), under: master)
        teamKeys[team] = key
        return key
    }
}

/// A fleet with real keys, its governed content and everything that it has served so far, in a directory.
final class TestFleet {
    let server: TestServer
    let directory: URL
    var content: FleetContent
    var state = PublishedState(roots: [])
    var sealed: [SealedKey]
    var rootKeys: [PrivateKey]
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
            let teams = try content.teams.map { try server.key(of: $0.name) }
            return try FleetKeys(fleet: content.id, try (sealed + teams).map { try $0.open(under: server.master) })
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
        state.teamRoles = server.teamRoles
        return try ReleaseBuilder(keys: try keys).plan(content, after: state, now: now)
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
        for role in release.teamRoles { server.teamRoles[role.team] = role }
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

    func request(_ newKeys: [PrivateKey], used: [UsedKey] = []) throws -> RootDraft.Request {
        let objects = try newKeys.map { try Key($0.publicKey).json }
        return RootDraft.Request(
            fleet: content.id, profile: content.profile,
            rootKeys: ProposedKeys(keys: objects, threshold: threshold), online: sealed, used: used)
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

func team(_ name: String, _ anchors: [[UInt8]], scope: String? = nil) throws -> TeamContent {
    TeamContent(
        name: try TeamName(name), scopes: [try RegistryScope(scope ?? "registry.example.com/\(name)")],
        stores: [StoreContent(kind: .ca, name: try TrustStoreName("prod"), anchors: anchors)])
}
