import Codecs
import Dispatch
import Files

/// The append-only record of every decision. Entries that arrive together are written and synced together.
actor DecisionLog {
    /// Where an entry stands.
    struct Receipt: Sendable {
        let sequence: Int64
        let hash: String
    }

    private let executor = BlockingExecutor(label: "roadstead.signer.log")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let file: AppendFile
    private let head: String?
    private let clock: @Sendable () -> UTCDate
    private var trail: (sequence: Int64, hash: String)
    private var waiting: [(content: JSONObject, CheckedContinuation<Receipt, any Error>)] = []
    private var failure: SignerError?

    /// Opens the log and follows it from its first entry.
    ///
    /// - Parameters:
    ///   - head: where the end of the log is written again, on a disk of its own.
    ///   - remember: is given every entry.
    /// - Returns: also whether a torn line was found and marked.
    /// - Throws: `.brokenLog` when the chain does not hold, or does not reach what the head tells of.
    static func open(
        _ path: String, head: String? = nil, clock: @escaping @Sendable () -> UTCDate, remember: (LogEntry) -> Void
    ) throws -> (log: DecisionLog, wasTorn: Bool) {
        let file = try AppendFile(path)
        let found = try follow(path, head, remember)
        var (sequence, hash) = (found.sequence, found.hash)
        if found.isOpenEnded { try file.append([0x0A]) }
        if let torn = found.unfinished {
            let marker = LogEntry(LogTrail.marker(of: torn, time: clock()), sequence: sequence + 1, after: hash)
            try file.append([0x0A] + marker.line)
            (sequence, hash) = (marker.sequence, marker.hash)
        }
        try head.map { try LogHead(count: sequence, hash: hash, time: clock()).write(to: $0) }
        return (DecisionLog(file, head, clock, sequence, hash), found.unfinished != nil)
    }

    private init(
        _ file: sending AppendFile, _ head: String?, _ clock: @escaping @Sendable () -> UTCDate, _ sequence: Int64,
        _ hash: String
    ) {
        (self.file, self.head, self.clock) = (file, head, clock)
        trail = (sequence, hash)
    }

    /// Reads the log and holds it against its head. A log that has entries has a head, or somebody took it away.
    private static func follow(_ path: String, _ head: String?, _ body: (LogEntry) -> Void) throws -> LogTrail {
        guard let head else { return try LogTrail.read(path, body) }
        guard Files.exists(head) else {
            let trail = try LogTrail.read(path, body)
            guard trail.sequence == 0 else {
                throw SignerError(
                    .brokenLog, "the decision log has \(trail.sequence) entries, and its head \(head) is missing",
                    hint: "if the setting is new: roadstead-signer log head \(path) > \(head)")
            }
            return trail
        }
        var search = HeadSearch(try LogHead(reading: head))
        let trail = try LogTrail.read(path) { entry in
            search.take(entry)
            body(entry)
        }
        try search.check(trail)
        return trail
    }

    /// Records an entry; returns once it is on disk.
    ///
    /// - Throws: `.log` when it is not, for good: after a failed write nobody knows what is on disk.
    func record(_ content: JSONObject) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            waiting.append((content, continuation))
            // Those who asked meanwhile stand before this task in the queue, so they are in the same write.
            if waiting.count == 1 { Task { self.flush() } }
        }
    }

    /// Whether decisions can be recorded.
    var problem: String? { failure?.reason }

    /// How many entries it has.
    var entries: Int64 { trail.sequence }

    private func flush() {
        let taken = waiting
        waiting = []
        var batch: [CheckedContinuation<Receipt, any Error>] = []
        var (bytes, receipts): ([UInt8], [Receipt]) = ([], [])
        var (sequence, hash) = trail
        for (content, continuation) in taken {
            let entry = LogEntry(content, sequence: sequence + 1, after: hash)
            let line = entry.line
            guard line.count <= LogEntry.maximumLine else {
                continuation.resume(
                    throwing: SignerError(.log, "a decision of \(line.count) bytes is more than the log can read again")
                )
                continue
            }
            (sequence, hash) = (entry.sequence, entry.hash)
            bytes += line
            receipts.append(Receipt(sequence: sequence, hash: hash))
            batch.append(continuation)
        }
        do throws(FileError) {
            if failure == nil {
                try file.append(bytes)
                if let head { try LogHead(count: sequence, hash: hash, time: clock()).write(to: head) }
            }
        } catch {
            failure = SignerError(.log, "a decision could not be recorded: \(error.reason)", hint: error.hint)
        }
        if let failure {
            for continuation in batch { continuation.resume(throwing: failure) }
            return
        }
        trail = (sequence, hash)
        for (continuation, receipt) in zip(batch, receipts) { continuation.resume(returning: receipt) }
    }
}

/// Runs an actor's jobs one at a time on a dispatch queue of their own, so that waiting holds no cooperative thread.
private final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
