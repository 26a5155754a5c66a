import Codecs
import Envelopes
import PKI
import SigningKeys
import TUF

/// `roadstead key …`: keys, wherever they live.
enum KeyCommands {
    static let generate = Command(
        "key generate", "make a private key", operand: "[URI]",
        options: [
            .value("out", "FILE", "the new file, instead of a URI; one that exists is never replaced"),
            KeyTypeName.option(.p256),
        ] + KeyOptions.all,
        discussion: """
            A key in a file is encrypted (PKCS#8) under a passphrase that is asked for on the terminal, or comes from one
            of the other sources. A key on a token is made there and never leaves it. The public key is printed. Ed25519
            keys serve fleets, not Notary Project signatures.
            """,
        examples: [
            "roadstead key generate --out team.key", "roadstead key generate --key-type ed25519 --out fleet-root.key",
            "roadstead key generate --key-type ed25519 'pkcs11:token=ops;object=fleet-root' --pin-file pin",
        ],
        run: runGenerate)

    static let inspect = Command(
        "key inspect", "show what is known of a key, and its public half", operand: "URI",
        options: KeyOptions.all + [
            .value("output", "text|json|yaml|pem", short: "o", "the form of the result (default: text)")
        ],
        examples: [
            "roadstead key inspect file:team.key", "roadstead key inspect 'pkcs11:token=ops;object=fleet-root'",
        ], run: runInspect)

    static let list = Command(
        "key list", "list the keys of a token or service", operand: "URI",
        options: KeyOptions.all + [Output.option],
        discussion: "Of a token whose PIN nothing names, only what anybody may see is listed.",
        examples: ["roadstead key list pkcs11:token=ops --pin-file pin"], run: runList)

    static let importing = Command(
        "key import", "put a key, or only its certificates, into a file or onto a token", operand: "URI",
        options: [
            .value("in", "URI", "the key that is taken over, such as file:old.key or pkcs12:team.p12"),
            .value("in-passphrase-file", "FILE", "the passphrase of that key, where it is another one"),
            .value("certificate-chain", "FILE", "PEM: the key's certificate, then its issuers"),
        ] + KeyOptions.all,
        discussion: """
            Without --in the key is there already, and its certificates go beside it. A key that comes from a file is
            protected anew by the passphrase of the other options, whatever protected it before. The old file stays.
            """,
        examples: [
            "roadstead key import --in pkcs12:team.p12 file:team.key --passphrase-file pass",
            "roadstead key import --certificate-chain team.pem 'pkcs11:token=ops;object=team' --pin-file pin",
        ], run: runImport)

    static let csr = Command(
        "key csr", "ask for a certificate: a request that the key signs, wherever it lives", operand: "URI",
        options: [
            .value(
                "subject", "DN", required: true, "the name to be certified, such as \"C=US, ST=WA, O=Acme, CN=CI\""),
            .value("out", "FILE", "the new file (default: standard output)"),
        ] + KeyOptions.all,
        examples: [
            #"roadstead key csr file:team.key --subject "C=US, ST=WA, O=Acme, CN=CI" --out team.csr"#,
            #"roadstead key csr 'pkcs11:token=ops;object=ci' --pin-file pin --subject "C=US, ST=WA, O=Acme, CN=CI""#,
        ], run: runCSR)

    static let test = Command(
        "key test", "sign something random with a key and say what it is good for", operand: "URI",
        options: KeyOptions.all + [Output.option],
        examples: ["roadstead key test 'pkcs11:token=ops;object=ci' --pin-file pin"], run: runTest)

    private static func runImport(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let name = try KeyName(try invocation.operand("key's URI"))
        let request = try KeyRequest(invocation, console)
        let backends = try reach.backends(request)
        let taken = try await invocation["in"].map { try KeyName($0) }.asyncMap { source in
            try await reach.keyToImport(source, request, passphraseFile: invocation["in-passphrase-file"])
        }
        let chain = try invocation["certificate-chain"].map { try CertificateFile.chain($0).map(\.der) }
        let certificates = chain ?? taken?.certificates ?? []
        guard taken != nil || !certificates.isEmpty else {
            throw CommandError(
                .usage, "there is nothing to import", hint: "give --in URI, --certificate-chain FILE or both")
        }
        if let taken {
            try CertificateFile.check(certificates, areOf: taken.key.publicKey)
        } else {
            try CertificateFile.check(certificates, areOf: try await backends.publicKey(name))
        }
        try await backends.store(taken?.key, certificates: certificates, at: name)
        console.say(
            "\(taken == nil ? "put" : "imported a key of type \(taken?.key.publicKey.type.description ?? "") and") "
                + "\(certificates.count) certificate(s): \(name)")
        return .success
    }

