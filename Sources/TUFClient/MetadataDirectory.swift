import Files
import Problems
import TUF

/// The verified metadata of one repository on disk: one file for each role, with the bytes as received.
///
/// Beside `root.json` and its like it holds `initial.root`, the root that the administrator gave, from which a
/// damaged cache is built anew, and `lock`. What is read from it counts as untrusted input.
struct MetadataDirectory: Sendable {
    static let initialRoot = "initial.root"
    static let lock = "lock"

    let path: String

    /// Makes the root the one where trust begins. A root that was there before is replaced.
    func initialise(_ root: [UInt8]) throws {
        try Files.createDirectory(path)
        let lock = try FileLock(file(Self.lock))
        try removeLeftovers()
        // A run that stops between the two starts from the old root or from the new one, never from none.
        try Files.write(root, to: file(Self.initialRoot))
        try Files.write(root, to: file(Role.root.fileName))
        withExtendedLifetime(lock) {}
    }

    /// The root where trust begins.
    func initialRoot(limit: Int) throws -> [UInt8]? {
        do { return try Files.read(file(Self.initialRoot), limit: limit, links: .refused) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    /// A role's file; nil when there is none, or something that is no file of ours is in its place.
    func load(_ role: Role, maximumBytes: Int) -> [UInt8]? {
        try? Files.read(file(role.fileName), limit: maximumBytes, links: .refused)
    }

    func persist(_ role: Role, _ bytes: [UInt8]) throws { try Files.write(bytes, to: file(role.fileName)) }

    func delete(_ role: Role) throws {
        let path = file(role.fileName)
        guard Files.exists(path) else { return }
        try Files.remove(path)
        try Files.syncDirectory(self.path)
    }

    /// Removes what a killed run left half written. Only under the lock.
    func removeLeftovers() throws {
        for name in try Files.list(path) where name.hasPrefix(".") && name.hasSuffix(".tmp") {
            try Files.remove(file(name))
        }
    }

    func file(_ name: String) -> String { path + "/" + name }
}
