import Codecs
import Envelopes
import Files
import SigningKeys

/// `roadstead key …`: keys in files here; those on tokens are handed over, since their modules are not for this program.
enum KeyCommands {
    /// The types of keys by the names that people type.
    enum TypeName: String, Sendable, CaseIterable {
        case p256 = "ec-p256"
        case p384 = "ec-p384"
        case p521 = "ec-p521"
        case rsa2048 = "rsa-2048"
        case rsa3072 = "rsa-3072"
        case rsa4096 = "rsa-4096"
        case ed25519

        var type: KeyType {
            switch self {
            case .p256: .ec(.p256)
            case .p384: .ec(.p384)
            case .p521: .ec(.p521)
            case .rsa2048: .rsa(bits: 2_048)
            case .rsa3072: .rsa(bits: 3_072)
            case .rsa4096: .rsa(bits: 4_096)
            case .ed25519: .ed25519
            }
        }

        static let list = allCases.map(\.rawValue).joined(separator: "|")
    }

    static let generate = Command(
        "key generate", "make a private key in a file",
        options: [
            .value("out", "FILE", required: true, "the new file; one that exists is never replaced"),
            .value("key-type", "TYPE", "\(TypeName.list) (default: ec-p256)"), KeyFile.allowPlaintext,
        ] + Passphrase.options,
        discussion: """
            The key is encrypted (PKCS#8) under a passphrase that is asked for on the terminal, or comes from a file or a
            file descriptor. The public key is printed. Ed25519 keys serve fleets, not Notary Project signatures.
            With a pkcs11: URI instead of --out, a token makes the key: roadstead key generate pkcs11: --help.
            """,
        examples: [
            "roadstead key generate --out team.key", "roadstead key generate --key-type ed25519 --out fleet-root.key",
            "roadstead key generate --key-type ed25519 'pkcs11:token=ops;object=fleet-root' --pin-file pin",
        ],
        run: runGenerate)

    static let inspect = Command(
        "key inspect", "show what is known of a key", operand: "file:PATH|pkcs11:URI",
        options: [KeyFile.allowPlaintext] + Passphrase.options + [Output.option],
        examples: [
            "roadstead key inspect file:team.key", "roadstead key inspect 'pkcs11:token=ops;object=fleet-root'",
        ], run: runInspect)

    static let list = Command(
        "key list", "list the keys of a token", operand: "pkcs11:token=LABEL",
        discussion: "roadstead key list pkcs11: --help lists the options for tokens.",
        examples: ["roadstead key list pkcs11:token=ops --pin-file pin"]
    ) { _, _ in
        throw CommandError(.usage, "roadstead key list needs a token", hint: "pkcs11:token=LABEL")
    }

    /// Whether a command line is about a key on a token.
    static func concernToken(_ arguments: [String]) -> Bool {
        arguments.first == "key" && arguments.contains { $0.hasPrefix("pkcs11:") }
    }

    /// Becomes the program that can reach tokens; gives the error when it is not there.
    static func handOver(_ arguments: [String]) throws -> CommandError {
        try Sibling.replaceProcess(program: "roadstead-remote", arguments: arguments)
        return CommandError(
            .environment, "the program roadstead-remote, which reaches keys on tokens, is not beside this one",
            hint: "install it, and roadstead-p11, beside roadstead")
    }

    private static func runGenerate(_ invocation: Invocation, _ console: Console) async throws -> ExitStatus {
        let name: TypeName = try invocation.choice("key-type", default: .p256)
        let path = try invocation.required("out")
        try NewFiles.checkAbsent([path])
        let key = try PrivateKey.generate(name.type)
        let pem = try KeyFile.pem(of: key, named: path, invocation, console)
        try NewFiles.create([(path, pem, 0o600)])
        console.say("made a key of type \(key.publicKey.type) in \(path)")
        console.printText(key.publicKey.pem)
        return .success
    }

    private static func runInspect(_ invocation: Invocation, _ console: Console) async throws -> ExitStatus {
        let output: Output = try invocation.choice("output", default: .text)
        let uri = try invocation.operand("key, such as file:team.key,")
        let pem = try Files.read(try KeyFile.path(uri), limit: 65_536)
        var object = JSONObject([("key", .string(uri))])
        let key: PublicKey
        if let given = try? PublicKey(pem: pem) {
            key = given
            object["protection"] = "public key only"
        } else {
            let opened = try KeyFile.open(uri, invocation, console)
            key = opened.publicKey
            object["protection"] = opened.protection.map { .string($0.rawValue) }
        }
        object["type"] = .string(key.type.description)
        object["sha256"] = .string(Hex.encode(key.fingerprint))
        object["notaryAlgorithm"] = .string(EnvelopeAlgorithm(key.type)?.rawValue ?? "none")
        console.printText(output == .json ? JSON.object(object).text + "\n" : JSON.object(object).prettyText)
        return .success
    }
}
