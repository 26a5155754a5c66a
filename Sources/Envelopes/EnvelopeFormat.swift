/// The two formats of a signature envelope. [Notary signature-specification, "Signature Envelope"]
package enum EnvelopeFormat: String, Sendable, CaseIterable {
    case jws
    case cose

    package init?(mediaType: String) {
        guard let format = Self.allCases.first(where: { $0.mediaType == mediaType }) else { return nil }
        self = format
    }

    package var mediaType: String {
        switch self {
        case .jws: "application/jose+json"
        case .cose: "application/cose"
        }
    }

    /// Largest envelope that is read.
    package static let maximumBytes = 32 << 20
    /// Most certificates in a chain; notation's own tools write three or four.
    package static let maximumCertificates = 32
}

/// Who vouches for the time of signing. [Notary signing-scheme]
package enum SigningScheme: String, Sendable, CaseIterable {
    /// The signer itself; a timestamp may confirm its claim.
    case x509 = "notary.x509"
    /// A signing authority, whose time is believed.
    case signingAuthority = "notary.x509.signingAuthority"
}

/// The names of the attributes that both formats share.
enum AttributeName {
    static let signingScheme = "io.cncf.notary.signingScheme"
    static let signingTime = "io.cncf.notary.signingTime"
    static let authenticSigningTime = "io.cncf.notary.authenticSigningTime"
    static let expiry = "io.cncf.notary.expiry"
    static let verificationPlugin = "io.cncf.notary.verificationPlugin"
    static let verificationPluginMinimumVersion = "io.cncf.notary.verificationPluginMinVersion"
    static let signingAgent = "io.cncf.notary.signingAgent"
    static let timestampSignature = "io.cncf.notary.timestampSignature"
}
