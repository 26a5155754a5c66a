import Codecs
import RoadsteadPublish
import RoadsteadStore
import SigningKeys
import TUF
import TrustModel

extension PublishedState {
    /// What the database says was published.
    init(_ state: FleetState) {
        let top: Set<String> = ["timestamp", "snapshot", "targets"]
        let isFirst = state.firstRoot != nil
        self.init(
            roots: isFirst ? [state.pendingRoot].compactMap { $0 } : state.roots.map(\.bytes),
            timestamp: state.current["timestamp"]?.bytes,
            snapshot: state.current["snapshot"]?.bytes, targets: state.current["targets"]?.bytes,
            delegated: state.current.filter { !top.contains($0.key) }.mapValues(\.bytes),
            counters: state.counters,
            teamRoles: state.teamRoles.mapValues {
                SignedTeamRole(team: $0.team, version: $0.version, bytes: $0.bytes)
            }, pendingRoot: isFirst ? nil : state.pendingRoot,
            signedTargets: state.signedTargets.map(SignedTargets.init))
    }
}

extension FleetState {
    /// The first root of a fleet while it waits for the first release; later ones follow a root that is out.
    var firstRoot: NewFile? {
        guard roots.isEmpty, let pending, let root = pending.root, let version = pending.versions["root"] else {
            return nil
        }
        return NewFile(path: "metadata/\(version).root.json", bytes: root, role: "root", version: version)
    }

    /// Whether the server speaks for the targets role, as the newest root has it.
    var targetsOnline: Bool {
        get throws {
            if let pending { return pending.targetsOnline }
            return try roots.last.map { try RootSummary($0.bytes).targetsOnline } ?? true
        }
    }
}

extension SignedTargets {
    init(_ record: SignedTargetsRecord) {
        self.init(
            bytes: record.bytes, groups: record.groups,
            files: record.files.map { BuiltFile(targetPath: $0.path, bytes: $0.bytes) })
    }
}

extension ServerKey {
    init(_ record: ServerKeyRecord) throws {
        let purpose: KeyPurpose =
            switch record.place {
            case .role(let role, let fleet): try KeyPurpose(fleet: fleet, role: role)
            case .team(let team): .team(team)
            }
        let home: Home =
            switch record.home {
            case .sealed(let bytes): .sealed(bytes)
            case .named(let name, let fleet): .named(try KeyName(name), fleet: fleet)
            }
        try self.init(purpose: purpose, key: try JSON(parsing: record.key.keyObject), home: home)
    }
}

extension ServerKeyRecord {
    init(_ key: ServerKey) throws {
        let place: KeyPlace =
            switch key.purpose {
            case .fleet(let fleet, let role): .role(role.rawValue, of: fleet)
            case .team(let team): .team(team)
            }
        let home: Home =
            switch key.home {
            case .sealed(let bytes): .sealed(bytes)
            case .named(let name, let fleet): .named(name.text, fleet: fleet)
            }
        self.init(key: try PublicKeyRecord(key.key), place: place, home: home)
    }
}
