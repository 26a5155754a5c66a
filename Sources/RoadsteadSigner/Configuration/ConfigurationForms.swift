import Codecs
import Envelopes
import Files
import PKI
import ReleaseCriteria
import SigningKeys

/// The configuration as it is written down.
struct ConfigurationForm: Decodable {
    let listen: ListenSettings
    let operators: ListenSettings?
    let log: String
    /// Where the end of the log is written again, on a disk of its own.
    let logHead: String?
    let limits: LimitSettings?
    let policy: PolicyForm?
    let issuers: [String: IssuerForm]?
    let callers: [String: CallerForm]
    let attesters: [String: AttesterForm]?
    let registries: [String: RegistryForm]?
    let keys: [String: KeyForm]

    private enum CodingKeys: String, CodingKey {
        case listen, log, logHead, limits, policy, issuers, callers, attesters, registries, keys
        case operators = "operator"
    }
}

/// What may sign here at all.
struct PolicyForm: Decodable {
    let allow: [String]?
    let plaintextKeys: Bool?

    init() { (allow, plaintextKeys) = (nil, nil) }

    func policy() throws(SignerError) -> SigningPolicy {
        var schemes = Set(KeyScheme.allCases)
        if let allow {
            schemes = []
            for name in allow {
                guard let scheme = KeyScheme(rawValue: name) else {
                    throw SignerError(
                        .configuration, "policy.allow names \"\(name.prefix(40))\", which is no kind of key")
                }
                schemes.insert(scheme)
            }
        }
        return SigningPolicy(schemes: schemes, allowsPlaintext: plaintextKeys ?? false)
    }
}

/// Who attests, by public key or by certificates of one subject.
struct AttesterForm: Decodable {
    /// PEM file.
    let publicKey: String?
    /// PEM file with the anchors.
    let certificates: String?
    let subject: String?
    let person: String?

    func attester(_ name: String, _ absolute: (String) -> String) throws -> Attester {
        switch (publicKey, certificates, subject) {
        case (let file?, nil, nil):
            let pem = try Files.readTrusted(absolute(file), limit: 64 << 10)
            return Attester(name, key: try PublicKey(pem: pem), person: person)
        case (nil, let file?, let subject?):
            let anchors = try Certificate.parse(pemOrDER: try Files.readTrusted(absolute(file), limit: 1 << 20))
            return Attester(
                name, anchors: anchors, subject: try DistinguishedName(subject), person: person)
        default:
            throw SignerError(
                .configuration, "attesters.\(name.prefix(60)) is neither a key nor certificates",
                hint: "give \"publicKey\", or \"certificates\" and \"subject\"")
        }
    }
}

/// A key of the service.
struct KeyForm: Decodable {
    let uri: String
    let usage: SigningUsage
    /// What a raw key signs.
    let formats: [String]?
    let callers: [String]
    let certificates: String?
    let passphraseFile: String?
    let pinFile: String?
    let module: String?
    let allowPlaintextKey: Bool?
    let allowLastPINTries: Bool?
    let queue: Int?
    let scheme: String?
    let criteria: JSON

    func resolved(_ absolute: (String) -> String) throws(SignerError) -> KeySettings {
        var uri = uri
        for prefix in ["file:", "pkcs12:"] where uri.hasPrefix(prefix) {
            uri = prefix + absolute(String(uri.dropFirst(prefix.count)))
        }
        try checkPlace(uri)
        let queue = queue ?? 64
        guard (1...10_000).contains(queue) else { throw SignerError(.configuration, "a key's queue is \(queue)") }
        let scheme = scheme ?? SigningScheme.x509.rawValue
        guard SigningScheme(rawValue: scheme) != nil else {
            throw SignerError(.configuration, "a key's scheme is \"\(scheme.prefix(60))\", which is none of Notary's")
        }
        return KeySettings(
            uri: uri, usage: usage, callers: Set(callers), certificates: certificates.map(absolute),
            passphraseFile: passphraseFile.map(absolute), pinFile: pinFile.map(absolute), module: module,
            allowPlaintextKey: allowPlaintextKey, queue: queue, scheme: scheme, formats: try rawFormats(),
            allowLastPINTries: allowLastPINTries ?? false)
    }

    /// Refuses what no backend of this program opens.
    private func checkPlace(_ uri: String) throws(SignerError) {
        let scheme: KeyScheme
        do throws(KeyError) { scheme = try KeyName(uri).scheme } catch {
            throw SignerError(.configuration, error.reason, hint: error.hint)
        }
        guard scheme != .roadstead else {
            throw SignerError(.configuration, "a key is at another signing service", hint: "name where it really lies")
        }
        guard scheme != .pkcs11 || module?.isEmpty == false else {
            throw SignerError(.configuration, "a key is on a token, and nothing says which \"module\" reaches it")
        }
    }

    private func rawFormats() throws(SignerError) -> Set<RawFormat> {
        guard usage == .raw else {
            guard formats == nil else {
                throw SignerError(.configuration, "a key has \"formats\" and is none for raw bytes")
            }
            return []
        }
        guard let formats, !formats.isEmpty else {
            throw SignerError(
                .configuration, "a raw key does not say what it signs", hint: "give \"formats\": \(RawFormat.hint)")
        }
        return Set(
            try formats.map { text throws(SignerError) in
                guard let format = RawFormat(text) else {
                    throw SignerError(
                        .configuration, "\"\(text.cut(to: 60))\" is no format of raw bytes", hint: RawFormat.hint)
                }
                return format
            })
    }
}

/// A caller, by what proves it.
struct CallerForm: Decodable {
    /// SHA-256 of the certificate, hexadecimal.
    let certificateSHA256: String?
    /// Subject of a certificate that listen.clientAuthority issued.
    let certificateSubject: String?
    /// SHA-256 of the token, hexadecimal.
    let tokenSHA256: String?
    /// Tokens of an issuer.
    let token: TokenForm?
}

/// What tokens of an issuer must say; each claim is a value or a list of those that are as good.
struct TokenForm: Decodable {
    /// As "issuers" names it.
    let issuer: String
    let claims: [String: JSON]
}
