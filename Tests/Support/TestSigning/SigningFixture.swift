package import Codecs
package import Envelopes
package import PKI
package import SigningKeys

/// A root, a signing certificate below it and their keys, made for one test.
package struct SigningFixture: Sendable {
    package let rootKey: PrivateKey
    package let root: Certificate
    package let key: PrivateKey
    package let leaf: Certificate

    /// The moment at which the fixture signs.
    package static let now = UTCDate(seconds: 1_795_000_000)

    package var chain: [Certificate] { [leaf, root] }

    package init(
        _ type: KeyType = .ec(.p256), subject: String = "CN=CI,OU=ci,O=Acme,ST=WA,C=US", rootName: String = "Acme root",
        days: Int64 = 30, crlURLs: [String] = []
    ) async throws {
        let start = Self.now.adding(days: -1)
        rootKey = try PrivateKey.generate(.ec(.p384))
        root = try await CertificateBuilder.root(
            subject: try DistinguishedName("CN=\(rootName),O=Acme,ST=WA,C=US"), signer: rootKey,
            validity: try CertificateBuilder.Validity(from: start, days: 3_650))
        key = try PrivateKey.generate(type)
        leaf = try await CertificateBuilder.leaf(
            .codeSigning, subject: try DistinguishedName(subject), publicKey: key.publicKey,
            issuer: try CertificateBuilder.Authority(certificate: root, signer: rootKey),
            validity: try CertificateBuilder.Validity(from: start, days: days), crlURLs: crlURLs)
    }

    package static let artifact = TargetArtifact(
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", size: 4)

    package func sign(
        _ artifact: TargetArtifact = SigningFixture.artifact, as format: EnvelopeFormat = .jws,
        scheme: SigningScheme = .x509, expiry: UTCDate? = nil, timestamps: (any TimestampSource)? = nil
    ) async throws -> [UInt8] {
        try await EnvelopeWriter(format: format, signingAgent: "test/1", scheme: scheme, timestamps: timestamps)
            .sign(artifact, chain: chain, signer: key, at: Self.now, expiry: expiry)
    }
}
