import Files
package import OCI
import SigningKeys

/// An OCI image layout in a directory, for reading.
package struct LayoutFiles: LayoutStore {
    private let path: String

    package init(_ path: String) { self.path = path }

    package func layoutFile() throws -> [UInt8]? { try read("\(path)/oci-layout", limit: 4_096) }
    package func index() throws -> [UInt8]? { try read("\(path)/index.json", limit: OCILimit.indexBytes) }

    package func blob(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        try read("\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)", limit: limit)
    }

    package func write(_ bytes: [UInt8], as digest: Digest) throws { throw Self.readOnly }
    package func updateIndex(_ change: ([UInt8]?) throws -> [UInt8]) throws { throw Self.readOnly }

    private static let readOnly = OCIError(.layout, "this image layout is only read here")

    private func read(_ file: String, limit: Int) throws(FileError) -> [UInt8]? {
        do throws(FileError) { return try Files.read(file, limit: limit) } catch  where error.code == .notFound {
            return nil
        }
    }
}
