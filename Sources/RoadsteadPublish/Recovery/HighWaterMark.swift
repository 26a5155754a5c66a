import Codecs
import TUF
package import TrustModel

/// How far a fleet's publication had come when a replica last looked: it proves itself, since it carries the signed
/// files that say so.
package struct HighWaterMark: Sendable, Equatable {
    package let fleet: FleetID
    /// Every role's version as it was published.
    package let seen: [SeenVersion]
    package let root: [UInt8]
    package let timestamp: [UInt8]
    package let snapshot: [UInt8]

    /// Reads the mark off the files that are about to be served.
    ///
    /// - Parameter role: the bytes of a listed role, by path below the fleet; nil where they are not at hand.
    /// - Throws: when they are not metadata of a fleet.
    package init(
        root: [UInt8], timestamp: [UInt8], snapshot: [UInt8], role: (String) throws -> [UInt8]? = { _ in nil }
    ) throws {
        let limits = MetadataLimits()
        let rootFile = try UnverifiedMetadata<Root>(root, maximumBytes: limits.rootBytes).unverifiedContent
        let time = try UnverifiedMetadata<Timestamp>(timestamp, maximumBytes: limits.timestampBytes).unverifiedContent
        let list = try UnverifiedMetadata<Snapshot>(snapshot, maximumBytes: limits.listedBytes).unverifiedContent
        guard let stamp = time.stamp else { throw TUFError(.wrongFleet, "the timestamp names no fleet") }
        fleet = try FleetID(stamp.fleet)
        var seen = [
            SeenVersion(role: "root", version: rootFile.version, bytes: root),
            SeenVersion(role: "timestamp", version: time.version, bytes: timestamp),
            SeenVersion(role: "snapshot", version: list.version, bytes: snapshot),
        ]
        let listed = [("targets", list.targets.version)] + list.delegated.map { ($0.key.text, $0.value.version) }
        for (name, version) in listed.sorted(by: { $0.0 < $1.0 }) {
            let bytes = try role("metadata/\(version).\(name).json")
            seen.append(SeenVersion(role: name, version: version, sha256: bytes.map { hexSHA256($0) }))
        }
        self.seen = seen
        (self.root, self.timestamp, self.snapshot) = (root, timestamp, snapshot)
    }

    /// The path of the snapshot that a timestamp lists; nil when it is none.
    package static func snapshotPath(in timestamp: [UInt8]) -> String? {
        let metadata = try? UnverifiedMetadata<Timestamp>(timestamp, maximumBytes: MetadataLimits().timestampBytes)
        return metadata.map { "metadata/\($0.unverifiedContent.snapshot.version).snapshot.json" }
    }

    /// The files as evidence, which has to verify like any other.
    package func evidence(source: String) -> MetadataEvidence {
        MetadataEvidence(source: source, roots: [root], files: ["timestamp": timestamp, "snapshot": snapshot])
    }

    // MARK: On disk

    private struct Stored: Codable {
        struct Role: Codable {
            let role: String
            let version: Int64
            let sha256: String?
        }

        let schema: Int
        let fleet: FleetID
        let roles: [Role]
        let root: String
        let timestamp: String
        let snapshot: String
    }

    package init(parsing bytes: [UInt8]) throws {
        let stored = try JSON(parsing: bytes).decode(Stored.self, place: "high-water mark")
        fleet = stored.fleet
        seen = stored.roles.map { SeenVersion(role: $0.role, version: $0.version, sha256: $0.sha256) }
        root = try Base64.decode(stored.root)
        timestamp = try Base64.decode(stored.timestamp)
        snapshot = try Base64.decode(stored.snapshot)
    }

    package func fileBytes() throws -> [UInt8] {
        let stored = Stored(
            schema: 1, fleet: fleet,
            roles: seen.map { Stored.Role(role: $0.role, version: $0.version, sha256: $0.sha256) },
            root: Base64.encode(root), timestamp: Base64.encode(timestamp), snapshot: Base64.encode(snapshot))
        return try JSON(encoding: stored).bytes
    }
}
