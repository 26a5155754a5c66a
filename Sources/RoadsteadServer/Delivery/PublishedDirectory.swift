import Files
import TrustModel

/// The published files on disk: served while the database is away, and proof of what was published.
struct PublishedDirectory: Sendable {
    let path: String

    /// Largest file read back.
    static let largestFile = 64 << 20

    func file(_ path: FleetPath) throws -> [UInt8]? {
        do {
            return try Files.read(place(of: path), limit: Self.largestFile, links: .refused)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    func holds(_ path: FleetPath) -> Bool { Files.exists(place(of: path)) }

    /// Durable when it returns.
    func write(_ bytes: [UInt8], _ path: FleetPath) throws {
        let place = place(of: path)
        try Files.createDirectory(Files.parent(of: place))
        try Files.write(bytes, to: place)
    }

    /// The newest root on disk; 0 without one.
    func rootVersion(_ fleet: FleetName) -> Int64 {
        let names = (try? Files.list("\(path)/\(fleet)/metadata")) ?? []
        return names.compactMap { FleetPath(fleet: fleet, file: "metadata/\($0)")?.rootVersion }.max() ?? 0
    }

    private func place(of file: FleetPath) -> String { "\(path)/\(file.fleet)/\(file.file)" }
}
