import Codecs
package import PKI
package import SigningKeys

/// Somebody whose statements count: a public key, or certificates of one subject below an anchor.
package struct Attester: Sendable {
    enum Trust: Sendable {
        case key(PublicKey)
        case certificates(anchors: [Certificate], subject: DistinguishedName)
    }

    package let name: String
    /// Who it is, where several keys may be one person's; the attester's own name where nothing is said.
    package let person: String
    let trust: Trust

    package init(_ name: String, key: PublicKey, person: String? = nil) {
        self.name = name
        self.person = person ?? name
        trust = .key(key)
    }

    package init(
        _ name: String, anchors: [Certificate], subject: DistinguishedName, person: String? = nil
    ) {
        self.name = name
        self.person = person ?? name
        trust = .certificates(anchors: anchors, subject: subject)
    }

    /// The key by which this attester made a signature; nil when it did not.
    ///
    /// The signature is checked before its certificates: whoever did not make it causes no more work than that.
    func key(
        of signature: DSSEEnvelope.Signature, over message: [UInt8], _ chains: inout ChainChecks
    ) throws(CriteriaError) -> PublicKey? {
        switch trust {
        case .key(let key): return key.confirms(signature.bytes, over: message) ? key : nil
        case .certificates(let anchors, let subject):
            guard let first = signature.certificates.first, let leaf = try? Certificate(der: first),
                leaf.subject == subject, let key = leaf.publicKey, key.confirms(signature.bytes, over: message),
                try chains.reach(anchors, signature.certificates)
            else { return nil }
            return key
        }
    }
}

/// The certificate chains of one request: each is checked once, and no more of them than a build has any use for.
struct ChainChecks {
    private struct Question: Hashable {
        let chain: [[UInt8]]
        let anchors: [Certificate]
    }

    private let now: UTCDate
    private var answers: [Question: Bool] = [:]

    /// Chains of different certificates that are checked in one request.
    static let maximumChains = 16

    init(at now: UTCDate) { self.now = now }

    /// Whether a chain, leaf first, is good for signing now and ends at one of the anchors or comes through it.
    mutating func reach(_ anchors: [Certificate], _ chain: [[UInt8]]) throws(CriteriaError) -> Bool {
        let question = Question(chain: chain, anchors: anchors)
        if let answer = answers[question] { return answer }
        guard answers.count < Self.maximumChains else {
            throw CriteriaError(
                .limit,
                "the evidence has more than \(Self.maximumChains) certificate chains, which is all that are read")
        }
        let answer = isGood(anchors, chain)
        answers[question] = answer
        return answer
    }

    /// A CA that was renewed has several anchors of one name; each is tried.
    private func isGood(_ anchors: [Certificate], _ chain: [[UInt8]]) -> Bool {
        guard let chain = try? UnverifiedChain(der: chain), let last = chain.certificates.last else { return false }
        let own = chain.certificates.contains { anchors.contains($0) } ? [chain] : []
        let longer = anchors.filter { !last.isSelfIssued && $0.isSelfIssued && $0.subject == last.issuer }
            .compactMap { try? UnverifiedChain(chain.certificates + [$0]) }
        return (own + longer).contains { chain in
            guard case .verified(let verified) = chain.verified(for: .codeSigning, at: now) else { return false }
            return verified.anchor(among: Set(anchors)) != nil
        }
    }
}

extension PublicKey {
    /// How signatures over statements are made with a key: ECDSA in DER, RSA as PSS. [DSSE, securesystemslib]
    package var statementScheme: SignatureScheme {
        switch type {
        case .ed25519: .ed25519
        case .ec(.p256): .ecdsa(.sha256, .der)
        case .ec(.p384): .ecdsa(.sha384, .der)
        case .ec(.p521): .ecdsa(.sha512, .der)
        case .rsa: .rsaPSS(.sha256)
        }
    }

    fileprivate func confirms(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        isValid(signature: signature, over: message, scheme: statementScheme)
    }
}

extension Attester {
    /// Whether what proves the one proves the other.
    package func isKnown(like other: Attester) -> Bool {
        switch (trust, other.trust) {
        case (.key(let mine), .key(let theirs)): mine == theirs
        case (.certificates(let mine, let subject), .certificates(let theirs, let otherSubject)):
            subject == otherSubject && !Set(mine).isDisjoint(with: theirs)
        default: false
        }
    }
}
