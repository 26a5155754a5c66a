import Codecs
import TUF
package import TrustModel

/// Reads how far the audit log had come out of snapshots that a fleet's keys have signed.
package struct AuditCountersignature: Sendable {
    private let fleet: FleetName
    private let fleetID: FleetID
    /// The newest first.
    private let roots: [SignedMetadata<Root>]

    /// - Parameter roots: each following the one before.
    private init(fleet: FleetName, id: FleetID, roots: [SignedMetadata<Root>]) {
        self.fleet = fleet
        fleetID = id
        self.roots = roots.sorted { $0.version > $1.version }
    }

    /// SHA-256 of the roots whose keys count, lower-case hexadecimal; whoever knows one of them can trust the others.
    package var rootDigests: [String] { roots.map { hexSHA256($0.bytes) } }

    /// Follows the roots of a fleet from the last one that follows no other.
    package init(fleet: FleetName, id: FleetID, rootFiles: [[UInt8]]) throws {
        var roots: [SignedMetadata<Root>] = []
        for bytes in rootFiles {
            let next = try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes)
            if let last = roots.last, !next.unverifiedContent.startsOver {
                roots.append(try last.verifySuccessor(next))
            } else {
                roots = [try SignedMetadata(selfSigned: next)]
            }
        }
        self.init(fleet: fleet, id: id, roots: roots)
    }

    /// The head that a release carries; nil for one from before releases carried any, or before the fleet started over.
    ///
    /// - Throws: when none of the fleet's roots lets the keys speak that have signed it.
    package func head(in snapshot: [UInt8], release: Int64) throws -> SignedAuditHead? {
        let file = try UnverifiedMetadata<Snapshot>(snapshot, maximumBytes: PublishingLimits.snapshotBytes)
        guard let root = roots.first(where: { (try? $0.content.quorum(for: .snapshot).verify(file)) != nil }) else {
            // What the fleet signed before it started over, with keys that nothing vouches for any more, proves nothing.
            if roots.last?.content.startsOver == true { return nil }
            throw PublishError(
                .rejected, "release \(release) of fleet \(fleet) is not signed with the fleet's keys",
                hint: "a published file was changed: compare it with what a host or a backup holds")
        }
        let content = try root.content.quorum(for: .snapshot).verify(file).content
        guard content.version == release, let stamp = content.stamp, stamp.fleet == fleetID.rawValue else {
            throw PublishError(.rejected, "what stands for release \(release) of fleet \(fleet) is another one")
        }
        guard let json = stamp.otherMembers[AuditHead.member] else { return nil }
        return SignedAuditHead(head: try AuditHead(json), fleet: fleet, release: release, issued: stamp.issued)
    }
}
