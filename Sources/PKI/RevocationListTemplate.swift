package import Codecs
package import SigningKeys

/// Everything that goes into a revocation list, ready to be signed; checks nothing, so that tests can make bad ones too.
package struct RevocationListTemplate: Sendable {
    package var issuer: DistinguishedName
    package var thisUpdate: UTCDate
    package var nextUpdate: UTCDate
    package var entries: [RevokedCertificate]
    package var extensions: [CertificateExtension]

    package init(
        issuer: DistinguishedName, thisUpdate: UTCDate, nextUpdate: UTCDate, entries: [RevokedCertificate],
        extensions: [CertificateExtension]
    ) {
        self.issuer = issuer
        self.thisUpdate = thisUpdate
        self.nextUpdate = nextUpdate
        self.entries = entries
        self.extensions = extensions
    }

    /// Signs with the scheme that fits the key's size.
    package func signed(by signer: some Signer) async throws -> RevocationList {
        let scheme = signer.publicKey.type.certificateScheme
        let algorithm = try CertificateSignatureAlgorithm.encoded(scheme)
        let signedBytes = try encoded(algorithm)
        guard signedBytes.count <= RevocationList.maximumBytes - Self.signatureBytes else {
            throw PKIError(
                .limit,
                "a revocation list of \(entries.count) entries would be larger than the \(RevocationList.maximumBytes) bytes that clients read",
                hint: "issue from a new CA, so that each has a list of its own")
        }
        let signature = try await verifiedSignature(by: signer, over: signedBytes, scheme: scheme)
        return try RevocationList(der: DER.sequence(signedBytes, algorithm, DER.bitString(signature)))
    }

    private func encoded(_ algorithm: [UInt8]) throws -> [UInt8] {
        var fields = [DER.integer(1), algorithm, issuer.der, DER.time(thisUpdate), DER.time(nextUpdate)]
        if !entries.isEmpty { fields.append(DER.sequence(of: try entries.map { try $0.encoded })) }
        if !extensions.isEmpty {
            fields.append(DER.explicit(0, DER.sequence(of: try extensions.map { try $0.encoded })))
        }
        return DER.sequence(of: fields)
    }

    /// More than any signature and its algorithm take.
    private static let signatureBytes = 4_096
}

extension CertificateBuilder {
    /// The full list of what an authority has revoked. [RFC 5280 §5]
    ///
    /// - Parameter number: larger than that of every list before it; who keeps the numbers sees to it.
    package static func revocationList(
        of entries: [RevokedCertificate], issuer: Authority<some Signer>, number: UInt64, thisUpdate: UTCDate,
        nextUpdate: UTCDate
    ) async throws -> RevocationList {
        let authority = issuer.certificate
        guard authority.extensions.keyUsage?.usages.contains(.cRLSign) == true else {
            throw PKIError(
                .refused, "the key usage of \"\(authority.subject.shortDescription)\" does not allow revocation lists",
                hint: "roadstead ca init makes certificates that allow them")
        }
        guard thisUpdate < nextUpdate else {
            throw PKIError(.refused, "a revocation list would end at \(nextUpdate), before it begins at \(thisUpdate)")
        }
        let template = RevocationListTemplate(
            issuer: authority.subject, thisUpdate: thisUpdate, nextUpdate: nextUpdate, entries: entries,
            extensions: [
                .authorityKeyIdentifier(
                    authority.extensions.subjectKeyIdentifier ?? keyIdentifier(issuer.signer.publicKey)),
                .crlNumber(number),
            ])
        return try await template.signed(by: issuer.signer)
    }
}

extension CertificateExtension {
    package static func crlNumber(_ number: UInt64) -> Self {
        Self(identifier: ObjectIdentifier.crlNumber, isCritical: false, value: DER.integer(number))
    }
}
