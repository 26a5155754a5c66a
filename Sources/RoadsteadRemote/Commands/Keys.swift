import ArgumentParser
import Codecs
import Foundation
import SigningKeys
import TUF
import TokenKeys
import TokenWire

/// Keys on tokens; those in files are the small program's.
///
/// URIs are read by the commands, not by the parser of arguments, which would repeat a refused one and the PIN in it.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make and look at keys on tokens, which never leave them.",
        discussion: """
            roadstead key list 'pkcs11:token=LABEL'
            roadstead key generate --key-type ed25519 'pkcs11:token=LABEL;object=NAME'
            roadstead key inspect 'pkcs11:token=LABEL;object=NAME'
            """,
        subcommands: [List.self, Inspect.self, Generate.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys of a token.",
            discussion: "Without a PIN, only what anybody may see is listed.")
        @Argument(help: ArgumentHelp("The token.", valueName: "uri")) var key: String
        @OptionGroup var tokens: TokenOptions
        @Option(name: .shortAndLong, help: "text, json or yaml.") var output = OutputFormat.text

        func run() async throws {
            let uri = try TokenURI(key)
            let connection = try tokens.connection(to: uri)
            let token = try await connection.describe()
            let (keys, skipped) = try await connection.keys(uri, loggedIn: tokens.hasPIN(uri))
            let reports = try keys.map { try TokenKeyReport($0, token) }
            for text in skipped { Terminal.note("left out: \(text)") }
            if token.requiresLogin, !tokens.hasPIN(uri) {
                Terminal.note("private keys are seen only with the PIN: --pin-file FILE")
            }
            switch output {
            case .json: try Terminal.show(reports)
            case .yaml: try Terminal.showYAML(reports)
            case .text:
                Terminal.showTable(
                    ["KEY", "TYPE", "HALF", "KEY ID"], reports.map { [$0.key, $0.type, $0.half, $0.keyID] })
            }
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is known of a key on a token, and its public half.")
        @Argument(help: ArgumentHelp("The key.", valueName: "uri")) var key: String
        @OptionGroup var tokens: TokenOptions
        @Option(help: "text, json or pem.") var output = KeyOutput.text

        func run() async throws {
            let uri = try TokenURI(key)
            let connection = try tokens.connection(to: uri)
            let found = try await connection.publicKey(uri)
            let report = try TokenKeyReport(found, try await connection.describe())
            switch output {
            case .json: try Terminal.show(report)
            case .pem: print(report.publicKey, terminator: "")
            case .text: print(report.text, terminator: "")
            }
        }
    }

    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key on a token.",
            discussion: "The token makes it and never gives it out: a copy for bad days must be made by its own means.")
        @Argument(help: ArgumentHelp("The token, and the new key's name.", valueName: "uri")) var key: String
        @Option(help: "ec-p256 (or p256) or ed25519.") var keyType = TokenKeyKind.p256
        @OptionGroup var tokens: TokenOptions

        func run() async throws {
            let uri = try TokenURI(key)
            let connection = try tokens.connection(to: uri)
            let made = try await TokenKey.generate(keyType, uri, on: connection)
            let report = try TokenKeyReport(made.description, try await connection.describe())
            Terminal.note("made a key of type \(report.type), and checked a signature of it: \(report.key)")
            print(report.publicKey, terminator: "")
        }
    }
}

/// How a key is shown.
enum KeyOutput: String, CaseIterable, Sendable, ExpressibleByArgument {
    case text, json, pem
}

extension TokenKeyKind: ExpressibleByArgument {
    package init?(argument: String) {
        switch argument {
        case "ed25519": self = .ed25519
        case "ec-p256", "p256": self = .p256
        default: return nil
        }
    }
}

/// What is told of a key on a token.
struct TokenKeyReport: Encodable {
    let key: String
    let type: String
    let half: String
    let sha256: String
    /// The name that a fleet's metadata has for the key.
    let keyID: String
    let publicKey: String

    init(_ key: TokenKeyDescription, _ token: TokenDescription) throws {
        let publicKey = try PublicKey(key)
        self.key = TokenURI(token: token.label, serial: token.serial, object: key.label, id: key.id).description
        type = publicKey.type.description
        half = key.isPrivate ? "private" : "public"
        sha256 = Hex.encode(publicKey.fingerprint)
        keyID = try Key(publicKey).id.text
        self.publicKey = publicKey.pem
    }

    var text: String {
        let rows = [("key", key), ("type", type), ("half seen", half), ("sha256", sha256), ("fleet key id", keyID)]
        let lines = rows.map { "\($0.padding(toLength: 14, withPad: " ", startingAt: 0))\($1)\n" }
        return lines.joined() + publicKey
    }
}
