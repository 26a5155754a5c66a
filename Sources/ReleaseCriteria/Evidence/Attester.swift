import Codecs
package import PKI
package import SigningKeys

/// Somebody whose statements count: a public key, or certificates of one subject below an anchor.
package struct Attester: Sendable {
    enum Trust: Sendable {
        case key(PublicKey)
        case certificates(anchors: Set<Certificate>, subject: DistinguishedName)
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
        _ name: String, anchors: Set<Certificate>, subject: DistinguishedName, person: String? = nil
    ) {
        self.name = name
        self.person = person ?? name
        trust = .certificates(anchors: anchors, subject: subject)
    }

    /// The key by which this attester made a signature; nil when it did not.
    func key(of signature: DSSEEnvelope.Signature, over message: [UInt8], at now: UTCDate) -> PublicKey? {
        switch trust {
        case .key(let key): key.confirms(signature.bytes, over: message) ? key : nil
        case .certificates(let anchors, let subject):
            leafKey(signature, anchors, subject, now).flatMap { $0.confirms(signature.bytes, over: message) ? $0 : nil }
        }
    }

    /// The leaf's key, where its chain is good now, ends at an anchor and has the subject that is believed.
    private func leafKey(
        _ signature: DSSEEnvelope.Signature, _ anchors: Set<Certificate>, _ subject: DistinguishedName, _ now: UTCDate
    ) -> PublicKey? {
        guard !signature.certificates.isEmpty, var chain = try? UnverifiedChain(der: signature.certificates),
            let leaf = chain.certificates.first, leaf.subject == subject
        else { return nil }
        if let last = chain.certificates.last, !last.isSelfIssued,
            let issuer = anchors.first(where: { $0.isSelfIssued && $0.subject == last.issuer }),
            let longer = try? UnverifiedChain(chain.certificates + [issuer])
        {
            chain = longer
        }
        guard case .verified(let verified) = chain.verified(for: .codeSigning, at: now),
            verified.anchor(among: anchors) != nil
        else { return nil }
        return leaf.publicKey
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
    /// The key of one who is known by a key.
    package var publicKey: PublicKey? { if case .key(let key) = trust { key } else { nil } }
}
