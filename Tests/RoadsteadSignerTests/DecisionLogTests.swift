import Codecs
import Files
import Testing

@testable import RoadsteadSigner

/// The chain of decisions, and what shows when somebody touches it.
@Suite struct DecisionLogTests {
    private static let now = UTCDate(seconds: 1_795_000_000)

    /// A log with entries, and its lines.
    private func withLog(_ count: Int = 6, _ body: (_ path: String, _ lines: [String]) async throws -> Void)
        async throws
    {
        let directory = "/tmp/roadstead-signer-log.\(UInt64.random(in: 0 ... .max))"
        try Files.createDirectory(directory, mode: 0o700)
        do {
            let path = directory + "/log"
            try await fill(path, count)
            try await body(path, try lines(path))
            try Files.removeTree(directory)
        } catch {
            try? Files.removeTree(directory)
            throw error
        }
    }

    private func fill(_ path: String, _ count: Int) async throws {
        let (log, wasTorn) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
        #expect(!wasTorn)
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<count {
                group.addTask { try await log.record(JSONObject([("number", .integer(Int64(number)))])).sequence }
            }
            var sequences: Set<Int64> = []
            for try await sequence in group { sequences.insert(sequence) }
            #expect(sequences == Set((0..<count).map { Int64($0 + 1) }))
        }
    }

    private func lines(_ path: String) throws -> [String] {
        String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func write(_ lines: [String], _ path: String, end: String = "\n") throws {
        try Files.write(Array((lines.joined(separator: "\n") + end).utf8), to: path, mode: 0o600)
    }

    @Test func `entries are chained in the order of their writing, and read again`() async throws {
        try await withLog(200) { path, lines in
            #expect(lines.count == 200)
            var seen: [Int64] = []
            let trail = try LogTrail.read(path) { seen.append($0.sequence) }
            #expect(seen == Array(1...200))
            #expect(trail.sequence == 200)
        }
    }

    @Test func `a log goes on where it ended`() async throws {
        try await withLog { path, _ in
            let (log, _) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            #expect(try await log.record(JSONObject([("a", 1)])).sequence == 7)
            #expect(try LogTrail.read(path).sequence == 7)
        }
    }

    @Test func `an entry that could not be read again is not written`() async throws {
        try await withLog { path, _ in
            let (log, _) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            async let before = log.record(JSONObject([("a", 1)]))
            let large = JSONObject([("a", .string(String(repeating: "x", count: LogEntry.maximumLine)))])
            await #expect(throws: SignerError(.log, "")) { _ = try await log.record(large) }
            _ = try await before
            #expect(try await log.record(JSONObject([("b", 1)])).sequence == 8)
            #expect(await log.problem == nil)
            #expect(try LogTrail.read(path).sequence == 8)
        }
    }

    @Test func `one process writes`() async throws {
        try await withLog { path, _ in
            let first = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            #expect(throws: FileError(.locked, "")) { _ = try DecisionLog.open(path, clock: { Self.now }) { _ in } }
            _ = try await first.log.record(JSONObject())
        }
    }

    struct Tampering: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout [String]) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout [String]) -> Void) {
            testDescription = name
            self.change = change
        }
    }

    static let tamperings = [
        Tampering("a value altered") { $0[2] = $0[2].replacing(#""number":"#, with: #""number":1"#) },
        Tampering("a line removed") { $0.remove(at: 2) },
        Tampering("the first line removed") { $0.remove(at: 0) },
        Tampering("two lines swapped") { $0.swapAt(2, 3) },
        Tampering("a line doubled") { $0.insert($0[2], at: 2) },
        Tampering("a blank put in") { $0[2] = $0[2].replacing(":", with: ": ") },
        Tampering("the last line altered") { $0[5] = $0[5].replacing(#""number":"#, with: #""number":1"#) },
        Tampering("the last two lines altered") { lines in
            for index in 4...5 { lines[index] = lines[index].replacing(#""number":"#, with: #""number":1"#) }
        },
        Tampering("a line of nonsense") { $0.insert("nonsense", at: 3) },
        Tampering("an empty line") { $0.insert("", at: 3) },
    ]

    @Test(arguments: tamperings)
    func `a log that was touched is refused`(_ tampering: Tampering) async throws {
        try await withLog { path, lines in
            var lines = lines
            tampering.change(&lines)
            try write(lines, path)
            #expect(throws: SignerError(.brokenLog, "")) { _ = try LogTrail.read(path) }
            #expect(throws: SignerError(.brokenLog, "")) {
                _ = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            }
        }
    }

    @Test func `a torn last line is marked, and the log goes on after it`() async throws {
        try await withLog { path, lines in
            for cut in [1, 40, lines[5].utf8.count - 1] {
                let torn = String(decoding: Array(lines[5].utf8).prefix(cut), as: UTF8.self)
                try write(Array(lines[..<5]) + [torn], path, end: "")
                let (log, wasTorn) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
                #expect(wasTorn)
                _ = try await log.record(JSONObject([("a", 1)]))
                let trail = try LogTrail.read(path)
                #expect(trail.sequence == 7)
                #expect(trail.unfinished == nil)
            }
        }
    }

    @Test func `an entry whose line was not ended stays an entry`() async throws {
        try await withLog { path, lines in
            try write(lines, path, end: "")
            let (log, wasTorn) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            #expect(!wasTorn)
            #expect(try await log.record(JSONObject([("a", 1)])).sequence == 7)
            #expect(try LogTrail.read(path).sequence == 7)
        }
    }

    @Test func `a machine may stop again while it marks`() async throws {
        try await withLog { path, lines in
            try write(Array(lines[..<5]) + ["{\"seq", "{\"sequence\":6,"], path, end: "")
            let (log, wasTorn) = try DecisionLog.open(path, clock: { Self.now }) { _ in }
            #expect(wasTorn)
            _ = try await log.record(JSONObject([("a", 1)]))
            #expect(try LogTrail.read(path).sequence == 7)
        }
    }

    @Test func `a marked line cannot be altered later`() async throws {
        try await withLog { path, lines in
            try write(Array(lines[..<5]) + ["{\"sequence\":6,"], path, end: "")
            _ = try await DecisionLog.open(path, clock: { Self.now }) { _ in }.log.record(JSONObject())
            var changed = try self.lines(path)
            changed[5] += "x"
            try write(changed, path)
            #expect(throws: SignerError(.brokenLog, "")) { _ = try LogTrail.read(path) }
        }
    }

    @Test func `lines cut off at the end show against a hash that was kept`() async throws {
        try await withLog { path, lines in
            let last = try #require(LogEntry(line: Array(lines[5].utf8)))
            #expect(try SignerProcess.run(["log", "verify", path, "--contains", last.hash]).status == 0)
            try write(Array(lines[..<5]), path)
            #expect(try SignerProcess.run(["log", "verify", path]).status == 0)
            let (status, output) = try SignerProcess.run(["log", "verify", path, "--contains", last.hash])
            #expect(status == 1)
            #expect(output.contains(last.hash))
        }
    }

    // MARK: the head that is kept elsewhere

    private func open(_ path: String) throws -> DecisionLog {
        try DecisionLog.open(path, head: path + ".head", clock: { Self.now }) { _ in }.log
    }

    @Test func `the head tells of every entry before its decision is given out`() async throws {
        try await withLog(0) { path, _ in
            let log = try open(path)
            for _ in 0..<3 {
                let receipt = try await log.record(JSONObject())
                let head = try LogHead(reading: path + ".head")
                #expect(head == LogHead(count: receipt.sequence, hash: receipt.hash, time: Self.now))
            }
            let (status, output) = try SignerProcess.run(["log", "verify", path, "--head", path + ".head"])
            #expect(status == 0, "\(output)")
        }
    }

    @Test func `a log that is shorter than its head is refused, and so is one written anew`() async throws {
        try await withLog(0) { path, _ in
            var log: DecisionLog? = try open(path)
            for number in 0..<4 { _ = try await log?.record(JSONObject([("ours", .integer(Int64(number)))])) }
            log = nil
            let whole = try lines(path)
            for kept in 0..<4 {
                try write(Array(whole.prefix(kept)), path, end: kept == 0 ? "" : "\n")
                #expect(throws: SignerError(.brokenLog, "")) { _ = try open(path) }
            }
            try Files.removeTree(path)
            try await fill(path, 9)
            #expect(throws: SignerError(.brokenLog, "")) { _ = try open(path) }
            let (status, output) = try SignerProcess.run(["log", "verify", path, "--head", path + ".head"])
            #expect(status == 1)
            #expect(output.contains("another entry 4"))
            try write(whole, path)
            #expect(try await open(path).record(JSONObject()).sequence == 5)
        }
    }

    @Test func `a log with entries needs its head, which a command writes`() async throws {
        try await withLog(3) { path, _ in
            #expect(throws: SignerError(.brokenLog, "")) { _ = try open(path) }
            try Files.write(Array("3 nonsense".utf8), to: path + ".head")
            #expect(throws: SignerError(.brokenLog, "")) { _ = try open(path) }
            let (status, output) = try SignerProcess.run(["log", "head", path])
            #expect(status == 0)
            try Files.write(Array(output.utf8), to: path + ".head")
            #expect(try await open(path).record(JSONObject()).sequence == 4)
        }
    }

    @Test func `a decision whose head cannot be written is not given out`() async throws {
        try await withLog(0) { path, _ in
            let folder = path + ".elsewhere"
            try Files.createDirectory(folder)
            let (log, _) = try DecisionLog.open(path, head: folder + "/head", clock: { Self.now }) { _ in }
            try Files.removeTree(folder)
            await #expect(throws: SignerError(.log, "")) { _ = try await log.record(JSONObject()) }
            #expect(await log.problem != nil)
        }
    }
}
