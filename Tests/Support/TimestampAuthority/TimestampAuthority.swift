package import Codecs
package import PKI
package import SigningKeys

/// A time-stamping authority for tests: a root, and a signer below it that can be spoilt.
package struct TimestampAuthority: Sendable {
    package let rootKey: PrivateKey
    package let root: Certificate
    package let key: PrivateKey
    package let certificate: Certificate

    /// - Parameter spoil: changes the signer's certificate before the root signs it.
    package init(
        _ type: KeyType = .ec(.p256), from start: UTCDate, days: Int64 = 365, crlURLs: [String] = [],
        spoil: @Sendable (inout CertificateTemplate) throws -> Void = { _ in }
    ) async throws {
        rootKey = try PrivateKey.generate(.ec(.p384))
        root = try await CertificateBuilder.root(
            subject: try DistinguishedName("CN=Time root,O=Clock,C=US"), signer: rootKey,
            validity: try CertificateBuilder.Validity(from: start, days: 3_650))
        key = try PrivateKey.generate(type)
        let made = try await CertificateBuilder.leaf(
            .timestamping, subject: try DistinguishedName("CN=Time unit,O=Clock,C=US"), publicKey: key.publicKey,
            issuer: try CertificateBuilder.Authority(certificate: root, signer: rootKey),
            validity: try CertificateBuilder.Validity(from: start, days: days), crlURLs: crlURLs)
        var template = CertificateTemplate(
            serialNumber: made.serialNumber, issuer: made.issuer, subject: made.subject, notBefore: made.notBefore,
            notAfter: made.notAfter, publicKeyInfo: made.publicKeyInfo, extensions: made.extensions.all)
        try spoil(&template)
        certificate = try await template.signed(by: rootKey)
    }

    /// A token over some bytes.
    package func token(over message: [UInt8], at time: UTCDate, hash: HashAlgorithm = .sha256) async throws -> [UInt8] {
        try await TokenDraft(self, imprint: hash.digest(of: message), hash: hash, time: time).token()
    }

    /// A whole answer to a request, its token made by ourselves, with anything about it changed.
    package func answer(
        to request: [UInt8], at time: UTCDate, change: (inout TokenDraft) throws -> Void = { _ in }
    ) async throws -> [UInt8] {
        var draft = try TokenDraft(self, request: request, time: time)
        try change(&draft)
        return DER.sequence(DER.sequence(DER.integer(0)), try await draft.token())
    }

    /// An answer that refuses.
    package static func refusal(_ text: String, status: UInt64 = 2, failure: Int = 15) -> [UInt8] {
        let words = DER.sequence(DER.element(.utf8String, Array(text.utf8)))
        return DER.sequence(DER.sequence(DER.integer(status), words, DER.namedBits([failure])))
    }
}
