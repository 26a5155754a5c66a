/// Published files in memory, bounded: two generations, of which the older is dropped when the younger is full.
struct FileCache {
    /// Bytes of both generations together; a file of more than an eighth is not kept.
    let limit: Int
    private var young: [String: ServedFile] = [:]
    private var old: [String: ServedFile] = [:]
    private var youngBytes = 0

    init(limit: Int) { self.limit = limit }

    /// What a file costs beside its bytes, roughly.
    private static let overhead = 512

    mutating func file(_ path: String) -> ServedFile? {
        if let file = young[path] { return file }
        guard let file = old[path] else { return nil }
        insert(file, path)
        return file
    }

    mutating func insert(_ file: ServedFile, _ path: String) {
        guard file.count <= limit / 8, young[path] == nil else { return }
        if youngBytes + file.count + Self.overhead > limit / 2 {
            old = young
            young = [:]
            youngBytes = 0
        }
        young[path] = file
        youngBytes += file.count + Self.overhead
    }
}
