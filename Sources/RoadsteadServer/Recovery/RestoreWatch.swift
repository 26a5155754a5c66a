import RoadsteadPublish
import RoadsteadStore
import TrustModel

/// What the watch asks of the database.
protocol KnownPublications: Sendable {
    func known(_ seen: [SeenVersion], of fleet: FleetName) async throws -> KnownVersions
    func roots(of fleet: FleetName) async throws -> [[UInt8]]
}

/// Notices that the database is behind what was published, as one is that was restored from a backup.
///
/// Only what the fleet's own keys have signed counts: neither a foreign file nor a host's word stops a fleet.
struct RestoreWatch: Sendable {
    let database: any KnownPublications

    /// Says what a mark has that the database lacks; nil when there is nothing, or nothing that verifies.
    ///
    /// - Parameter mark: read before the database was, so that a publication in between is not taken for a restore.
    func finding(_ mark: HighWaterMark, of fleet: FleetName, _ id: FleetID, source: String) async throws -> String? {
        guard mark.fleet == id else { return nil }
        let known = try await database.known(mark.seen, of: fleet)
        guard !Lead(of: mark.seen, over: known).isEmpty else { return nil }
        return try await finding(mark.evidence(source: source), of: fleet, id, onOwnDisk: true)?.sentence
    }

    struct Finding: Sendable {
        let branch: PublishedBranch
        let sentence: String
    }

    /// What verifies of some evidence and is ahead of the database; nil when there is no such thing.
    func finding(
        _ evidence: MetadataEvidence, of fleet: FleetName, _ id: FleetID, onOwnDisk: Bool
    ) async throws -> Finding? {
        let roots = try await database.roots(of: fleet)
        guard let branch = try? PublishedBranch(evidence, roots: roots, fleet: id, trustsOwnRoots: onOwnDisk) else {
            return nil
        }
        let known = try await database.known(branch.seen, of: fleet)
        let lead = Lead(of: branch.seen, over: known)
        guard !lead.isEmpty else { return nil }
        return Finding(branch: branch, sentence: lead.sentence(source: evidence.source, known: known))
    }
}

extension PublishedFiles: KnownPublications {
    func known(_ seen: [SeenVersion], of fleet: FleetName) async throws -> KnownVersions {
        let records = try await versions(seen.map { ($0.role, $0.version) }, of: fleet)
        return KnownVersions(digests: records.digests, highest: records.highest)
    }

    func roots(of fleet: FleetName) async throws -> [[UInt8]] {
        let files: [PublishedFile] = try await roots(of: fleet)
        return files.map(\.bytes)
    }
}
