import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

/// `audit verify`: every hash anew, on this machine, and what the fleets have signed of the log.
struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that no entry was altered, removed, reordered or cut off.",
        discussion: """
            Reads the log from the server, or from an export with --file, and computes every hash here. Each release of a
            fleet carries how far the log had come, signed with the fleet's online key: whoever rewrites the log without
            that key cannot agree with those releases. Whoever holds the database and that key can sign old releases
            anew; the end that is remembered on this machine from the last time, and exports that are kept elsewhere,
            still show it. Entries after the last signed one and after the last verification can be cut off unseen.

            Who may read a part of the log only has that part looked at, and is told how much is missing (exit status 3).
            """)
    @Option(help: ArgumentHelp("An export instead of the server's log; - for standard input.", valueName: "file"))
    var file: String?
    @Option(help: "Only what this fleet has signed; all fleets unless given. Once for each.", transform: FleetName.init)
    var fleet: [FleetName] = []
    @Option(
        help: ArgumentHelp("SHA-256 of any root of the one fleet, if none is remembered here.", valueName: "digest"))
    var rootSHA256: String?
    @Flag(help: "Ask no server: verify the file alone.") var offline = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if offline, file == nil { throw ValidationError("--offline is about a --file") }
        if offline, !fleet.isEmpty { throw ValidationError("--offline looks at no fleet") }
        if rootSHA256 != nil, fleet.count != 1 { throw ValidationError("--root-sha256 is of one --fleet") }
    }

    func run() async throws {
        var verification: LogVerification
        if offline {
            verification = LogVerification(heads: [], isWhole: false)
            try verification.read(file: file ?? "-")
        } else {
            verification = try await connection.withClient { try await verify($0) }
        }
        let result = verification.result
        try connection.show(result) { result in
            let word = result.intact ? "intact" : result.broken == nil ? "each as it was made" : "NOT intact"
            Terminal.show("\(result.entries) entries up to \(result.last), \(word)")
            if result.partial {
                Terminal.show(
                    "  \(result.unread) entries before that are not yours to read, and of what came after it nothing is "
                        + "known: whether any was altered or removed cannot be told")
            }
            if let broken = result.broken { Terminal.show("  \(broken)") }
            if let signed = result.countersigned {
                Terminal.show(
                    "  release \(signed.release) of fleet \(signed.fleet) has signed entry \(signed.sequence); "
                        + "\(result.last - signed.sequence) came after it")
            } else {
                Terminal.show("  no release of a fleet was held against it")
            }
        }
        guard result.broken == nil else { throw ExitCode(ExitStatus.refused) }
        guard !result.partial else {
            Terminal.note(
                "the log was not verified as a whole: you may read a part of it (hint: roadstead can-i read audit; or "
                    + "verify an auditor's export with --file)")
            throw ExitCode(ExitStatus.environment)
        }
    }

    private func verify(_ client: APIClient) async throws -> LogVerification {
        let heads = try await SignedHeads(client: client, rootSHA256: rootSHA256).read(of: fleet)
        let store = try ProfileStore()
        let mark = try store.auditMark(of: client.server)
        let partial = file == nil ? try await !readsEverything(client) : false
        var verification = LogVerification(heads: heads, isWhole: file == nil, isPartial: partial, mark: mark)
        if let file {
            try verification.read(file: file)
        } else {
            try await verification.read(from: client)
            if verification.broken == nil, !partial, verification.last.sequence > 0 {
                let mark = ProfileStore.AuditMark(
                    sequence: verification.last.sequence, hash: Hex.encode(verification.last.hash))
                try store.remember(mark, of: client.server)
            }
        }
        return verification
    }

    private func readsEverything(_ client: APIClient) async throws -> Bool {
        let answers: Page<AccessBody> = try await client.get("/v1/can-i", [("verb", "read"), ("object", "audit")])
        return !answers.items.isEmpty && answers.items.allSatisfy(\.allowed)
    }
}

/// What came of verifying a log.
struct AuditVerdict: Encodable {
    let entries: Int64
    /// Number of the last good entry.
    let last: Int64
    let head: String
    /// Whether nothing is wrong with a log that was read as a whole, or with a part of it that somebody exported.
    let intact: Bool
    /// Whether entries were left out because they are not the caller's to read.
    let partial: Bool
    /// How many of them before the last that was read.
    let unread: Int64
    let broken: String?
    let countersigned: CountersignedHead?
}

/// Follows a log as it is read.
struct LogVerification {
    private var trail: AuditTrail
    private let heads: [SignedAuditHead]
    private let isWhole: Bool
    private let isPartial: Bool
    private let mark: ProfileStore.AuditMark?
    private(set) var broken: AuditTrail.Break?
    private var hasBegun = false
    private var progress = Progress()

