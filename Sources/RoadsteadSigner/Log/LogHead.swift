import Codecs
import Files

/// The end of a decision log, kept elsewhere: against it a log shows that lines were cut off.
struct LogHead: Sendable, Equatable, CustomStringConvertible {
    let count: Int64
    let hash: String
    let time: UTCDate

    static let maximumBytes = 256

    /// One line: how many entries, the last one's hash, and when that was.
    var description: String { "\(count) \(hash) \(time)" }

    init(count: Int64, hash: String, time: UTCDate) { (self.count, self.hash, self.time) = (count, hash, time) }

    /// - Throws: `.brokenLog` for what is no head.
    init(reading path: String) throws {
        let text = String(decoding: try Files.read(path, limit: Self.maximumBytes), as: UTF8.self)
        let parts = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard parts.count == 3, let count = Int64(parts[0]), count >= 0, let time = try? UTCDate(parts[2]),
            (try? Hex.decode(parts[1]))?.count == 32
        else {
            throw SignerError(
                .brokenLog, "\(path) holds no head of a log", hint: "roadstead-signer log head LOG writes one")
        }
        self.init(count: count, hash: parts[1], time: time)
    }

    func write(to path: String) throws(FileError) {
        try Files.write(Array("\(self)\n".utf8), to: path, mode: 0o600)
    }
}

/// Looks for the entry that a head tells of, while its log is read.
struct HeadSearch {
    let head: LogHead
    private var isFound: Bool

    init(_ head: LogHead) {
        self.head = head
        isFound = head.count == 0 && head.hash == LogEntry.beginning
    }

    mutating func take(_ entry: LogEntry) {
        if entry.sequence == head.count, entry.hash == head.hash { isFound = true }
    }

    /// - Throws: `.brokenLog` when the log, which is whole in itself, does not hold it.
    func check(_ trail: LogTrail) throws(SignerError) {
        guard !isFound else { return }
        let what =
            trail.sequence < head.count
            ? "has \(trail.sequence) entries, and its head of \(head.time) tells of \(head.count)"
            : "has another entry \(head.count) than its head of \(head.time) tells of"
        throw SignerError(
            .brokenLog, "the decision log \(what)",
            hint: "lines were cut off or written anew; keep both files as evidence and begin new ones")
    }
}
