import Codecs
import Files
import Glibc
import PKI

/// What an authority has issued and revoked, as its register tells.
struct CARegister {
    /// Nil where the authority has no register yet.
    private(set) var opening: RegisterOpening?
    /// In the order in which they were made.
    private(set) var certificates: [IssuedCertificate] = []
    /// In the order in which they were first revoked.
    private(set) var revocations: [CertificateRevocation] = []
    private(set) var lastList: IssuedList?
    /// Bytes of the file up to the end of its last whole line.
    fileprivate var wholeBytes = 0
    private var wholeLines = 0
    /// Whether the file goes on behind them.
    fileprivate var isTorn = false
    private var issuedPositions: [String: Int] = [:]
    private var revokedPositions: [String: Int] = [:]

    static let fileName = "register.jsonl"
    /// Longer than the line of any honest certificate.
    private static let maximumLine = 4 << 20

    /// Reads the register of an authority; one that is not there is empty.
    ///
    /// A last line without its end was being written when the machine stopped; what it would have told of was never
    /// given out, so it counts for nothing.
    static func read(_ path: String, key: String) throws -> CARegister {
        var register = CARegister()
        guard Files.exists(path) else { return register }
        try Files.readLines(path, limit: maximumLine) { try register.read($0, isWhole: $1, path, key) }
        return register
    }

    private init() {}

    private mutating func read(_ line: [UInt8], isWhole: Bool, _ path: String, _ key: String) throws {
        guard isWhole else { return isTorn = true }
        wholeLines += 1
        wholeBytes += line.count + 1
        do {
            try take(try RegisterRecord(line), key)
        } catch let error as CodecError {
            throw CommandError(
                .environment, "\(path) cannot be used: line \(wholeLines): \(error.reason)",
                hint: "lines are only ever added to it; restore it from a backup")
        }
    }

    private mutating func take(_ record: RegisterRecord, _ key: String) throws {
        if case .opened(let value) = record {
            guard opening == nil else { throw CodecError(.value, "the register begins twice") }
            guard value.keySHA256 == key else { throw CodecError(.value, "the register is that of another authority") }
        } else if opening == nil {
            throw CodecError(.value, "the register does not say where it begins")
        }
        try add(record)
    }

    fileprivate mutating func add(_ record: RegisterRecord) throws {
        switch record {
        case .opened(let value): opening = value
        case .issued(let value):
            guard issuedPositions.updateValue(certificates.count, forKey: value.serial) == nil else {
                throw CodecError(.value, "the serial number \(value.serial) was issued twice")
            }
            certificates.append(value)
        case .revoked(let value):
            if let position = revokedPositions[value.serial] {
                revocations[position] = value
            } else {
                revokedPositions[value.serial] = revocations.count
                revocations.append(value)
            }
        case .list(let value):
            guard value.number > lastList?.number ?? 0 else {
                throw CodecError(.value, "the revocation list \(value.number) does not follow those before it")
            }
            lastList = value
        }
    }

    /// Whether nothing was issued before the register began.
    var isComplete: Bool { opening?.isComplete ?? false }

    func certificate(_ serial: String) -> IssuedCertificate? { issuedPositions[serial].map { certificates[$0] } }

    func revocation(of serial: String) -> CertificateRevocation? { revokedPositions[serial].map { revocations[$0] } }

    /// Why a key is not to be certified again, where one of its certificates was revoked because somebody else has it.
    func compromise(ofKey keySHA256: String) -> CertificateRevocation? {
        revocations.first { $0.keySHA256 == keySHA256 && [.keyCompromise, .cACompromise].contains($0.reason) }
    }
}

/// The register of an authority while something is added to it; nobody else can meanwhile.
///
/// What ``append(_:)`` has returned from is on disk, so that it can be given out.
final class CARegisterFile {
    private(set) var register: CARegister
    private let file: AppendFile
    private let opening: RegisterOpening

    /// Waits up to ten seconds for another command to finish.
    ///
    /// - Parameter opening: how a register begins that is not there yet.
    init(_ directory: String, opening: RegisterOpening) throws {
        let path = "\(directory)/\(CARegister.fileName)"
        file = try Self.open(path, attempts: 200)
        register = try CARegister.read(path, key: opening.keySHA256)
        self.opening = opening
    }

    private static func open(_ path: String, attempts: Int) throws -> AppendFile {
        do {
            return try AppendFile(path)
        } catch {
            guard error.code == .locked else { throw error }
            guard attempts > 1 else {
                throw CommandError(
                    .environment, "another command is at work with the authority of \(path)",
                    hint: "try again when it has ended")
            }
            usleep(50_000)
            return try open(path, attempts: attempts - 1)
        }
    }

    /// Adds a record, behind the beginning where there was none, in place of a line that was never finished.
    func append(_ record: RegisterRecord) throws {
        let records = register.opening == nil ? [.opened(opening), record] : [record]
        var changed = register
        for record in records { try changed.add(record) }
        let lines = try records.flatMap { try $0.line() }
        if register.isTorn { try file.truncate(to: register.wholeBytes) }
        try file.append(lines)
        changed.wholeBytes += lines.count
        changed.isTorn = false
        register = changed
    }
}
