import OCI
import Synchronization

/// A layout in memory that behaves as one on disk.
final class MemoryLayoutStore: LayoutStore {
    struct Content {
        var layoutFile: [UInt8]?
        var index: [UInt8]?
        var blobs: [Digest: [UInt8]] = [:]
    }

    let content: Mutex<Content>

    init(layoutFile: String? = #"{"imageLayoutVersion":"1.0.0"}"#, index: [UInt8]? = nil) {
        content = Mutex(Content(layoutFile: layoutFile.map { Array($0.utf8) }, index: index))
    }

    func layoutFile() -> [UInt8]? { content.withLock { $0.layoutFile } }
    func index() -> [UInt8]? { content.withLock { $0.index } }
    func blob(_ digest: Digest, limit: Int) -> [UInt8]? { content.withLock { $0.blobs[digest] } }
    func write(_ bytes: [UInt8], as digest: Digest) { content.withLock { $0.blobs[digest] = bytes } }
    func updateIndex(_ change: ([UInt8]?) throws -> [UInt8]) throws {
        let changed = try change(index())
        content.withLock { $0.index = changed }
    }
}
