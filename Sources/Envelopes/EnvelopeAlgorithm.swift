package import SigningKeys

/// The six signature algorithms of the Notary Project, each bound to one kind of key.
/// [Notary signature-specification, "Signature Algorithm Requirements"]
package enum EnvelopeAlgorithm: String, Sendable, CaseIterable {
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"

    /// The algorithm that follows from a key; nil for keys that the Notary Project does not allow.
    package init?(_ type: KeyType) {
        guard let algorithm = Self.allCases.first(where: { $0.keyType == type }) else { return nil }
        self = algorithm
    }

    /// The algorithm that a key signs with: the one place that decides whether a key can sign for the Notary Project. It is
    /// asked when a key is opened, since some places tie their keys to another hash than its type asks for.
    package init(usableBy signer: some Signer) throws(KeyError) {
        guard let algorithm = Self(signer.publicKey.type) else {
            throw KeyError(
                .scheme, "a key of type \(signer.publicKey.type) cannot sign for the Notary Project",
                hint: "use RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521")
        }
        try signer.check(algorithm.signatureScheme)
        self = algorithm
    }

    init?(coseLabel: Int64) {
        guard let algorithm = Self.allCases.first(where: { $0.coseLabel == coseLabel }) else { return nil }
        self = algorithm
    }

    package var keyType: KeyType {
        switch self {
        case .ps256: .rsa(bits: 2_048)
        case .ps384: .rsa(bits: 3_072)
        case .ps512: .rsa(bits: 4_096)
        case .es256: .ec(.p256)
        case .es384: .ec(.p384)
        case .es512: .ec(.p521)
        }
    }

    package var signatureScheme: SignatureScheme {
        switch self {
        case .ps256: .rsaPSS(.sha256)
        case .ps384: .rsaPSS(.sha384)
        case .ps512: .rsaPSS(.sha512)
        case .es256: .ecdsa(.sha256, .fixed)
        case .es384: .ecdsa(.sha384, .fixed)
        case .es512: .ecdsa(.sha512, .fixed)
        }
    }

    /// The hash of the algorithm, which timestamps and digests of blobs follow.
    package var hash: HashAlgorithm {
        switch self {
        case .ps256, .es256: .sha256
        case .ps384, .es384: .sha384
        case .ps512, .es512: .sha512
        }
    }

    /// The number in a COSE header. [RFC 9053 §2.1, RFC 8230 §2]
    var coseLabel: Int64 {
        switch self {
        case .ps256: -37
        case .ps384: -38
        case .ps512: -39
        case .es256: -7
        case .es384: -35
        case .es512: -36
        }
    }
}
