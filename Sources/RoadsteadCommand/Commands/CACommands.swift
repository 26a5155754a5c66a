import Codecs
import Files
import PKI
import SigningKeys
import TrustModel

/// `roadstead ca …`: a certification authority in a directory, and the certificates that it issues for signing.
enum CACommands {
    /// The files of an authority.
    private static func keyFile(_ directory: String) -> String { "\(directory)/ca.key" }
    private static func certificateFile(_ directory: String) -> String { "\(directory)/ca.crt" }

    private static let subject = Option.value(
        "subject", "DN", required: true, "the name in the certificate, such as \"C=US, ST=WA, O=Acme, CN=Acme signing\""
    )
    private static let issuedSubject = Option.value(
        "subject", "DN", "the name in the certificate, such as \"C=US, ST=WA, O=Acme, CN=Acme signing\"")
    private static let out = Option.value(
        "out", "DIR", required: true, "where the files go; files that exist are never replaced")

    private static func days(_ standard: Int) -> Option {
        .value("days", "N", "how long the certificate is valid (default: \(standard))")
    }

    private static let rootDays = 3_650
    private static let leafDays = 365

    static let initialize = Command(
        "ca init", "make a root key and its certificate",
        options: [
            subject, out, KeyTypeName.option(.p384), days(rootDays),
            .value("key", "URI", "the root's key, made before, such as one on a token; without, one is made in a file"),
        ] + KeyOptions.all,
        discussion: """
            Makes ca.key, the root's private key, and ca.crt, its certificate: the trust anchor that a team registers.
            Keep the key offline; it is needed only to issue.
            """,
        examples: [#"roadstead ca init --subject "C=US, ST=WA, O=Acme, CN=Acme root" --out acme-ca"#],
        run: runInitialize)

    static let issue = Command(
        "ca issue", "issue a certificate for a new signing key",
        options: [
            .value("ca", "DIR", required: true, "the directory that roadstead ca init made"), issuedSubject, out,
            KeyTypeName.option(.p256),
            days(leafDays), .repeated("crl-url", "URL", "where the revocation list will be; may be repeated"),
            .value("key", "URI", "the CA's key, where it is not the file ca.key in its directory"),
            .value("ca-passphrase-file", "FILE", "the passphrase of the CA's key, where it is another one"),
            .value("csr", "FILE", "issue for the key, and unless --subject is given the name, of this request"),
            .value("public-key", "FILE", "issue for this public key, in PEM"),
        ] + KeyOptions.all,
        discussion: """
            Makes signing.key, signing.crt, and chain.pem for roadstead sign: the new certificate and the root.
            The subject needs C, ST and O, because trust policies name signers by them. With --crl-url, hosts at level
            strict accept the signatures only once they check revocation. With --csr or --public-key the key stays where it
            is, and only the certificates are made.
            """,
        examples: [
            #"roadstead ca issue --ca acme-ca --subject "C=US, ST=WA, O=Acme, CN=CI" --out ci"#
        ], run: runIssue)

    private static func runInitialize(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let type: KeyTypeName = try invocation.choice("key-type", default: .p384)
        let directory = try invocation.required("out")
        let subject = try name(try invocation.required("subject"))
        let validity = try validity(invocation, rootDays, console)
        if let uri = invocation["key"] {
            try refuse(["key-type"], with: "key", invocation)
            try NewFiles.checkAbsent([certificateFile(directory)])
            let key = try await reach.backends(KeyRequest(invocation, console)).open(try KeyName(uri))
            let certificate = try await CertificateBuilder.root(
                subject: subject, signer: AnySigner(key.signer), validity: validity)
            try NewFiles.create([(certificateFile(directory), certificate.pem, 0o644)])
            report(certificate, [certificateFile(directory)], console)
            return .success
        }
        try NewFiles.checkAbsent([keyFile(directory), certificateFile(directory)])
        let request = try KeyRequest(invocation, console)
        let key = try await reach.newFileKey(type.type, keyFile(directory), request)
        let certificate = try await CertificateBuilder.root(subject: subject, signer: key.signer, validity: validity)
        try NewFiles.create([
            (keyFile(directory), key.pem, 0o600), (certificateFile(directory), certificate.pem, 0o644),
        ])
        report(certificate, [keyFile(directory), certificateFile(directory)], console)
        return .success
    }

    private static func runIssue(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let authority = try invocation.required("ca")
        let directory = try invocation.required("out")
        let paths = ["signing.key", "signing.crt", "chain.pem"].map { "\(directory)/\($0)" }
        let applicant = try applicant(invocation)
        guard let subject = try invocation["subject"].map(name) ?? applicant?.subject else {
            throw CommandError(
                .usage, "--subject is missing: the name in the certificate", hint: "roadstead ca issue --help")
        }
        try NewFiles.checkAbsent(applicant == nil ? paths : Array(paths.dropFirst()))
        guard let root = try CertificateFile.chain(certificateFile(authority)).first else { return .environment }
        let request = try KeyRequest(invocation, console)
        var own = request
        if let file = invocation["ca-passphrase-file"] { own.passphrase = .file(file) }
        let uri = try KeyName(invocation["key"] ?? "file:\(keyFile(authority))")
        let opened = try await reach.backends(own).open(uri)
        let issuer = try CertificateBuilder.Authority(certificate: root, signer: AnySigner(opened.signer))
        var files: [(path: String, text: String, mode: UInt32)] = []
        let publicKey: PublicKey
        if let applicant {
            publicKey = applicant.key
        } else {
            let type: KeyTypeName = try invocation.choice("key-type", default: .p256)
            let key = try await reach.newFileKey(type.type, paths[0], request)
            publicKey = key.signer.publicKey
            files.append((paths[0], key.pem, 0o600))
        }
        let certificate = try await CertificateBuilder.leaf(
            .codeSigning, subject: subject, publicKey: publicKey, issuer: issuer,
            validity: try validity(invocation, leafDays, console, within: root), crlURLs: invocation.all("crl-url"))
        files += [(paths[1], certificate.pem, 0o644), (paths[2], certificate.pem + root.pem, 0o644)]
        try NewFiles.create(files)
        report(certificate, files.map(\.path), console)
        return .success
    }

    /// Whoever has a key already; nil where one is made.
    private static func applicant(_ invocation: Invocation) throws -> (key: PublicKey, subject: DistinguishedName?)? {
        if let file = invocation["csr"] {
            try refuse(["public-key", "key-type"], with: "csr", invocation)
            let request = try CertificateRequest(pem: try Files.read(file, limit: CertificateRequest.maximumBytes))
            return (request.publicKey, request.subject)
        }
        guard let file = invocation["public-key"] else { return nil }
        try refuse(["key-type"], with: "public-key", invocation)
        return (try PublicKey(pem: try Files.read(file, limit: 65_536)), nil)
    }

    private static func refuse(
        _ names: [String], with option: String, _ invocation: Invocation
    ) throws(CommandError) {
        if let name = names.first(where: invocation.has) {
            throw CommandError(.usage, "--\(option) and --\(name) exclude each other")
        }
    }

    private static func report(_ certificate: Certificate, _ files: [String], _ console: Console) {
        console.print("\(certificate.subjectText), valid until \(certificate.notAfter)")
        console.print("certificate SHA-256 \(certificate.sha256)")
        for file in files { console.print(file) }
    }

    /// Reads a name in either of the orders in which people write them: country first, or country last.
    static func name(_ text: String) throws -> DistinguishedName {
        let name: DistinguishedName
        do throws(PKIError) { name = try DistinguishedName(text) } catch {
            throw CommandError(.usage, "--subject: \(error.reason)", hint: error.hint)
        }
        guard !name.hasMultiValuedPart, name.attributes.last?.type == .country else { return name }
        return try DistinguishedName(name.attributes.reversed().map { ($0.type, $0.value ?? "") })
    }

    /// From now on; a certificate ends with its issuer at the latest.
    private static func validity(
        _ invocation: Invocation, _ standard: Int, _ console: Console, within issuer: Certificate? = nil
    ) throws -> CertificateBuilder.Validity {
        let days = try invocation.integer("days", in: 1...36_500, default: standard)
        let end = console.now.adding(days: Int64(days)).adding(seconds: -1)
        let start = max(console.now.adding(seconds: -clockSlack), issuer?.notBefore ?? .earliest)
        guard let issuer, !invocation.has("days"), end > issuer.notAfter else {
            return try CertificateBuilder.Validity(from: start, to: end)
        }
        return try CertificateBuilder.Validity(from: start, to: issuer.notAfter)
    }

    /// How much earlier certificates begin, so that a clock that is a little behind, or a timestamp of the very first
    /// second, does not lie before them.
    private static let clockSlack: Int64 = 300
}
