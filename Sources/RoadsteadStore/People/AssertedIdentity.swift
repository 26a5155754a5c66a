package import Codecs
package import TrustModel

/// What a provider's token says of its subject, verified: only a verifier of tokens makes one.
package struct AssertedIdentity: Sendable, Equatable {
    package let issuer: String
    package let subject: String
    package let displayName: String
    package let groups: [String]
    package let issued: UTCDate
    /// When the token stops being good, leeway included.
    package let expires: UTCDate
    /// SHA-256 of what the issuer signed, which is the same whatever was made of the signature.
    package let tokenSHA256: [UInt8]
    /// Whether people may sign in by it; the tokens of other issuers speak for linked machines only.
    package let isForPeople: Bool

    /// Groups of a token are good for this long after it was issued, unless a newer one says otherwise.
    package static let groupSeconds: Int64 = 24 * 3_600
    package static let mostGroups = 500
    package static let longestGroup = 256
    /// The longest session that signing in gives.
    package static let sessionSeconds: Int64 = 12 * 3_600

    package init(
        issuer: String, subject: String, displayName: String, groups: [String], issued: UTCDate, expires: UTCDate,
        tokenSHA256: [UInt8], isForPeople: Bool = true
    ) {
        self.issuer = issuer
        self.subject = subject
        self.displayName = displayName
        self.groups = groups
        self.issued = issued
        self.expires = expires
        self.tokenSHA256 = tokenSHA256
        self.isForPeople = isForPeople
    }
}

/// Whether a person who is not known yet is made at the first sign-in, without any role.
package enum SignUp: Sendable { case open, closed }

/// Another identity of a person, or a machine that acts for one.
package struct IdentityLink: Sendable, Equatable {
    package let id: Int64
    package let issuer: String
    package let subject: String
    package let person: PersonID
    package let limits: TokenLimits
    package let linked: UTCDate
    /// The change that brought it.
    package let change: Int64
}
