import Codecs
import Files
import SigningKeys

/// Follows a decision log from its first line and stops at the first thing that is wrong with it.
struct LogTrail: Sendable {
    private(set) var sequence: Int64 = 0
    private(set) var hash = LogEntry.beginning
    /// A line that the machine did not finish before it stopped; the next one must say so.
    private var torn: [UInt8]?

    /// Whether the last entry lacks the end of its line, which a crash cut off.
    private(set) var isOpenEnded = false

    /// What a crash left at the end, to be marked before anything else is written.
    var unfinished: [UInt8]? { torn }

    /// Takes the next line, without its end.
    ///
    /// - Throws: `.brokenLog`, with the line before which the log is whole.
    mutating func take(_ line: [UInt8], isWhole: Bool) throws(SignerError) -> LogEntry? {
        guard let entry = LogEntry(line: line) else {
            // A machine can stop once more while it marks what it left before.
            torn = torn.map { $0 + [0x0A] + line } ?? line
            guard (torn?.count ?? 0) <= LogEntry.maximumLine else { throw broken("lines that are no entries") }
            return nil
        }
        if let torn {
            guard entry.members["event"]?.stringOrNil == Self.tornEvent,
                entry.members["tornSHA256"]?.stringOrNil == Self.digest(torn)
            else { throw broken("a line that was changed, or is no entry") }
            self.torn = nil
        }
        guard entry.sequence == sequence + 1 else {
            throw broken("entry \(entry.sequence) where \(sequence + 1) belongs")
        }
        guard entry.previous == hash else { throw broken("an entry that was not made after the one before it") }
        (sequence, hash, isOpenEnded) = (entry.sequence, entry.hash, !isWhole)
        return entry
    }

    /// Reads a whole file. The last line may be torn; a torn line anywhere else must be followed by its marker.
    static func read(_ path: String, _ body: (LogEntry) -> Void = { _ in }) throws -> LogTrail {
        var trail = LogTrail()
        var tornIsWhole = false
        try Files.readLines(path, limit: LogEntry.maximumLine) { line, isWhole in
            if let entry = try trail.take(line, isWhole: isWhole) { body(entry) }
            tornIsWhole = isWhole
        }
        // A line that has its end was written whole: it was changed afterwards.
        if trail.torn != nil, tornIsWhole { throw trail.broken("a line that was changed, or is no entry") }
        return trail
    }

    /// What is written behind a torn line.
    static func marker(of torn: [UInt8], time: UTCDate) -> JSONObject {
        JSONObject([
            ("time", .string(time.description)), ("event", .string(tornEvent)),
            ("tornBytes", .integer(Int64(torn.count))),
            ("tornSHA256", .string(digest(torn))),
        ])
    }

    private static let tornEvent = "torn"

    private static func digest(_ bytes: [UInt8]) -> String { Hex.encode(HashAlgorithm.sha256.digest(of: bytes)) }

    private func broken(_ what: String) -> SignerError {
        SignerError(
            .brokenLog, "after entry \(sequence) the decision log holds \(what)",
            hint:
                "somebody changed, removed or moved lines; keep the file as evidence, and before you begin a new one, which knows of no use, let all approvals expire"
        )
    }
}
