import Codecs
package import TrustModel

/// What a private key that the server holds is for.
package enum KeyPlace: Sendable, Hashable {
    /// One role of one fleet: timestamp, snapshot, targets, deny, revocation or ops.
    case role(String, of: FleetID)
    case team(TeamName)
}

/// A private key of the server's as it is stored, bound to its place.
package struct ServerKeyRecord: Sendable, Equatable {
    /// Where the private half is.
    package enum Home: Sendable, Hashable {
        /// Here, encrypted.
        case sealed([UInt8])
        /// In a token or a service, under this name; with what the key's fleet is called now, which is not kept.
        case named(String, fleet: FleetName?)
    }

    package let key: PublicKeyRecord
    package let place: KeyPlace
    package let home: Home

    package init(key: PublicKeyRecord, place: KeyPlace, home: Home) {
        self.key = key
        self.place = place
        self.home = home
    }

    package init(key: PublicKeyRecord, place: KeyPlace, sealed: [UInt8]) {
        self.init(key: key, place: place, home: .sealed(sealed))
    }

    package var sealed: [UInt8]? { if case .sealed(let bytes) = home { bytes } else { nil } }
    package var name: String? { if case .named(let name, _) = home { name } else { nil } }
}

/// A team's role as it was signed, for every fleet that takes the team's content.
package struct TeamRoleRecord: Sendable, Equatable {
    package let team: TeamName
    package let version: Int64
    package let bytes: [UInt8]
    /// The content that it says; nil for one from before contents were numbered.
    package let contentNumber: Int64?

    package init(team: TeamName, version: Int64, bytes: [UInt8], contentNumber: Int64?) {
        self.team = team
        self.version = version
        self.bytes = bytes
        self.contentNumber = contentNumber
    }
}

/// A release to be recorded.
package struct NewRelease: Sendable {
    package let number: Int64
    package let kind: ReleaseRecord.Kind
    /// The digest of the release before; nil for the first.
    package let previousDigest: String?
    package let difference: [String]
    /// Published changes that it brings to the fleet.
    package let changes: [Int64]
    /// Teams whose role stays as it was: what changed in their stores comes with a later release.
    package let held: [TeamName]

    package init(
        number: Int64, kind: ReleaseRecord.Kind, previousDigest: String?, difference: [String], changes: [Int64],
        held: [TeamName] = []
    ) {
        self.number = number
        self.kind = kind
        self.previousDigest = previousDigest
        self.difference = difference
        self.changes = changes
        self.held = held
    }
}

/// Everything that a release is made from, read in one state of the database.
package struct FleetState: Sendable {
    package let content: FleetContent
    /// Every root in order.
    package let roots: [PublishedFile]
    /// The newest published metadata of each role but root, by role; a removed team's stays.
    package let current: [String: PublishedFile]
    /// The highest version ever given out, by role: in this fleet, and of teams anywhere.
    package let counters: [String: Int64]
    /// Of each team of the fleet: the number of the content that the fleet takes.
    package let contentNumbers: [TeamName: Int64]
    /// Of each team of the fleet: the newest signed role with that content.
    package let teamRoles: [TeamName: TeamRoleRecord]
    /// The keys that the server holds for the fleet and its teams, one for each purpose; those of a pending ceremony
    /// already take the place of the ones before.
    package private(set) var keys: [ServerKeyRecord]
    /// Keys whose place others take by the pending ceremony, for signing beside them until its release is out.
    package private(set) var formerKeys: [ServerKeyRecord]
    /// Published changes of the fleet's teams that no release of the fleet has brought yet.
    package let changes: [Int64]
    /// The last published release.
    package let last: ReleaseRecord?
    /// A release on its way that has to be finished first.
    package let unfinished: ReleaseRecord?
    /// A closed ceremony whose result comes out with the next release.
    package private(set) var pending: PendingCeremony?
    /// What the holders of the targets keys signed last.
    package private(set) var signedTargets: SignedTargetsRecord?
    /// Who signs for the teams that are in their own custody.
    package let teamQuorums: [TeamName: TeamQuorumRecord]
    /// Teams in the server's custody whose members have not signed the version that hands over yet.
    package let handingBack: Set<TeamName>
    /// Why nothing may be published at the moment; nil as a rule.
    package let halt: String?
    /// How far the audit log has come, for the next release to countersign.
    package let auditHead: AuditHead

    /// A root that is signed and not visible yet.
    package var pendingRoot: [UInt8]? { pending?.root }

    /// As if the closed ceremony were not there: what goes on when its result cannot be published, and what another
    /// ceremony starts from.
    package var withoutPending: FleetState {
        guard let pending else { return self }
        var state = self
        let kept = keys.filter { !pending.keyIDs.contains($0.key.keyID) }
        let places = Set(kept.map(\.place))
        state.keys = kept + formerKeys.filter { !places.contains($0.place) }
        state.formerKeys = formerKeys.filter { places.contains($0.place) }
        state.pending = nil
        if pending.versions["targets"] != nil { state.signedTargets = nil }
        return state
    }
}

/// A closed ceremony of a fleet that no release has taken in yet.
package struct PendingCeremony: Sendable, Equatable {
    package let id: Int64
    package let root: [UInt8]?
    /// The root follows none: hosts enrol again.
    package let startsOver: Bool
    package let targetsOnline: Bool
    /// Keys that the server made for it.
    package let keyIDs: [String]
    /// Versions that it signed, by role.
    package let versions: [String: Int64]
}

/// Targets as their keys' holders signed them, and the groups of teams, each the newest there is.
package struct SignedTargetsRecord: Sendable, Equatable {
    package let bytes: [UInt8]
    package let groups: [String: [UInt8]]
    /// Target files that they list.
    package let files: [NewFile]
}
