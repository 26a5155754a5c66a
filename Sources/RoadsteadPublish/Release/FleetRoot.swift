import Codecs
import TUF
import TrustModel

/// The root under which a release is made, and which of the keys held here it gives the fleet's roles to.
struct FleetRoot {
    let root: SignedMetadata<Root>
    /// The root that hosts have until now, when this one comes out with the release.
    let previous: SignedMetadata<Root>?
    private let keys: FleetKeys

    init(_ root: SignedMetadata<Root>, entering previous: SignedMetadata<Root>? = nil, _ keys: FleetKeys) {
        self.root = root
        self.previous = previous
        self.keys = keys
    }

    var content: Root { root.content }
    var isEntering: Bool { previous != nil }

    /// The keys that sign for a role: those that the root names, and, while it comes out, those that the root before
    /// names as well, so that a host between the two meets no gap. Nil when the role is not the server's to sign.
    func signers(_ role: FleetRole) -> [RoleKey]? {
        guard let top = TopLevelRole(rawValue: role.rawValue) else { return nil }
        let (now, before) = (content[top], previous?.content[top].keyIDs ?? [])
        let held = keys.held(role)
        let ours = held.filter { now.keyIDs.contains($0.key.id) }
        guard Set(ours.map(\.key.id)).count >= now.threshold else { return nil }
        return ours + held.filter { before.contains($0.key.id) && !now.keyIDs.contains($0.key.id) }
    }

    func require(_ role: FleetRole, of fleet: FleetName) throws -> [RoleKey] {
        guard let signers = signers(role) else {
            throw PublishError(
                .missingKey, "the root of fleet \(fleet) does not give \(role.rawValue) to this server's key",
                hint: "make the next root with the fleet's current keys")
        }
        return signers
    }

    /// Refuses a root of another fleet, an expired one, and one under which this server cannot publish.
    func check(_ content: FleetContent, at now: UTCDate) throws {
        guard self.content.stamp?.fleet == content.id.rawValue else {
            throw PublishError(.content, "the root belongs to another fleet than \(content.fleet)")
        }
        guard !self.content.isExpired(at: now) else {
            throw PublishError(
                .content, "the root of fleet \(content.fleet) expired at \(self.content.expires)",
                hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --key …")
        }
        _ = try require(.timestamp, of: content.fleet)
        _ = try require(.snapshot, of: content.fleet)
    }

    /// Reads the root whose ceremony has closed: it must follow the current one, or start over by its own word.
    static func pending(
        _ bytes: [UInt8], after current: SignedMetadata<Root>, _ keys: FleetKeys, at now: UTCDate
    ) throws -> FleetRoot {
        let next = try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes)
        guard next.unverifiedContent.version - 1 == current.version else {
            throw PublishError(
                .version, "root \(next.unverifiedContent.version) does not follow root \(current.version)")
        }
        let root =
            next.unverifiedContent.startsOver
            ? try SignedMetadata(selfSigned: next) : try current.verifySuccessor(next)
        try checkIssue(root.content.stamp, of: "root", at: now)
        return FleetRoot(root, entering: current, keys)
    }

    /// Refuses what a fast clock has stamped: once it was published, nothing could be signed before its time.
    static func checkIssue(_ stamp: FleetStamp?, of role: String, at now: UTCDate) throws {
        guard let issued = stamp?.issued, issued.seconds - now.seconds > ReleasePlanner.tolerableSkew else { return }
        throw PublishError(
            .clock, "the clock says \(now), and the new \(role) was drafted at \(issued)",
            hint: "set the clocks right, and hold another ceremony unless that time comes soon")
    }
}
