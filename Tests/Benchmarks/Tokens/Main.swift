import PKCS11Kit
import SigningKeys
import TokenKeys
import TokenWire

/// Measures what our way to a token costs above the PKCS#11 module alone. Usage: RoadsteadTokenBench MODULE PIN HELPER, with
/// a token "roadstead" that has keys p256, rsa2048 and rsa3072; the module finds it through its own environment.
@main
enum Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 3 else { return print("usage: RoadsteadTokenBench MODULE PIN HELPER") }
        let bench = Bench(module: arguments[0], pin: arguments[1], helper: arguments[2])
        print("| key, callers | module alone, µs | Roadstead, µs | overhead, µs | ratio | signatures per second |")
        print("|---|---|---|---|---|---|")
        try await bench.row("p256", .p256, signatures: 4_000)
        try await bench.row("rsa2048", .rsa, signatures: 300)
        try await bench.row("rsa3072", .rsa, signatures: 120)
    }
}

/// Which mechanism a key is measured with.
enum Kind {
    case p256, rsa

    var mechanism: SigningMechanism { self == .p256 ? .ecdsa : .rsaPSS(.sha256) }
    var scheme: SignatureScheme { self == .p256 ? .ecdsa(.sha256, .fixed) : .rsaPSS(.sha256) }
}

struct Bench {
    let module: String
    let pin: String
    let helper: String

    /// The module and ours by turns, so that both see the same machine; medians of all.
    func row(_ label: String, _ kind: Kind, signatures: Int) async throws {
        let raw = try RawToken(module: module, pin: pin, label: label)
        let key = try await key(label)
        var (alone, ours): ([Double], [Double]) = ([], [])
        for _ in 0..<20 {
            for _ in 0..<signatures / 20 {
                alone.append(try raw.sign(kind.mechanism))
            }
            for _ in 0..<signatures / 20 { ours.append(try await Self.sign(key, kind.scheme)) }
        }
        report("\(label), one", Self.median(alone), Self.median(ours), perSecond: 1e6 / Self.median(ours))
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<signatures / 4 { _ = try await Self.sign(key, kind.scheme) } }
            }
            try await group.waitForAll()
        }
        let each = Self.microseconds(since: start) / Double(signatures)
        report("\(label), four at once", Self.median(alone), each, perSecond: 1e6 / each)
        raw.end()
    }

    private func key(_ label: String) async throws -> TokenKey {
        let settings = TokenSettings(module: module, program: helper) { [pin] _ in Secret(pin) }
        let uri = try TokenURI("pkcs11:token=roadstead;object=\(label)")
        return try await TokenKey(uri, on: TokenConnection(uri, settings))
    }

    private func report(_ what: String, _ alone: Double, _ ours: Double, perSecond: Double) {
        func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
        let cells = [what, text(alone), text(ours), text(ours - alone), text(ours / alone), "\(Int(perSecond))"]
        print("| \(cells.joined(separator: " | ")) |")
    }

    private static func sign(_ key: TokenKey, _ scheme: SignatureScheme) async throws -> Double {
        let start = ContinuousClock.now
        _ = try await key.signature(over: message, scheme: scheme)
        return microseconds(since: start)
    }

    static func microseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .microseconds(1)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    static let message = [UInt8](repeating: 7, count: 200)
}

/// The module in this process, a session and a key's handle kept: what a loop in C would do.
struct RawToken {
    private let module: Module
    private let session: Session
    private let key: KeyObject
    private let digest = HashAlgorithm.sha256.digest(of: Bench.message)

    init(module path: String, pin: String, label: String) throws {
        module = try Module(path: path)
        let tokens = try module.tokens().filter { $0.label == "roadstead" }
        session = try Session(module, tokens[0], .readOnly)
        try session.logIn(pin: Array(pin.utf8))
        key = try session.keys(KeyFilter(label: label), .private).keys[0]
    }

    func sign(_ mechanism: SigningMechanism) throws -> Double {
        let start = ContinuousClock.now
        _ = try session.sign(digest, with: key, mechanism, pin: nil)
        return Bench.microseconds(since: start)
    }

    func end() { module.finalize() }
}
