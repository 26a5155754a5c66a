import Files
import Glibc
package import SigningKeys

/// Where a passphrase or PIN comes from; never from the command line itself, nor from a URI.
package enum SecretSource: Sendable {
    /// Somebody is asked, without showing what is typed.
    case terminal
    /// The first line of a file that only its owner can read.
    case file(String)
    /// A credential that systemd gave the service: `$CREDENTIALS_DIRECTORY/NAME`.
    case credential(String)
    /// A key of the type `user` in the kernel's keyrings, which may expire by itself.
    case keyring(String)
    /// The desktop's Secret Service, by attributes and values.
    case secretService([String])
    /// It was read already, such as from a file descriptor, which gives it once only.
    case given(Secret)

    static func options(_ kind: String, _ meaning: String) -> [Option] {
        [
            .value("\(kind)-file", "FILE", "read \(meaning) from the first line of a file that only you can read"),
            .value("\(kind)-fd", "N", "read \(meaning) from an open file descriptor"),
            .value("\(kind)-credential", "NAME", "take \(meaning) from a credential that systemd gave this service"),
            .value("\(kind)-keyring", "NAME", "take \(meaning) from the kernel's keyring"),
            .value(
                "\(kind)-secret-service", "ATTRIBUTES",
                "take \(meaning) from the Secret Service, such as \"service roadstead key team\""),
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
        } else if let name = invocation["\(kind)-credential"] {
            self = try .credential(named: name)
        } else if let name = invocation["\(kind)-keyring"] {
            self = try .keyring(named: name)
        } else if let attributes = invocation["\(kind)-secret-service"] {
            self = try .secretService(attributes: attributes)
        } else {
            self = .terminal
        }
    }

    package static func credential(named name: String) throws(CommandError) -> SecretSource {
        guard !name.isEmpty, name != ".", name != "..", !name.contains("/") else {
            throw CommandError(.usage, "\"\(name.prefix(60))\" is not the name of a credential")
        }
        return .credential(name)
    }

    package static func keyring(named name: String) throws(CommandError) -> SecretSource {
        guard !name.isEmpty else { throw CommandError(.usage, "a key in the keyring has a name") }
        return .keyring(name)
    }

    package static func secretService(attributes text: String) throws(CommandError) -> SecretSource {
        let words = text.split(separator: " ").map(String.init)
        guard !words.isEmpty, words.count.isMultiple(of: 2), words.allSatisfy({ !$0.hasPrefix("-") }) else {
            throw CommandError(
                .usage, "a secret in the Secret Service is named by attributes and values",
                hint: "such as \"service roadstead key team\"")
        }
        return .secretService(words)
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
            return try Self.line(inFile: path, on: console)
        case .credential(let name):
            guard let directory = console.environment("CREDENTIALS_DIRECTORY"), directory.hasPrefix("/") else {
                throw CommandError(
                    .environment, "systemd gave this process no credentials",
                    hint: "add LoadCredentialEncrypted=\(name):FILE to the unit")
            }
            return try Self.line(inFile: "\(directory)/\(name)", on: console)
        case .keyring(let name):
            var bytes = try Tool.output(["keyctl", "pipe", "%user:\(name)"])
            return try Self.firstLine(of: &bytes, "the key \(name) in the keyring")
        case .secretService(let attributes):
            var bytes = try Tool.output(["secret-tool", "lookup"] + attributes)
            return try Self.firstLine(of: &bytes, "the Secret Service")
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

    private static func line(inFile path: String, on console: Console) throws(FileError) -> Secret {
        var line = try Files.readSecretLine(path, credentials: console.environment("CREDENTIALS_DIRECTORY"))
        return Secret(wiping: &line)
    }

    private static func firstLine(of bytes: inout [UInt8], _ place: String) throws(CommandError) -> Secret {
        guard var line = Files.secretLine(of: &bytes) else {
            throw CommandError(.environment, "\(place) holds no secret in its first line")
        }
        return Secret(wiping: &line)
    }
}
