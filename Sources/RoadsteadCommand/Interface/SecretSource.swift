import Files
import Glibc
package import SigningKeys

/// Where a passphrase or PIN comes from; never from the command line itself, nor from a URI.
package enum SecretSource: Sendable {
    /// Somebody is asked, without showing what is typed.
    case terminal
    /// The first line of a file that only its owner can read.
    case file(String)
    /// It was read already, such as from a file descriptor, which gives it once only.
    case given(Secret)

    static func options(_ kind: String, _ meaning: String) -> [Option] {
        [
            .value("\(kind)-file", "FILE", "read \(meaning) from the first line of a file that only you can read"),
            .value("\(kind)-fd", "N", "read \(meaning) from an open file descriptor"),
        ]
    }

    /// Reads which of the options of one kind is given; at most one may be.
    init(_ invocation: Invocation, _ kind: String) throws {
        let names = Self.options(kind, "").map(\.name).filter(invocation.has)
        guard names.count <= 1 else {
            throw CommandError(.usage, "--\(names[0]) and --\(names[1]) exclude each other")
        }
        if let file = invocation["\(kind)-file"] {
            self = .file(file)
        } else if invocation.has("\(kind)-fd") {
            self = try .reading(descriptor: try invocation.integer("\(kind)-fd", in: 0...1_023, default: 0))
        } else {
            self = .terminal
        }
    }

    /// What lies ready in an open descriptor.
    package static func reading(descriptor number: Int) throws(CommandError) -> SecretSource {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < limit, unsafe Glibc.read(Int32(number), &byte, 1) == 1, byte != UInt8(ascii: "\n") {
            bytes.append(byte)
        }
        return .given(try firstLine(of: &bytes, "file descriptor \(number)"))
    }

    /// The secret; nil where somebody should be asked and there is no terminal.
    ///
    /// - Parameter again: whether a new secret is made, so that what is typed is asked for twice.
    package func secret(_ prompt: String, again: Bool = false, on console: Console) throws -> Secret? {
        switch self {
        case .terminal: return try Self.asked(prompt, again: again, console)
        case .given(let secret): return secret
        case .file(let path):
            var bytes = try Files.readSecret(path, limit: Self.limit)
            return try Self.firstLine(of: &bytes, "the file \(path)")
        }
    }

    /// Whether nobody needs to be asked.
    package var isReady: Bool { if case .terminal = self { false } else { true } }

    private static let limit = 4_096

    private static func asked(_ prompt: String, again: Bool, _ console: Console) throws -> Secret? {
        guard var first = console.askSecret("\(prompt): ") else { return nil }
        let secret = Secret(wiping: &first)
        guard again else { return secret }
        guard var second = console.askSecret("once more: "), Secret(wiping: &second) == secret else {
            throw CommandError(.environment, "the two secrets differ")
        }
        return secret
    }

    private static func firstLine(of bytes: inout [UInt8], _ place: String) throws(CommandError) -> Secret {
        var line = Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
        _ = Secret(wiping: &bytes)
        guard !line.isEmpty else { throw CommandError(.environment, "\(place) holds no secret in its first line") }
        return Secret(wiping: &line)
    }
}