    /// - Parameters:
    ///   - isWhole: whether the log is all there is; a part begins anywhere and ends anywhere.
    ///   - isPartial: whether entries are left out that are not the reader's.
    ///   - mark: what was its end when it was verified here the last time.
    init(
        heads: [SignedAuditHead], isWhole: Bool, isPartial: Bool = false, mark: ProfileStore.AuditMark? = nil
    ) {
        trail = AuditTrail(heads: heads, mayLack: isPartial)
        self.heads = heads
        self.isWhole = isWhole && !isPartial
        self.isPartial = isPartial
        self.mark = mark
    }

    var last: AuditHead { trail.last }

    var result: AuditVerdict {
        AuditVerdict(
            entries: trail.entries, last: trail.last.sequence, head: Hex.encode(trail.last.hash),
            intact: broken == nil && !isPartial, partial: isPartial, unread: trail.unread, broken: broken?.reason,
            countersigned: trail.countersigned.map {
                CountersignedHead(
                    sequence: $0.head.sequence, hash: Hex.encode($0.head.hash), fleet: $0.fleet, release: $0.release,
                    issued: $0.issued)
            })
    }

    mutating func read(from client: APIClient) async throws {
        var cursor: String?
        repeat {
            let page: Page<AuditEventBody> = try await client.get("/v1/audit", [("limit", "1000"), ("cursor", cursor)])
            for event in page.items where broken == nil { try take(event) }
            cursor = page.next
        } while cursor != nil && broken == nil
        end()
    }

    mutating func read(file path: String) throws {
        var lines = try LineReader(path)
        while broken == nil, let line = try lines.next() {
            let event: AuditEventBody
            do { event = try JSON(parsing: line).decode(place: path) } catch {
                throw RemoteError(.file, "line \(lines.number) of \(path) is no audit event: \(error)")
            }
            try take(event)
        }
        end()
    }

    private mutating func take(_ event: AuditEventBody) throws {
        let entry = try event.entry
        if !hasBegun, !isWhole, !isPartial, entry.sequence > 1, entry.previousHash.count == AuditHead.hashBytes {
            trail = AuditTrail(after: AuditHead(sequence: entry.sequence - 1, hash: entry.previousHash), heads: heads)
        }
        hasBegun = true
        broken = trail.take(entry)
        progress.note(trail.entries)
        guard broken == nil, let mark, mark.sequence == entry.sequence, mark.hash != event.hash else { return }
        broken = AuditTrail.Break(
            sequence: entry.sequence,
            reason: "entry \(entry.sequence) is another than the one that was verified here before")
    }

    private mutating func end() {
        guard broken == nil else { return }
        broken = trail.end(at: nil, isWhole: isWhole)
        guard broken == nil, isWhole, let mark, mark.sequence > trail.last.sequence else { return }
        broken = AuditTrail.Break(
            sequence: trail.last.sequence + 1,
            reason: "the log ends at entry \(trail.last.sequence), and entry \(mark.sequence) was verified here before")
    }
}

/// Says how far a long task has come, from its third second on.
struct Progress {
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    mutating func note(_ count: Int64) {
        guard count % 1_000 == 0, case let now = ContinuousClock.now, now - start > .seconds(2),
            now - shown > .seconds(1)
        else { return }
        shown = now
        Terminal.note("\(count) entries so far")
    }
}

/// Lines of a text file, read in pieces.
struct LineReader {
    private static let longest = 1 << 20
    private let handle: FileHandle
    private let path: String
    private var buffer: ArraySlice<UInt8> = []
    private var isAtEnd = false
    private(set) var number = 0

    init(_ path: String) throws {
        self.path = path
        guard path != "-" else {
            handle = .standardInput
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw RemoteError(.file, "cannot read \(path)")
        }
        self.handle = handle
    }

    /// The next line without its end; nil after the last.
    mutating func next() throws -> [UInt8]? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[..<end])
                buffer = buffer[(end + 1)...]
                number += 1
                if line.isEmpty { continue }
                return line
            }
            guard buffer.count <= Self.longest else {
                throw RemoteError(.file, "line \(number + 1) of \(path) is longer than \(Self.longest) bytes")
            }
            guard !isAtEnd, let piece = try handle.read(upToCount: 1 << 16), !piece.isEmpty else {
                isAtEnd = true
                guard !buffer.isEmpty else { return nil }
                throw RemoteError(
                    .file, "\(path) breaks off in line \(number + 1)",
                    hint: "the export was not complete: make it again")
            }
            buffer = ArraySlice(Array(buffer) + piece)
        }
    }
}
