package import Codecs
package import SigningKeys

/// Makes certificates that keep Notary's rules: roots, intermediates, and the leaves that sign and timestamp.
package enum CertificateBuilder {
    /// When a certificate is valid, both ends included.
    package struct Validity: Sendable, Hashable {
        package let notBefore: UTCDate
        package let notAfter: UTCDate

        package init(from notBefore: UTCDate, to notAfter: UTCDate) throws(PKIError) {
            guard notBefore < notAfter else {
                throw PKIError(.refused, "a certificate would end at \(notAfter), before it begins at \(notBefore)")
            }
            self.notBefore = notBefore
            self.notAfter = notAfter
        }

        package init(from notBefore: UTCDate, days: Int64) throws(PKIError) {
            try self.init(from: notBefore, to: notBefore.adding(days: days).adding(seconds: -1))
        }
    }

    /// A certificate and the key that it speaks of: what issues other certificates.
    package struct Authority<Key: Signer>: Sendable {
        package let certificate: Certificate
        package let signer: Key

        /// Refuses a signer that holds another key, and a certificate that may not issue.
        package init(certificate: Certificate, signer: Key) throws(PKIError) {
            guard certificate.publicKey == signer.publicKey else {
                throw PKIError(
                    .refused, "the key is not that of the certificate \"\(certificate.subject.shortDescription)\"")
            }
            guard certificate.isCA, certificate.extensions.keyUsage?.usages.contains(.keyCertSign) == true else {
                throw PKIError(
                    .refused, "\"\(certificate.subject.shortDescription)\" is not a CA and cannot issue certificates")
            }
            self.certificate = certificate
            self.signer = signer
        }
    }

    /// A self-signed CA; `pathLength` is how many CAs may stand between it and a leaf.
    package static func root(
        subject: DistinguishedName, signer: some Signer, validity: Validity, pathLength: Int? = nil
    ) async throws -> Certificate {
        try check(subject)
        let template = CertificateTemplate(
            issuer: subject, subject: subject, notBefore: validity.notBefore, notAfter: validity.notAfter,
            publicKeyInfo: signer.publicKey.spki,
            extensions: [
                .basicConstraints(isCA: true, pathLength: pathLength), .keyUsage([.keyCertSign, .cRLSign]),
                .subjectKeyIdentifier(keyIdentifier(signer.publicKey)),
            ])
        return try await template.signed(by: signer)
    }

    /// A CA below another one.
    package static func intermediate(
        subject: DistinguishedName, publicKey: PublicKey, issuer: Authority<some Signer>, validity: Validity,
        pathLength: Int? = 0, crlURLs: [String] = []
    ) async throws -> Certificate {
        if let allowed = issuer.certificate.extensions.basicConstraints?.pathLength {
            guard allowed > 0, let pathLength, pathLength < allowed else {
                throw PKIError(
                    .refused, "the issuer allows \(allowed) CA certificates below it; the new one would allow more",
                    hint: allowed > 0 ? "give a path length below \(allowed)" : "issue signing certificates from it")
            }
        }
        return try await issue(
            subject: subject, publicKey: publicKey, issuer: issuer, validity: validity, crlURLs: crlURLs,
            extensions: [
                .basicConstraints(isCA: true, pathLength: pathLength), .keyUsage([.keyCertSign, .cRLSign]),
            ])
    }

    /// A certificate that signs artifacts or timestamps.
    ///
    /// Keys are those that Notary signs with; the subject of a code signing certificate names country, state and
    /// organisation, because trusted identities must.
    package static func leaf(
        _ purpose: ChainPurpose, subject: DistinguishedName, publicKey: PublicKey, issuer: Authority<some Signer>,
        validity: Validity, crlURLs: [String] = []
    ) async throws -> Certificate {
        try checkLeaf(purpose, subject, publicKey)
        let usage: CertificateExtension =
            switch purpose {
            case .codeSigning: try .extendedKeyUsage([ObjectIdentifier.codeSigning])
            case .timestamping: try .extendedKeyUsage([ObjectIdentifier.timeStamping], isCritical: true)
            }
        return try await issue(
            subject: subject, publicKey: publicKey, issuer: issuer, validity: validity, crlURLs: crlURLs,
            extensions: [.basicConstraints(isCA: false), .keyUsage([.digitalSignature]), usage])
    }

    /// A code signing certificate that vouches for itself: for trying things out.
    package static func selfSignedLeaf(
        subject: DistinguishedName, signer: some Signer, validity: Validity
    ) async throws -> Certificate {
        try checkLeaf(.codeSigning, subject, signer.publicKey)
        let template = CertificateTemplate(
            issuer: subject, subject: subject, notBefore: validity.notBefore, notAfter: validity.notAfter,
            publicKeyInfo: signer.publicKey.spki,
            extensions: [
                .basicConstraints(isCA: false), .keyUsage([.digitalSignature]),
                try .extendedKeyUsage([ObjectIdentifier.codeSigning]),
                .subjectKeyIdentifier(keyIdentifier(signer.publicKey)),
            ])
        return try await template.signed(by: signer)
    }

    private static func issue(
        subject: DistinguishedName, publicKey: PublicKey, issuer: Authority<some Signer>, validity: Validity,
        crlURLs: [String], extensions: [CertificateExtension]
    ) async throws -> Certificate {
        try check(subject)
        let authority = issuer.certificate
        guard subject != authority.subject else {
            throw PKIError(.refused, "the new certificate would have the name of its issuer")
        }
        guard validity.notBefore >= authority.notBefore, validity.notAfter <= authority.notAfter else {
            throw PKIError(
                .refused, "the issuer is valid from \(authority.notBefore) to \(authority.notAfter) only",
                hint: "choose a validity within that of the issuer")
        }
        var extensions = extensions
        extensions.append(.subjectKeyIdentifier(keyIdentifier(publicKey)))
        extensions.append(
            .authorityKeyIdentifier(
                authority.extensions.subjectKeyIdentifier ?? keyIdentifier(issuer.signer.publicKey)))
        if !crlURLs.isEmpty {
            try check(crlURLs: crlURLs)
            extensions.append(.crlDistributionPoints(crlURLs))
        }
        let template = CertificateTemplate(
            issuer: authority.subject, subject: subject, notBefore: validity.notBefore, notAfter: validity.notAfter,
            publicKeyInfo: publicKey.spki, extensions: extensions)
        return try await template.signed(by: issuer.signer)
    }

    /// Refuses addresses of revocation lists that clients would not ask.
    package static func check(crlURLs: [String]) throws(PKIError) {
        guard crlURLs.allSatisfy({ $0.hasPrefix("http://") && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } })
        else {
            throw PKIError(
                .refused, "an address of a revocation list is not an http URL",
                hint: "clients fetch revocation lists over http only; the lists carry their own signature")
        }
    }

    private static func check(_ subject: DistinguishedName) throws(PKIError) {
        guard !subject.isEmpty else { throw PKIError(.refused, "a certificate would have no subject") }
    }

    private static func checkLeaf(
        _ purpose: ChainPurpose, _ subject: DistinguishedName, _ publicKey: PublicKey
    ) throws(PKIError) {
        guard ChainRules.leafKeys.contains(publicKey.type) else {
            throw PKIError(
                .refused, "a signing certificate is not made for a key of type \(publicKey.type)",
                hint: "signing keys are EC P-256, P-384 or P-521, or RSA 2048, 3072 or 4096")
        }
        guard purpose == .codeSigning else { return }
        let missing = [NameAttributeType.country, .stateOrProvince, .organization].filter {
            subject.values(of: $0).isEmpty
        }
        guard missing.isEmpty else {
            throw PKIError(
                .refused, "the subject of a signing certificate has no \(missing.map(\.text).joined(separator: ", "))",
                hint: "trusted identities name country, state and organisation, as in CN=signer,O=Example,ST=WA,C=US")
        }
    }

    /// The leftmost 160 bits of SHA-256 over the SubjectPublicKeyInfo. [RFC 7093 §2, methods 1 and 4]
    package static func keyIdentifier(_ key: PublicKey) -> [UInt8] { Array(key.fingerprint.prefix(20)) }
}
