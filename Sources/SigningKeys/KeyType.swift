/// The elliptic curves that keys may use.
package enum EllipticCurve: String, Sendable, CaseIterable {
    case p256, p384, p521

    /// Name as in SEC and FIPS documents, which is also what people type.
    package var name: String {
        switch self {
        case .p256: "P-256"
        case .p384: "P-384"
        case .p521: "P-521"
        }
    }

    /// Octets of a field element, and so of each half of a fixed signature.
    package var coordinateBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    var objectIdentifier: String {
        switch self {
        case .p256: "1.2.840.10045.3.1.7"
        case .p384: "1.3.132.0.34"
        case .p521: "1.3.132.0.35"
        }
    }
}

/// What kind of key it is, and how large.
package enum KeyType: Sendable, Hashable, CustomStringConvertible {
    case rsa(bits: Int)
    case ec(EllipticCurve)
    case ed25519

    /// Smaller RSA keys are refused everywhere; larger ones cost more to check than anybody should be able to ask for.
    package static let rsaBits = 2_048...8_192

    package var description: String {
        switch self {
        case .rsa(let bits): "RSA \(bits)"
        case .ec(let curve): "EC \(curve.name)"
        case .ed25519: "Ed25519"
        }
    }

    /// Whether keys of this type make and check signatures of a scheme.
    package func supports(_ scheme: SignatureScheme) -> Bool {
        switch (self, scheme) {
        case (.ed25519, .ed25519), (.ec, .ecdsa), (.rsa, .rsaPSS): true
        default: false
        }
    }
}

/// How the two numbers of an ECDSA signature are written down.
package enum ECDSAForm: Sendable, Hashable {
    /// A DER SEQUENCE of two INTEGERs: TUF, X.509.
    case der
    /// r and s one after the other, each as long as a coordinate: JWS, COSE.
    case fixed
}

/// How a signature is computed and encoded.
package enum SignatureScheme: Sendable, Hashable, CustomStringConvertible {
    case ed25519
    case ecdsa(HashAlgorithm, ECDSAForm)
    /// Salt as long as the hash, MGF1 with the same hash.
    case rsaPSS(HashAlgorithm)

    package var description: String {
        switch self {
        case .ed25519: "Ed25519"
        case .ecdsa(let hash, let form): "ECDSA with \(hash.rawValue) (\(form == .der ? "DER" : "r‖s"))"
        case .rsaPSS(let hash): "RSA-PSS with \(hash.rawValue)"
        }
    }
}
