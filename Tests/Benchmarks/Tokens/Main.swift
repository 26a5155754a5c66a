import SigningKeys
import TokenKeys
import TokenLoop
import TokenWire

/// Measures what our way to a token costs above a loop in C on the same module, key and token. Usage: RoadsteadTokenBench
/// MODULE PIN HELPER [KEY...], with a token "roadstead" that has keys p256, p384, p521, rsa2048, rsa3072 and rsa4096; the
/// module finds it through its own environment.
@main
enum Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 3 else { return print("usage: RoadsteadTokenBench MODULE PIN HELPER [KEY...]") }
        let bench = Bench(
            module: arguments[0], pin: arguments[1], helper: arguments[2], labels: Array(arguments.dropFirst(3)))
        try Loop.open(bench)
        defer { token_loop_close() }
        try await bench.printSingles()
        print("")
        try await bench.printSideBySide()
    }
}

/// A key of the token, and how many signatures a block of it has: about as long for each.
struct Subject {
    let label: String
    let name: String
    let isRSA: Bool
    let block: Int

    var scheme: SignatureScheme { isRSA ? .rsaPSS(.sha256) : .ecdsa(.sha256, .fixed) }

    static let all = [
        Subject(label: "p256", name: "P-256", isRSA: false, block: 200),
        Subject(label: "p384", name: "P-384", isRSA: false, block: 20),
        Subject(label: "p521", name: "P-521", isRSA: false, block: 40),
        Subject(label: "rsa2048", name: "RSA-2048 PSS", isRSA: true, block: 20),
        Subject(label: "rsa3072", name: "RSA-3072 PSS", isRSA: true, block: 6),
        Subject(label: "rsa4096", name: "RSA-4096 PSS", isRSA: true, block: 3),
    ]
}

struct Bench {
    let module: String
    let pin: String
    let helper: String
    /// The keys that are measured; none means all.
    let labels: [String]

    private var subjects: [Subject] { Subject.all.filter { labels.isEmpty || labels.contains($0.label) } }

    static let message = [UInt8](repeating: 7, count: 200)
    private static let rounds = 60

    /// C and ours by turns, in blocks so short that both see the same machine: medians of the blocks' medians, and of what
    /// ours were above C's; how far the best blocks are apart, which is what a machine without other work has; and the
    /// processors' time for each signature.
    func printSingles() async throws {
        print(
            "| key | C, µs | Roadstead, µs | above it, µs | best above best, µs | C, CPU µs | Roadstead, CPU µs | check, µs |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for subject in subjects {
            try Loop.choose(subject)
            let (key, connection) = try await open(subject)
            guard let id = await connection.helperProcessID else { continue }
            var (theirs, ours, checks): ([Double], [Double], [Double]) = ([], [], [])
            var (theirWork, ourWork) = (0.0, 0.0)
            for round in 0..<Self.rounds {
                let start = Processors.used()
                theirs.append(Self.median(try Loop.sign(subject.block)))
                theirWork += Processors.used() - start
                let before = Processors.used() + Processors.used(by: id)
                ours.append(Self.median(try await Self.block(key, subject)))
                // The work of a process that still runs is not counted yet.
                try await Task.sleep(for: .milliseconds(2))
                ourWork += Processors.used() + Processors.used(by: id) - before
                if round.isMultiple(of: 10) { checks += try await Self.checks(key, subject) }
            }
            let each = 1e6 / Double(Self.rounds * subject.block)
            let above = Self.median(zip(ours, theirs).map { $0 - $1 })
            report(
                subject.name,
                [Self.median(theirs), Self.median(ours), above, (ours.min() ?? 0) - (theirs.min() ?? 0)]
                    + [theirWork * each, ourWork * each, Self.median(checks)])
        }
    }

    /// One and two sessions in C, one, two and four callers of ours, in signatures a second.
    func printSideBySide() async throws {
        print("| key | C, one | C, two threads | Roadstead, one | two callers | four callers |")
        print("|---|---|---|---|---|---|")
        for subject in subjects where ["p256", "rsa3072"].contains(subject.label) {
            try Loop.choose(subject)
            let (key, _) = try await open(subject)
            var rates = [[Double]](repeating: [], count: 5)
            for _ in 0..<Self.rounds / 6 {
                for (index, threads) in [1, 2].enumerated() {
                    rates[index].append(try Loop.rate(subject.block, threads: threads))
                }
                for (index, callers) in [1, 2, 4].enumerated() {
                    rates[index + 2].append(try await Self.rate(key, subject, callers: callers))
                }
            }
            report(subject.name, rates.map(Self.median))
        }
    }

    private func open(_ subject: Subject) async throws -> (TokenKey, TokenConnection) {
        let settings = TokenSettings(module: module, program: helper) { [pin] _ in Secret(pin) }
        let uri = try TokenURI("pkcs11:token=roadstead;object=\(subject.label)")
        let connection = TokenConnection(uri, settings)
        let key = try await TokenKey(uri, on: connection)
        _ = try await verifiedSignature(by: key, over: Self.message, scheme: subject.scheme)
        return (key, connection)
    }

    private func report(_ what: String, _ values: [Double]) {
        let cells = values.map { $0 < 100 ? "\(($0 * 10).rounded() / 10)" : "\(Int($0.rounded()))" }
        print("| \(([what] + cells).joined(separator: " | ")) |")
    }

    private static func block(_ key: TokenKey, _ subject: Subject) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<subject.block { times.append(try await sign(key, subject)) }
        return times
    }

    private static func sign(_ key: TokenKey, _ subject: Subject) async throws -> Double {
        let start = ContinuousClock.now
        _ = try await key.signature(over: message, scheme: subject.scheme)
        return microseconds(since: start)
    }

    /// What the check of each signature costs, which is always made and is no part of the way to the token.
    private static func checks(_ key: TokenKey, _ subject: Subject) async throws -> [Double] {
        let signature = try await key.signature(over: message, scheme: subject.scheme)
        return (0..<20).map { _ in
            let start = ContinuousClock.now
            let isValid = key.publicKey.isValid(signature: signature, over: message, scheme: subject.scheme)
            precondition(isValid, "the token made a wrong signature")
            return microseconds(since: start)
        }
    }

    private static func rate(_ key: TokenKey, _ subject: Subject, callers: Int) async throws -> Double {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<callers {
                group.addTask { for _ in 0..<subject.block { _ = try await sign(key, subject) } }
            }
            try await group.waitForAll()
        }
        return Double(callers * subject.block) * 1e6 / microseconds(since: start)
    }

    private static func microseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .microseconds(1)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
