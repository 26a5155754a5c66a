import Codecs
import TUF
package import TrustModel

/// Reads how far the audit log had come out of snapshots that a fleet's keys have signed.
package struct AuditCountersignature: Sendable {
    private let fleet: FleetName
    private let fleetID: FleetID
    /// The newest first.
    private let roots: [SignedMetadata<Root>]
    /// The first release that is signed with the fleet's keys, of those that were read.
    private var firstSigned: Int64?
    /// Releases that are not, as those of a fleet from before it started over: they prove nothing.
    package private(set) var unsigned: [Int64] = []

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

    /// The head that a release carries; nil for one from before releases carried any, and for one that nothing of the
    /// fleet's keys vouches for any more, because it is from before the fleet started over. Those are `unsigned`.
    ///
    /// - Throws: when a release of the fleet as it is now is not signed with its keys, whichever is read first.
    package mutating func head(in snapshot: [UInt8], release: Int64) throws -> SignedAuditHead? {
        let file = try UnverifiedMetadata<Snapshot>(snapshot, maximumBytes: PublishingLimits.snapshotBytes)
        guard let root = roots.first(where: { (try? $0.content.quorum(for: .snapshot).verify(file)) != nil }) else {
            unsigned.append(release)
            try checkOrder()
            return nil
        }
        let content = try root.content.quorum(for: .snapshot).verify(file).content
        guard content.version == release, let stamp = content.stamp, stamp.fleet == fleetID.rawValue else {
            throw PublishError(.rejected, "what stands for release \(release) of fleet \(fleet) is another one")
        }
        firstSigned = min(firstSigned ?? release, release)
        try checkOrder()
        guard let json = stamp.otherMembers[AuditHead.member] else { return nil }
        return SignedAuditHead(head: try AuditHead(json), fleet: fleet, release: release, issued: stamp.issued)
    }

    /// To be asked when every release was read.
    ///
    /// - Throws: when none of them is signed with the fleet's keys.
    package func finish() throws {
        guard firstSigned == nil, let last = unsigned.max() else { return }
        throw notSigned(last)
    }

    /// A fleet starts over once and for all: what comes after its first release that is signed is signed too.
    private func checkOrder() throws {
        guard let last = unsigned.max() else { return }
        guard roots.last?.content.startsOver == true, firstSigned.map({ last < $0 }) ?? true else {
            throw notSigned(last)
        }
    }

    private func notSigned(_ release: Int64) -> PublishError {
        PublishError(
            .rejected, "release \(release) of fleet \(fleet) is not signed with the fleet's keys",
            hint: "a published file was changed: compare it with what a host or a backup holds")
    }
}
