import Codecs
import Files
import PKI
import SigningKeys
import TrustModel

/// `roadstead ca …`: a certification authority in a directory, and the certificates that it issues for signing.
enum CACommands {
    private static let subject = Option.value(
        "subject", "DN", required: true, "the name in the certificate, such as \"C=US, ST=WA, O=Acme, CN=Acme signing\""
    )
    private static let issuedSubject = Option.value(
        "subject", "DN", "the name in the certificate, such as \"C=US, ST=WA, O=Acme, CN=Acme signing\"")
    static let out = Option.value(
        "out", "DIR", required: true, "where the files go; files that exist are never replaced")
    static let ca = Option.value("ca", "DIR", required: true, "the directory that roadstead ca init made")
    static let crlURL = Option.repeated(
        "crl-url", "URL", "where the revocation list will be; may be repeated (default: what ca init was told)")

    static func days(_ standard: Int) -> Option {
        .value("days", "N", "how long the certificate is valid (default: \(standard))")
    }

    private static let rootDays = 3_650
    static let leafDays = 365

    static let initialize = Command(
        "ca init", "make a root key and its certificate",
        options: [
            subject, out, KeyTypeName.option(.p384), days(rootDays),
            .value("key", "URI", "the root's key, made before, such as one on a token; without, one is made in a file"),
            .repeated("crl-url", "URL", "where the revocation list will be, for every certificate; may be repeated"),
        ] + KeyOptions.all,
        discussion: """
            Makes ca.key, the root's private key, and ca.crt, its certificate: the trust anchor that a team registers. What
            the CA issues and revokes is kept beside them, in register.jsonl: back it up. Keep the key offline; it is
            needed only to issue, to renew and to sign revocation lists.
            """,
        examples: [#"roadstead ca init --subject "C=US, ST=WA, O=Acme, CN=Acme root" --out acme-ca"#],
        run: runInitialize)

    static let issue = Command(
        "ca issue", "issue a certificate for a new signing key",
        options: [
            ca, issuedSubject, out, KeyTypeName.option(.p256), days(leafDays), crlURL,
            .value("csr", "FILE", "issue for the key, and unless --subject is given the name, of this request"),
            .value("public-key", "FILE", "issue for this public key, in PEM"),
        ] + CADirectory.keyOptions + KeyOptions.all,
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
        try CertificateBuilder.check(crlURLs: invocation.all("crl-url"))
        let request = try KeyRequest(invocation, console)
        let files = [CADirectory.keyFile, CADirectory.certificateFile, CADirectory.registerFile].map { $0(directory) }
        var made: [NewFile] = []
        let signer: AnySigner
        if let uri = invocation["key"] {
            try refuse(["key-type"], with: "key", invocation)
            try NewFiles.checkAbsent(Array(files.dropFirst()))
            signer = AnySigner(try await reach.backends(request).open(try KeyName(uri)).signer)
        } else {
            try NewFiles.checkAbsent(files)
            let key = try await reach.newFileKey(type.type, files[0], request)
            signer = AnySigner(key.signer)
            made.append((files[0], key.pem, 0o600))
        }
        let certificate = try await CertificateBuilder.root(subject: subject, signer: signer, validity: validity)
        let opening = RegisterOpening(
            at: console.now, keySHA256: certificate.keySHA256, isComplete: true, crlURLs: invocation.all("crl-url"))
        made.append((files[1], certificate.pem, 0o644))
        // First of all, so that no authority is without its register.
        let register = String(decoding: try RegisterRecord.opened(opening).line(), as: UTF8.self)
        try NewFiles.create([(files[2], register, 0o600)] + made)
        report(certificate, made.map(\.path), console)
        return .success
    }

    private static func runIssue(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let directory = try invocation.required("out")
        let applicant = try applicant(invocation)
        guard let subject = try invocation["subject"].map(name) ?? applicant?.subject else {
            throw CommandError(
                .usage, "--subject is missing: the name in the certificate", hint: "roadstead ca issue --help")
        }
        let paths = paths(in: directory)
        try NewFiles.checkAbsent(applicant == nil ? [paths.key, paths.certificate, paths.chain] : paths.public)
        let authority = try CADirectory(try invocation.required("ca"))
        let request = try KeyRequest(invocation, console)
        let issuer = try await authority.authority(invocation, request, reach)
        let register = try authority.openRegister(at: console.now)
        var files: [NewFile] = []
        let publicKey: PublicKey
        if let applicant {
            publicKey = applicant.key
        } else {
            let type: KeyTypeName = try invocation.choice("key-type", default: .p256)
            let key = try await reach.newFileKey(type.type, paths.key, request)
            publicKey = key.signer.publicKey
            files.append((paths.key, key.pem, 0o600))
        }
        try check(publicKey, register.register)
        let certificate = try await CertificateBuilder.leaf(
            .codeSigning, subject: subject, publicKey: publicKey, issuer: issuer,
            validity: try validity(invocation, leafDays, console, within: authority.certificate),
            crlURLs: crlURLs(invocation, register.register))
        try give(certificate, files, paths, authority, register, console)
        return .success
    }

    /// Puts a new certificate into the register, then where it was asked for.
    static func give(
        _ certificate: Certificate, _ files: [NewFile], _ paths: IssuedPaths, _ authority: CADirectory,
        _ register: CARegisterFile, renews: String? = nil, _ console: Console
    ) throws {
        try register.append(
            .issued(IssuedCertificate(certificate, at: console.now, file: paths.certificate, renews: renews)))
        let chain = ([certificate] + authority.chain).map(\.pem).joined()
        let files = files + [(paths.certificate, certificate.pem, 0o644), (paths.chain, chain, 0o644)]
        try NewFiles.create(files)
        report(certificate, files.map(\.path), console)
    }

    /// Where what is issued goes.
    typealias IssuedPaths = (key: String, certificate: String, chain: String, public: [String])

    static func paths(in directory: String) -> IssuedPaths {
        let (certificate, chain) = ("\(directory)/signing.crt", "\(directory)/chain.pem")
        return ("\(directory)/signing.key", certificate, chain, [certificate, chain])
    }

    /// Where a certificate's revocation list will be, as the command line says, or what the authority was told.
    private static func crlURLs(_ invocation: Invocation, _ register: CARegister) -> [String] {
        invocation.has("crl-url") ? invocation.all("crl-url") : register.opening?.crlURLs ?? []
    }

    /// Refuses a key that somebody else is known to have.
    static func check(_ key: PublicKey, _ register: CARegister) throws(CommandError) {
        guard let revocation = register.compromise(ofKey: Hex.encode(key.fingerprint)) else { return }
        throw CommandError(
            .refused,
            "the key is that of the certificate \(revocation.serial), which was revoked at \(revocation.at) because others may have it (\(revocation.reason.rawValue))",
            hint: "make a new key")
    }

    /// Whoever has a key already; nil where one is made.
    static func applicant(_ invocation: Invocation) throws -> (key: PublicKey, subject: DistinguishedName?)? {
        if let file = invocation["csr"] {
            try refuse(["public-key", "key-type"], with: "csr", invocation)
            let request = try CertificateRequest(pem: try Files.read(file, limit: CertificateRequest.maximumBytes))
            return (request.publicKey, request.subject)
        }
        guard let file = invocation["public-key"] else { return nil }
        try refuse(["key-type"], with: "public-key", invocation)
        return (try PublicKey(pem: try Files.read(file, limit: 65_536)), nil)
    }

    static func refuse(
        _ names: [String], with option: String, _ invocation: Invocation
    ) throws(CommandError) {
        if let name = names.first(where: invocation.has) {
            throw CommandError(.usage, "--\(option) and --\(name) exclude each other")
        }
    }

    static func report(_ certificate: Certificate, _ files: [String], _ console: Console) {
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
    static func validity(
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
