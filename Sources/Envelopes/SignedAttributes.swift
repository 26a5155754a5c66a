package import Codecs

/// What a signature vouches for beside its payload.
package struct SignedAttributes: Sendable, Hashable {
    package let scheme: SigningScheme
    /// When the signer says that it signed; only in the scheme `notary.x509`, and believed by nobody on its own.
    package let signingTime: UTCDate?
    /// When the signing authority says that it signed; only in the scheme `notary.x509.signingAuthority`.
    package let authenticSigningTime: UTCDate?
    package let expiry: UTCDate?
}

/// The protected attributes as either format carries them, before anything is judged.
struct AttributeReader {
    /// Names of all attributes, those of the envelope format (algorithm, content type, crit) left out.
    var names: [String] = []
    var critical: [String] = []
    var scheme: String?
    var signingTime: UTCDate?
    var authenticSigningTime: UTCDate?
    var expiry: UTCDate?

    /// Holds the attributes against the rules of both formats.
    ///
    /// Critical must be: the scheme, the expiry, and an authority's time. A critical attribute that is absent or unknown
    /// fails, also where no verification plugin is named. [Notary signature-specification, "Signed Attributes"]
    func attributes() throws(EnvelopeError) -> SignedAttributes {
        guard let scheme else { throw EnvelopeError(.scheme, "the envelope does not name its signing scheme") }
        guard let scheme = SigningScheme(rawValue: scheme) else {
            throw EnvelopeError(.scheme, "the envelope has the unknown signing scheme \"\(scheme.cut(to: 80))\"")
        }
        try checkCritical(scheme)
        try checkTimes(scheme)
        return SignedAttributes(
            scheme: scheme, signingTime: signingTime, authenticSigningTime: authenticSigningTime, expiry: expiry)
    }

    private func checkCritical(_ scheme: SigningScheme) throws(EnvelopeError) {
        guard Set(critical).count == critical.count else {
            throw EnvelopeError(.critical, "an attribute is marked critical twice")
        }
        var known = [AttributeName.signingScheme, AttributeName.expiry]
        if scheme == .signingAuthority { known.append(AttributeName.authenticSigningTime) }
        for name in known where names.contains(name) && !critical.contains(name) {
            throw EnvelopeError(.critical, "the attribute \(name) is not marked critical")
        }
        for name in critical {
            guard names.contains(name) else {
                throw EnvelopeError(.critical, "the attribute \"\(name.cut(to: 80))\" is marked critical and absent")
            }
            if name == AttributeName.verificationPlugin || name == AttributeName.verificationPluginMinimumVersion {
                throw EnvelopeError(
                    .plugin, "the envelope can only be verified by a verification plugin, which Roadstead does not run")
            }
            guard known.contains(name) else {
                throw EnvelopeError(.critical, "the critical attribute \"\(name.cut(to: 80))\" is not known")
            }
        }
    }

    private func checkTimes(_ scheme: SigningScheme) throws(EnvelopeError) {
        let (required, foreign) =
            scheme == .x509
            ? (AttributeName.signingTime, AttributeName.authenticSigningTime)
            : (AttributeName.authenticSigningTime, AttributeName.signingTime)
        guard names.contains(required) else {
            throw EnvelopeError(.scheme, "the envelope has no \(required), which its signing scheme requires")
        }
        guard !names.contains(foreign) else {
            throw EnvelopeError(.scheme, "the envelope has a \(foreign), which its signing scheme does not allow")
        }
        if let expiry, let signed = signingTime ?? authenticSigningTime, expiry <= signed {
            throw EnvelopeError(.scheme, "the signature expires at \(expiry), before it was made at \(signed)")
        }
    }
}
