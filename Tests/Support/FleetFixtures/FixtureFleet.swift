package import Codecs
import Files
package import PKI
import SigningKeys
import TUF
package import TrustModel

/// A fleet's repository built straight from documents, as a directory that any web server can serve.
///
/// Unlike a publisher it signs whatever it is given: scopes that are not the team's, features that nobody knows,
/// other fleets' names. All keys are real, one per role.
package final class FixtureFleet {
    package let name: FleetName
    package let id: FleetID
    /// The web root; the fleet lies below `fleets/<name>/`.
    package let directory: String
    package private(set) var settings: FleetSettings
    package var ops: OpsSettings?
    /// Bytes of `deny/deny.json`; the empty document unless said.
    package var deny: [UInt8]
    /// Bytes of `fleet/settings.json`; the settings unless said.
    package var settingsFile: [UInt8]?
    /// Targets of each team's role, by name such as `acme/ca.prod.pem`.
    package var teams: [TeamName: [String: [UInt8]]] = [:]
    /// Roles that are listed but whose files are left out of the repository.
    package var missingRoles: Set<String> = []
    /// Roles that are signed with a key that nobody delegates to.
    package var badlySignedRoles: Set<String> = []
    /// Roles that expired an hour before they are signed.
    package var expiredRoles: Set<String> = []
    /// Delegated roles with more bytes than a host takes.
    package var paddedRoles: Set<String> = []
    /// Targets that are listed but left out of the repository.
    package var missingTargets: Set<String> = []
    /// Whether teams are delegated to in two levels, through `teams-00` to `teams-31`.
    package var isSplit = false
    /// Whether a role with the same targets keeps its version and its bytes.
    package var keepsUnchangedRoles = false
    /// The issue time in `x-roadstead` of the timestamp; the time of publishing unless said.
    package var timestampIssued: UTCDate?
    /// The fleet id in `x-roadstead` of all files but the root; the right one unless said.
    package var stampedID: FleetID?
    var keys: [String: PrivateKey] = [:]
    private var versions: [String: Int64] = [:]
    private var unchanged: [String: (files: [String: [UInt8]], key: PrivateKey, version: Int64, bytes: [UInt8])] = [:]
    /// The root's own keys and their threshold; more than one after a rotation only.
    var rootKeys: [PrivateKey] = []
    var rootThreshold = 1
    /// The newest root.
    package var rootBytes: [UInt8] = []

    package init(_ name: String, directory: String) throws {
        self.name = try FleetName(name)
        id = try FleetID(Hex.encode(SecureRandom.bytes(16)))
        self.directory = directory
        settings = FleetSettings(fleet: self.name, fleetID: id, teams: [], enforcers: [])
        ops = OpsSettings(pollSeconds: 60, reportSeconds: 300, repositories: [])
        deny = try DenyDocument(denials: []).publishedBytes()
    }

    package var rootSHA256: String { Hex.encode(HashAlgorithm.sha256.digest(of: rootBytes)) }
    package var timestampVersion: Int64 { versions["timestamp"] ?? 0 }

    package func joinString(server: String, token: String, rootSHA256: String? = nil) -> JoinString {
        JoinString(
            server: server, fleet: name, fleetID: id, rootSHA256: rootSHA256 ?? self.rootSHA256, rootVersion: 1,
            minimumVersions: [:], token: token)
    }

    /// Gives a team stores with their anchors, the standard policy, and its place in the settings.
    package func set(_ team: String, scopes: [String], stores: [String: [Certificate]]) throws {
        let team = try TeamName(team)
        let scopes = try scopes.map { try RegistryScope($0) }
        let references = try stores.keys.sorted().map {
            TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName($0))
        }
        let policy = TeamPolicy.standard(team: team, scopes: scopes, stores: references)
        var files = ["\(team)/policy.json": try policy.publishedBytes()]
        for (name, anchors) in stores { files["\(team)/ca.\(name).pem"] = Array(anchors.map(\.pem).joined().utf8) }
        teams[team] = files
        let others = settings.teams.filter { $0.name != team }
        change(teams: others + [FleetSettings.Team(name: team, scopes: scopes, custody: .server)])
    }

    /// Lists the only anchors that hosts are to take from a team.
    package func limit(_ team: String, to anchors: [FleetSettings.AllowedAnchor]) throws {
        let team = try TeamName(team)
        change(
            teams: settings.teams.map {
                $0.name == team
                    ? FleetSettings.Team(name: team, scopes: $0.scopes, custody: $0.custody, allowedAnchors: anchors)
                    : $0
            })
    }

    package func set(mode: EnforcementMode) {
        change(teams: settings.teams, enforcers: [.init(enforcer: .notation, mode: mode)])
    }

    package func set(freshness: FleetSettings.Freshness) {
        settings = FleetSettings(
            fleet: name, fleetID: id, teams: settings.teams, enforcers: settings.enforcers, freshness: freshness,
            inexpressible: settings.inexpressible)
    }

    package func set(exceptions: [PolicyException]) {
        settings = FleetSettings(
            fleet: name, fleetID: id, teams: settings.teams, enforcers: settings.enforcers,
            freshness: settings.freshness, inexpressible: settings.inexpressible, exceptions: exceptions)
    }

    package func deny(_ denials: [DenyDocument.Denial]) throws {
        deny = try DenyDocument(denials: denials).publishedBytes()
    }

    /// Signs and writes everything under new versions; the root only once.
    package func publish(at now: UTCDate, days: Int64 = 30) async throws {
        let expires = now.adding(days: days)
        if rootBytes.isEmpty { try await writeRoot(at: now, days: days) }
        let (listed, delegations) = try await writeDelegated(now, expires)
        let settingsFile = [FleetSettings.documentName: try settingsFile ?? settings.publishedBytes()]
        let targets = Targets(
            header: header("targets", expires, now), targets: try writeTargets(settingsFile), delegations: delegations)
        let targetsBytes = try await sign(targets, "targets")
        try write(targetsBytes, "metadata/\(targets.version).targets.json")
        let snapshot = Snapshot(
            header: header("snapshot", expires, now),
            targets: MetaFile(version: targets.version, content: targetsBytes), delegated: listed)
        let snapshotBytes = try await sign(snapshot, "snapshot")
        try write(snapshotBytes, "metadata/\(snapshot.version).snapshot.json")
        let timestamp = Timestamp(
            header: header("timestamp", expires, timestampIssued ?? now),
            snapshot: MetaFile(version: snapshot.version, content: snapshotBytes))
        try write(try await sign(timestamp, "timestamp"), "metadata/timestamp.json")
    }

    private func writeDelegated(
        _ now: UTCDate, _ expires: UTCDate
    ) async throws -> ([RoleName: MetaFile], Delegations) {
        var listed: [RoleName: MetaFile] = [:]
        var top = DelegationList()
        var groups: [String: DelegationList] = [:]
        for (role, files) in try delegatedTargets() {
            let (version, bytes) = try await delegated(role, files, expiredRoles.contains(role) ? now : expires)
            listed[try RoleName(role)] = MetaFile(version: version, content: bytes)
            if !missingRoles.contains(role) { try write(bytes, "metadata/\(version).\(role).json") }
            if isSplit, let team = TeamName(rawValue: role), teams[team] != nil {
                try groups[Self.group(of: role), default: DelegationList()].add(role, key(role), ["\(role)/*"])
            } else {
                try top.add(role, key(role), ["\(role)/*"])
            }
        }
        for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
            let content = Targets(
                header: header(name, expiredRoles.contains(name) ? now.adding(seconds: -3_600) : expires, nil),
                targets: [:], delegations: try group.delegations)
            let bytes = try await sign(content, name, key("targets"))
            listed[try RoleName(name)] = MetaFile(version: content.version, content: bytes)
            if !missingRoles.contains(name) { try write(bytes, "metadata/\(content.version).\(name).json") }
            try top.add(name, key("targets"), group.patterns)
        }
        return (listed, try top.delegations)
    }

    /// A delegated role's version and bytes: those from before where nothing about it changed and that is wanted.
    private func delegated(
        _ role: String, _ files: [String: [UInt8]], _ expires: UTCDate
    ) async throws -> (Int64, [UInt8]) {
        let key = try key(role)
        if keepsUnchangedRoles, let last = unchanged[role], last.files == files, last.key.publicKey == key.publicKey {
            return (last.version, last.bytes)
        }
        let end = expiredRoles.contains(role) ? expires.adding(seconds: -3_600) : expires
        var header = header(role, end, nil)
        if paddedRoles.contains(role) {
            header.otherMembers["x-padding"] = .string(String(repeating: "a", count: 1 << 20))
        }
        let content = Targets(header: header, targets: try writeTargets(files))
        let bytes = try await sign(content, role)
        unchanged[role] = (files, key, content.version, bytes)
        return (content.version, bytes)
    }

    /// The group that a team is in: the first byte of the SHA-256 of its name, modulo 32.
    package static func group(of team: String) -> String {
        let index = Int(HashAlgorithm.sha256.digest(of: Array(team.utf8))[0]) % 32
        return index < 10 ? "teams-0\(index)" : "teams-\(index)"
    }

    /// Delegations and the keys that they need.
    private struct DelegationList {
        private var ring = KeyRing()
        private var roles: [Delegation] = []
        private(set) var patterns: [String] = []

        mutating func add(_ role: String, _ signer: PrivateKey, _ paths: [String]) throws {
            let key = try Key(signer.publicKey)
            ring.add(key)
            roles.append(
                Delegation(
                    name: try RoleName(role), keys: try RoleKeys([key.id], threshold: 1),
                    paths: paths.map { PathPattern($0) }))
            patterns += paths
        }

        var delegations: Delegations { get throws { try Delegations(keys: ring, roles: roles) } }
    }

    private func change(teams: [FleetSettings.Team], enforcers: [FleetSettings.EnforcerSetting]? = nil) {
        settings = FleetSettings(
            fleet: name, fleetID: id, teams: teams, enforcers: enforcers ?? settings.enforcers,
            freshness: settings.freshness, inexpressible: settings.inexpressible)
    }

    private func delegatedTargets() throws -> [(String, [String: [UInt8]])] {
        var roles: [(String, [String: [UInt8]])] = [
            ("deny", [DenyDocument.documentName: deny]),
            ("revocation", [RevocationIndex.documentName: try RevocationIndex(lists: []).publishedBytes()]),
        ]
        if let ops { roles.append(("ops", [OpsSettings.documentName: try ops.publishedBytes()])) }
        return roles + teams.sorted { $0.key < $1.key }.map { ($0.key.rawValue, $0.value) }
    }

    func header(_ role: String, _ expires: UTCDate, _ issued: UTCDate?) -> MetadataHeader {
        let version = (versions[role] ?? 0) + 1
        versions[role] = version
        let stamp = issued.map { FleetStamp(fleet: (stampedID ?? id).rawValue, issued: $0) }
        return MetadataHeader(version: version, expires: expires, stamp: stamp)
    }

    private func sign<Content: RoleMetadata>(
        _ content: Content, _ role: String, _ signer: PrivateKey? = nil
    ) async throws -> [UInt8] {
        var draft = try MetadataDraft(content)
        let right = try signer ?? key(role)
        try await draft.sign(with: badlySignedRoles.contains(role) ? try PrivateKey.generate(.ed25519) : right)
        return draft.bytes
    }

    /// Gives a role's next file the version after this one.
    package func set(version: Int64, of role: String) { versions[role] = version }

    func key(_ role: String) throws -> PrivateKey {
        if let key = keys[role] { return key }
        let key = try PrivateKey.generate(.ed25519)
        keys[role] = key
        return key
    }

    private func writeTargets(_ files: [String: [UInt8]]) throws -> [TargetName: TargetFile] {
        var targets: [TargetName: TargetFile] = [:]
        for (name, bytes) in files {
            let target = try TargetName(name)
            let file = TargetFile(content: bytes)
            targets[target] = file
            if missingTargets.contains(name) { continue }
            try write(bytes, "targets/\(target.path(hashPrefix: file.hashes.fileNamePrefix))")
        }
        return targets
    }

    func write(_ bytes: [UInt8], _ path: String) throws {
        let place = "\(directory)/fleets/\(name)/\(path)"
        try Files.createDirectory(Files.parent(of: place))
        try Files.write(bytes, to: place)
    }
}
