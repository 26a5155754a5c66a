package import Codecs

/// What the first certificate of a chain is to be used for.
package enum ChainPurpose: Sendable, Hashable, CaseIterable {
    case codeSigning, timestamping
}

/// Certificates as a signature carries them: the signing certificate first, the root last, nothing verified.
package struct UnverifiedChain: Sendable, Hashable {
    package let certificates: [Certificate]

    /// More certificates than any honest chain has.
    package static let maximumCertificates = 20

    package init(_ certificates: [Certificate]) throws(PKIError) {
        guard !certificates.isEmpty else { throw PKIError(.empty, "a certificate chain is empty") }
        guard certificates.count <= Self.maximumCertificates else {
            throw PKIError(
                .limit,
                "a chain has \(certificates.count) certificates, at most \(Self.maximumCertificates) are read")
        }
        self.certificates = certificates
    }

    /// Takes certificates in DER, each with nothing after it.
    package init(der: [[UInt8]]) throws(PKIError) {
        guard der.count <= Self.maximumCertificates else {
            throw PKIError(
                .limit, "a chain has \(der.count) certificates, at most \(Self.maximumCertificates) are read")
        }
        var certificates: [Certificate] = []
        for bytes in der { certificates.append(try Certificate(der: bytes)) }
        try self.init(certificates)
    }

    /// Checks everything that does not depend on time: links, signatures, keys and uses, by Notary's rules.
    ///
    /// Whether the chain is trusted is another question: ask the result for an anchor.
    package func verified(for purpose: ChainPurpose) -> ChainVerification {
        let findings = ChainRules(certificates, purpose).findings()
        return findings.isEmpty ? .verified(VerifiedChain(certificates, purpose)) : .rejected(findings)
    }

    /// The same, and every certificate is valid at a moment.
    package func verified(for purpose: ChainPurpose, at time: UTCDate) -> ChainVerification {
        let outcome = verified(for: purpose)
        guard case .verified(let chain) = outcome else { return outcome }
        let findings = chain.validityFindings(at: time)
        return findings.isEmpty ? outcome : .rejected(findings)
    }
}

/// The outcome of checking a chain.
package enum ChainVerification: Sendable {
    case verified(VerifiedChain)
    /// In the order of the certificates; never empty.
    case rejected([ChainFinding])
}

/// A chain whose links, signatures, keys and uses were all checked; trust and time are the holder's to ask for.
package struct VerifiedChain: Sendable, Hashable {
    /// The signing certificate first, the root last.
    package let certificates: [Certificate]
    package let purpose: ChainPurpose
    package let leaf: Certificate
    package let root: Certificate

    fileprivate init(_ certificates: [Certificate], _ purpose: ChainPurpose) {
        self.certificates = certificates
        self.purpose = purpose
        leaf = certificates[0]
        root = certificates[certificates.count - 1]
    }

    /// The certificate nearest to the leaf that is one of the anchors, byte for byte; any of the chain may be one.
    package func anchor(among anchors: Set<Certificate>) -> Certificate? {
        certificates.first(where: anchors.contains)
    }

    /// Which certificates are not valid at a moment. [RFC 5280 §4.1.2.5]
    package func validityFindings(at time: UTCDate) -> [ChainFinding] {
        certificates.enumerated().compactMap { index, certificate in
            guard !certificate.isValid(at: time) else { return nil }
            let reason =
                time < certificate.notBefore
                ? "it is not valid before \(certificate.notBefore), asked for \(time)"
                : "it expired at \(certificate.notAfter), asked for \(time)"
            return ChainFinding(
                index: index, subject: certificate.subject.shortDescription, rule: .validity, reason: reason)
        }
    }
}
