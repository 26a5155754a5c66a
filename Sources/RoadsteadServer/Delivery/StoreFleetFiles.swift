import RoadsteadPublish
import RoadsteadStore
import TrustModel

/// Published files as the database has them.
struct StoreFleetFiles: FleetFileSource {
    let files: PublishedFiles

    func heads() async throws -> [FleetHead] {
        try await files.heads().map {
            FleetHead(fleet: $0.fleet, timestampVersion: $0.timestampVersion, rootVersion: $0.rootVersion)
        }
    }

    func file(_ path: FleetPath) async throws -> [UInt8]? { try await files.file(path.file, of: path.fleet)?.bytes }

    func files(of fleet: FleetName) async throws -> [FleetPath] {
        try await files.paths(of: fleet).compactMap { FleetPath(fleet: fleet, file: $0) }
    }

    /// A fleet that was removed is not served; one that the database does not know any more is.
    func finding(_ mark: HighWaterMark, of fleet: FleetName) async throws -> String? {
        switch try await files.standing(of: fleet) {
        case .removed: nil
        case .unknown: "fleet \(fleet) is not in the database any more"
        case .present(let id):
            try await RestoreWatch(database: files).finding(mark, of: fleet, id, source: "this server's disk")
        }
    }
}
