import Codecs
import PKI
import SigningKeys

/// Who may ask for signatures at all, and what proves them. Nobody is a caller who is not named.
struct CallerRegistry: Sendable {
    private enum Proof: Sendable {
        case certificate(sha256: [UInt8])
        case subject(DistinguishedName)
        case token(sha256: [UInt8])
    }

    private let proofs: [(name: String, proof: Proof)]

    init(_ forms: [String: CallerForm], clientAuthority: String?) throws {
        proofs = try forms.sorted { $0.key < $1.key }.map { name, form in
            guard SignerConfiguration.isName(name) else {
                throw SignerError(
                    .configuration, "\"\(name.prefix(60))\" is no caller's name", hint: "a-z, 0-9, - and .")
            }
            switch (form.certificateSHA256, form.certificateSubject, form.tokenSHA256) {
            case (let text?, nil, nil): return (name, .certificate(sha256: try Self.digest(text, name)))
            case (nil, let text?, nil): return (name, .subject(try DistinguishedName(text)))
            case (nil, nil, let text?): return (name, .token(sha256: try Self.digest(text, name)))
            default:
                throw SignerError(
                    .configuration, "callers.\(name) needs exactly one proof",
                    hint: "certificateSHA256, certificateSubject or tokenSHA256")
            }
        }
        let needsCertificates = proofs.contains { if case .token = $0.proof { false } else { true } }
        guard !needsCertificates || clientAuthority != nil else {
            throw SignerError(
                .configuration, "a caller is known by its certificate, and listen.clientAuthority is not set")
        }
    }

    var names: Set<String> { Set(proofs.map(\.name)) }

    /// The holder of a token; every hash is looked at, so that the time tells nothing.
    func caller(token: String) -> String? {
        let digest = HashAlgorithm.sha256.digest(of: Array(token.utf8))
        var found: String?
        for (name, proof) in proofs {
            if case .token(let sha256) = proof, ConstantTime.areEqual(sha256, digest) { found = name }
        }
        return found
    }

    /// The holder of a certificate that the handshake has proved, and that is good now.
    func caller(certificate: Certificate, now: UTCDate) -> String? {
        guard certificate.isValid(at: now) else { return nil }
        return proofs.first { _, proof in
            switch proof {
            case .certificate(let sha256): sha256 == certificate.thumbprint
            case .subject(let subject): subject == certificate.subject
            case .token: false
            }
        }?.name
    }

    private static func digest(_ text: String, _ name: String) throws(SignerError) -> [UInt8] {
        guard let bytes = try? Hex.decode(text), bytes.count == 32 else {
            throw SignerError(
                .configuration, "callers.\(name) has no SHA-256 of 64 digits 0-9 a-f",
                hint: "printf %s TOKEN | sha256sum; openssl x509 -outform der -in CERT | sha256sum")
        }
        return bytes
    }
}
