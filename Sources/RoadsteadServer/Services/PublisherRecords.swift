import Codecs
import RoadsteadPublish
import RoadsteadStore
import TUF
import TrustModel

extension PublishedState {
    /// What the database says was published.
    init(_ state: FleetState) {
        let top: Set<String> = ["timestamp", "snapshot", "targets"]
        self.init(
            roots: state.roots.map(\.bytes), timestamp: state.current["timestamp"]?.bytes,
            snapshot: state.current["snapshot"]?.bytes, targets: state.current["targets"]?.bytes,
            delegated: state.current.filter { !top.contains($0.key) }.mapValues(\.bytes),
            counters: state.counters,
            teamRoles: state.teamRoles.mapValues {
                SignedTeamRole(team: $0.team, version: $0.version, bytes: $0.bytes)
            })
    }
}

extension SealedKey {
    init(_ record: SealedKeyRecord) throws {
        let purpose: KeyPurpose =
            switch record.place {
            case .role(let role, let fleet): try KeyPurpose(fleet: fleet, role: role)
            case .team(let team): .team(team)
            }
        try self.init(purpose: purpose, key: try JSON(parsing: record.key.keyObject), sealed: record.sealed)
    }
}

extension SealedKeyRecord {
    init(_ key: SealedKey) throws {
        let place: KeyPlace =
            switch key.purpose {
            case .fleet(let fleet, let role): .role(role.rawValue, of: fleet)
            case .team(let team): .team(team)
            }
        self.init(key: try PublicKeyRecord(key.key), place: place, sealed: key.sealed)
    }
}
