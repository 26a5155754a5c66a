package import Codecs
import SigningKeys

/// A token that its issuer signed and that is good now. For whom it is, whoever takes it has to look at itself.
package struct VerifiedToken: Sendable {
    package let issuer: String
    package let subject: String
    package let claims: JSONObject
    /// Never later than the moment at which it was verified.
    package let issued: UTCDate
    /// When the token stops being good, leeway included.
    package let expires: UTCDate
    /// SHA-256 of what the issuer signed, which is the same whatever was made of the signature.
    package let sha256: [UInt8]

    fileprivate init(_ token: CompactToken, of issuer: String, _ subject: String, _ times: TokenTimes) {
        (self.issuer, self.subject, claims) = (issuer, subject, token.claims)
        (issued, expires) = (times.issued, times.expires)
        sha256 = HashAlgorithm.sha256.digest(of: token.signed)
    }
}

/// An issuer whose tokens count: its name, exactly as tokens carry it, and its keys.
package struct TokenIssuer: Sendable {
    package let name: String
    private let keys: any IssuerKeys

    package init(_ name: String, keys: any IssuerKeys) {
        self.name = name
        self.keys = keys
    }

    /// Verifies a token's issuer, times, signature and subject; what costs a request comes after what costs nothing.
    /// [OpenID Connect Core §3.1.3.7, RFC 8725]
    ///
    /// - Parameter maximumAge: seconds since it was issued; nil where its own end is enough.
    package func verify(
        _ token: CompactToken, maximumAge: Int64? = nil, now: UTCDate
    ) async throws(IdentityTokenError) -> VerifiedToken {
        guard token.issuer == name else {
            throw IdentityTokenError(.issuer, "the token's issuer is none of those that count here")
        }
        let times = try TokenTimes(token.claims, maximumAge, now)
        try await keys.key(token.keyID, now: now).verify(token)
        return VerifiedToken(token, of: name, try subject(token.claims), times)
    }

    private func subject(_ claims: JSONObject) throws(IdentityTokenError) -> String {
        guard let subject = claims["sub"]?.stringOrNil, (1...255).contains(subject.utf8.count),
            subject.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw IdentityTokenError(.subject, "the token names no subject of 1 to 255 bytes") }
        return subject
    }
}

/// When a token was issued and when it ends, seen from now.
private struct TokenTimes {
    let issued: UTCDate
    let expires: UTCDate

    /// How far the issuer's clock may be from ours.
    static let leewaySeconds: Int64 = 60

    init(_ claims: JSONObject, _ maximumAge: Int64?, _ now: UTCDate) throws(IdentityTokenError) {
        guard let end = Self.time("exp", claims), let issued = Self.time("iat", claims) else {
            throw IdentityTokenError(.time, "the token does not say when it was issued and when it ends")
        }
        expires = end.adding(seconds: Self.leewaySeconds)
        guard now < expires else { throw IdentityTokenError(.time, "the token ended at \(end)") }
        guard issued <= now.adding(seconds: Self.leewaySeconds), issued < end else {
            throw IdentityTokenError(.time, "the token was issued at \(issued), which is to come")
        }
        if claims["nbf"] != nil {
            guard let start = Self.time("nbf", claims), start <= now.adding(seconds: Self.leewaySeconds) else {
                throw IdentityTokenError(.time, "the token is not good yet")
            }
        }
        if let maximumAge, now > issued.adding(seconds: maximumAge) {
            throw IdentityTokenError(.time, "the token was issued at \(issued), too long ago")
        }
        self.issued = min(issued, now)
    }

    private static func time(_ name: String, _ claims: JSONObject) -> UTCDate? {
        guard let seconds = claims[name]?.integerOrNil, seconds > 0 else { return nil }
        return UTCDate(seconds: seconds)
    }
}