    private static func runCSR(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let name = try KeyName(try invocation.operand("key, such as file:team.key,"))
        let subject = try CACommands.name(try invocation.required("subject"))
        if let out = invocation["out"] { try NewFiles.checkAbsent([out]) }
        let key = try await reach.backends(KeyRequest(invocation, console)).open(name)
        _ = try EnvelopeAlgorithm(usableBy: key.signer)
        let request = try await CertificateRequest.codeSigning(subject: subject, signer: AnySigner(key.signer))
        guard let out = invocation["out"] else {
            console.printText(request.pem)
            return .success
        }
        try NewFiles.create([(out, request.pem, 0o644)])
        console.say("the request is in \(out)")
        return .success
    }

    private static func runTest(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let name = try KeyName(try invocation.operand("key, such as file:team.key,"))
        let backends = try reach.backends(KeyRequest(invocation, console))
        let trial = try await KeyTrial(name, backends)
        guard output == .text else {
            console.show(trial.json, as: output)
            return .success
        }
        for (name, value) in trial.json.objectOrNil?.members ?? [] {
            console.print("\(name): \(value.stringOrNil ?? value.text)")
        }
        return .success
    }

    private static func runGenerate(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let type: KeyTypeName = try invocation.choice("key-type", default: .p256)
        let name = try newName(invocation)
        let key = try await reach.backends(KeyRequest(invocation, console)).generate(type.type, name)
        console.say("made a key of type \(key.signer.publicKey.type): \(key.name)")
        console.printText(key.signer.publicKey.pem)
        return .success
    }

    /// The URI of a key to be made, or the file that stands for one.
    private static func newName(_ invocation: Invocation) throws -> KeyName {
        guard let file = invocation["out"] else {
            return try KeyName(try invocation.operand("key's URI, or --out FILE,"))
        }
        guard invocation.operands.isEmpty else {
            throw CommandError(.usage, "--out and a key's URI exclude each other")
        }
        return try KeyName("file:\(file)")
    }

    private static func runInspect(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output: KeyOutput = try invocation.choice("output", default: .text)
        let name = try KeyName(try invocation.operand("key, such as file:team.key,"))
        let key = try await reach.backends(KeyRequest(invocation, console)).publicKey(name)
        let report = KeyReport(name, key)
        switch output {
        case .pem: console.printText(key.pem)
        case .json: console.show(report.json, as: .json)
        case .yaml: console.show(report.json, as: .yaml)
        case .text: console.show(report.json, as: .text)
        }
        return .success
    }

    private static func runList(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let name = try KeyName(try invocation.operand("token or service, such as pkcs11:token=LABEL,"))
        let listing = try await reach.backends(KeyRequest(invocation, console)).list(name)
        for text in listing.skipped { console.say("left out: \(text)") }
        for entry in listing.entries where output == .text {
            let half = entry.isPrivate ? "private" : "public"
            console.print(
                "\(entry.name.text)  \(entry.publicKey.type)  \(half)  \(Hex.encode(entry.publicKey.fingerprint))")
        }
        if output != .text {
            let keys = listing.entries.map { KeyReport($0.name, $0.publicKey, isPrivate: $0.isPrivate).json }
            console.show(.array(keys), as: output)
        }
        return .success
    }
}

/// How a key is shown.
enum KeyOutput: String, Sendable, CaseIterable {
    case text, json, yaml, pem
}

/// What is told of a key.
struct KeyReport {
    private let name: KeyName
    private let key: PublicKey
    /// Whether the private half was seen; nil where nobody looked.
    private let isPrivate: Bool?

    init(_ name: KeyName, _ key: PublicKey, isPrivate: Bool? = nil) {
        self.name = name
        self.key = key
        self.isPrivate = isPrivate
    }

    var json: JSON {
        var object = JSONObject([
            ("key", .string(name.text)), ("type", .string(key.type.description)),
            ("sha256", .string(Hex.encode(key.fingerprint))),
            ("notaryAlgorithm", .string(EnvelopeAlgorithm(key.type)?.rawValue ?? "none")),
        ])
        if let id = try? Key(key).id { object["keyID"] = .string(id.text) }
        if let isPrivate { object["half"] = isPrivate ? "private" : "public" }
        object["publicKey"] = .string(key.pem)
        return .object(object)
    }
}
