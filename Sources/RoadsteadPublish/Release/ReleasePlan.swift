package import Codecs
import TUF
package import TrustModel

/// Why a role is signed.
package enum SigningReason: String, Sendable, Comparable {
    /// It was never signed before.
    case new
    /// It says something else now.
    case changed
    /// Other keys speak for it now.
    case keys
    /// It would expire.
    case renewed

    private var rank: Int { self == .new ? 0 : self == .changed ? 1 : self == .keys ? 2 : 3 }
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rank < rhs.rank }
}

/// What a release would sign, found out without a key: nothing, when all that is published still says what it should.
package struct ReleasePlan: Sendable {
    package let content: FleetContent
    package let state: PublishedState
    /// The time that will be signed.
    package let now: UTCDate
    /// The roles to sign, by name.
    package let reasons: [String: SigningReason]
    /// Paths of the target files now published that `ReleaseBuilder.build` reads to say what changed.
    package let oldTargetPaths: [String]

    /// When the first of the roles that are kept has to be signed again.
    package let nextDue: UTCDate
    /// Teams that stay as they are published, or out of the release, and why.
    package let held: [HeldTeam]
    /// What the content says and hosts will not learn before people have held a ceremony, a line each.
    package let waiting: [String]
    /// Teams that are out with other keys than should speak for them.
    package let otherKeys: [TeamName]
    /// The keys it was made for.
    let keys: FleetKeys.Identity
    let roles: [PlannedRole]
    /// Team roles that were signed for another fleet and come in as they are.
    let adopted: [PlannedRole]
    let targets: PlannedRole
    let snapshot: PlannedSnapshot
    let timestampSigners: [RoleKey]
    /// The root that comes out with the release.
    let enteringRoot: SignedMetadata<Root>?
    /// What the hosts are to be told about the fleet and its teams.
    let settings: FleetSettings
    /// Whether the server signs the fleet's own role; otherwise people do, and the settings may not be out yet.
    let signsTargets: Bool

    package var isEmpty: Bool { reasons.isEmpty }

    /// What kind of release it would be; nil when there is nothing to publish.
    package var kind: BuiltRelease.Kind? {
        if isEmpty { return nil }
        if snapshot.reason == nil { return .timestamp }
        return contentDiffers ? .release : .renewal
    }

    /// Whether any listing of target files or delegations differs, snapshot and timestamp apart.
    let contentDiffers: Bool
}

/// A targets role as it is to be: kept or signed anew.
struct PlannedRole: Sendable {
    let name: String
    let content: Targets
    /// The bytes to publish when it is not signed anew.
    let kept: [UInt8]?
    let reason: SigningReason?
    /// Target files that the fleet's repository may lack.
    let files: [BuiltFile]
    let team: TeamName?
    /// The keys that sign it.
    let signers: [RoleKey]
    /// When there is something to do about it although nothing changes.
    let due: UTCDate
}

/// The snapshot as it is to be; each role's version is known before any is signed.
struct PlannedSnapshot: Sendable {
    let content: Snapshot
    let kept: [UInt8]?
    let reason: SigningReason?
    let signers: [RoleKey]
}
