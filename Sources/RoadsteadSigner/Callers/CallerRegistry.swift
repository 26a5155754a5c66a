import Codecs
import IdentityTokens
import PKI
import SigningKeys

/// Who may ask for signatures at all, and what proves them. Nobody is a caller who is not named.
struct CallerRegistry: Sendable {
    private enum Proof: Sendable {
        case certificate(sha256: [UInt8])
        case subject(DistinguishedName)
        case token(sha256: [UInt8])
        case claims(issuer: String, ClaimRule)
    }

    private let proofs: [(name: String, proof: Proof)]
    /// By the name that tokens carry.
    private let issuers: [String: TrustedIssuer]

    init(_ forms: [String: CallerForm], issuers: [TrustedIssuer] = [], clientAuthority: String?) throws {
        self.issuers = try Self.distinct(issuers)
        proofs = try forms.sorted { $0.key < $1.key }.map { name, form in
            guard SignerConfiguration.isName(name) else {
                throw SignerError(
                    .configuration, "\"\(name.prefix(60))\" is no caller's name", hint: "a-z, 0-9, - and .")
            }
            return (name, try Self.proof(form, name, issuers))
        }
        let needsCertificates = proofs.contains { _, proof in
            switch proof {
            case .certificate, .subject: true
            case .token, .claims: false
            }
        }
        guard !needsCertificates || clientAuthority != nil else {
            throw SignerError(
                .configuration, "a caller is known by its certificate, and listen.clientAuthority is not set")
        }
        try checkProofs()
        try checkClaims()
    }

    var names: Set<String> { Set(proofs.map(\.name)) }

    /// Whether any issuer's tokens count.
    var takesIdentityTokens: Bool { !issuers.isEmpty }

    /// The holder of a token; every hash is looked at, so that the time tells nothing.
    func caller(token: String) -> Caller? {
        let digest = HashAlgorithm.sha256.digest(of: Array(token.utf8))
        var found: Caller?
        for (name, proof) in proofs {
            if case .token(let sha256) = proof, ConstantTime.areEqual(sha256, digest) { found = Caller(name) }
        }
        return found
    }

    /// The caller that an issuer's token proves, and when the token ends.
    ///
    /// - Throws: `IdentityTokenError`, whose reason is for the operator.
    func caller(
        identityToken text: String, now: UTCDate
    ) async throws(IdentityTokenError) -> (caller: Caller, until: UTCDate) {
        let token = try CompactToken(text)
        guard let issuer = token.issuer.flatMap({ issuers[$0] }) else {
            throw IdentityTokenError(.issuer, "the token's issuer is none of those that count here")
        }
        let verified = try await issuer.verify(token, now: now)
        var (found, others): ([Caller], [String]) = ([], [])
        for case (let name, .claims(issuer.name, let rule)) in proofs {
            let differences = rule.differences(from: verified.claims)
            if differences.isEmpty { found.append(Caller(name, verified)) }
            others.append("\(name) differs in \(differences.joined(separator: ", "))")
        }
        guard let caller = found.first, found.count == 1 else {
            throw IdentityTokenError(
                .subject, "a token of \"\(issuer.name)\" is no caller's: \(others.joined(separator: "; "))")
        }
        return (caller, verified.expires)
    }

    /// The holder of a certificate that the handshake has proved, and that is good now.
    func caller(certificate: Certificate, now: UTCDate) -> Caller? {
        guard certificate.isValid(at: now) else { return nil }
        let found = proofs.filter { _, proof in
            switch proof {
            case .certificate(let sha256): sha256 == certificate.thumbprint
            case .subject(let subject): subject == certificate.subject
            case .token, .claims: false
            }
        }
        // Whom two names fit is neither.
        return found.count == 1 ? Caller(found[0].name) : nil
    }

    // MARK: configuration

    private static func proof(_ form: CallerForm, _ name: String, _ issuers: [TrustedIssuer]) throws -> Proof {
        switch (form.certificateSHA256, form.certificateSubject, form.tokenSHA256, form.token) {
        case (let text?, nil, nil, nil): return .certificate(sha256: try digest(text, name))
        case (nil, let text?, nil, nil): return .subject(try DistinguishedName(text))
        case (nil, nil, let text?, nil): return .token(sha256: try digest(text, name))
        case (nil, nil, nil, let token?):
            guard let issuer = issuers.first(where: { $0.name == token.issuer }) else {
                throw SignerError(
                    .configuration, "callers.\(name).token names \"\(token.issuer.prefix(60))\", who is no issuer",
                    hint: "describe it under \"issuers\"")
            }
            let place = "callers.\(name).token.claims"
            return .claims(issuer: issuer.name, try ClaimRule(token.claims, issuer: issuer.tokens.name, place: place))
        default:
            throw SignerError(
                .configuration, "callers.\(name) needs exactly one proof",
                hint: "certificateSHA256, certificateSubject, tokenSHA256 or token")
        }
    }

    private static func distinct(_ issuers: [TrustedIssuer]) throws(SignerError) -> [String: TrustedIssuer] {
        guard issuers.count <= TrustedIssuer.mostIssuers else {
            throw SignerError(.configuration, "there are more than \(TrustedIssuer.mostIssuers) issuers")
        }
        let byName = Dictionary(issuers.map { ($0.tokens.name, $0) }) { first, _ in first }
        guard byName.count == issuers.count else {
            throw SignerError(.configuration, "two issuers have the same address", hint: "describe each once")
        }
        return byName
    }

    /// One credential is one caller's.
    private func checkProofs() throws(SignerError) {
        var seen: [AnyHashable: String] = [:]
        for (name, proof) in proofs {
            let mark: AnyHashable
            switch proof {
            case .certificate(let sha256): mark = [0] + sha256
            case .token(let sha256): mark = [1] + sha256
            case .subject(let subject): mark = subject
            case .claims: continue
            }
            if let other = seen.updateValue(name, forKey: mark) {
                throw SignerError(
                    .configuration, "callers.\(other) and callers.\(name) have the same proof",
                    hint: "give each caller a credential of its own")
            }
        }
    }

    /// A token that proved two callers would prove neither, so no two rules may fit one token.
    private func checkClaims() throws(SignerError) {
        var seen: [(name: String, issuer: String, rule: ClaimRule)] = []
        for case (let name, .claims(let issuer, let rule)) in proofs {
            if let other = seen.first(where: { $0.issuer == issuer && $0.rule.overlaps(rule) }) {
                throw SignerError(
                    .configuration, "one token could prove both callers.\(other.name) and callers.\(name)",
                    hint: "name in both a claim in which they differ")
            }
            seen.append((name, issuer, rule))
        }
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
