import Files
import Glibc
package import OCI
import SigningKeys

/// An OCI image layout in a directory.
package struct LayoutDirectory: LayoutStore {
    private let path: String

    package init(_ path: String) { self.path = path }

    package func layoutFile() throws -> [UInt8]? { try read("\(path)/oci-layout", limit: 4_096) }

    package func index() throws -> [UInt8]? { try read("\(path)/index.json", limit: OCILimit.indexBytes) }

    package func blob(_ digest: Digest, limit: Int) throws -> [UInt8]? { try read(file(of: digest), limit: limit) }

    package func write(_ bytes: [UInt8], as digest: Digest) throws {
        let file = file(of: digest)
        guard !Files.exists(file) else { return }
        try Files.createDirectory(Files.parent(of: file))
        try Files.write(bytes, to: file)
    }

    /// Waits up to ten seconds for another writer to finish.
    package func updateIndex(_ change: ([UInt8]?) throws -> [UInt8]) throws {
        let lock = try lock(attempts: 200)
        try Files.write(try change(try index()), to: "\(path)/index.json")
        _ = consume lock
    }

    private func lock(attempts: Int) throws(FileError) -> FileLock {
        do {
            return try FileLock("\(path)/.roadstead.lock")
        } catch {
            guard error.code == .locked, attempts > 1 else { throw error }
            usleep(50_000)
            return try lock(attempts: attempts - 1)
        }
    }

    private func file(of digest: Digest) -> String { "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    private func read(_ file: String, limit: Int) throws(FileError) -> [UInt8]? {
        do throws(FileError) { return try Files.read(file, limit: limit) } catch  where error.code == .notFound {
            return nil
        }
    }
}
