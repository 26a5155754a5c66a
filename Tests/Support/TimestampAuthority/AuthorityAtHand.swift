package import Codecs
import Envelopes
package import PKI
package import SigningKeys

/// An authority that is at hand, in the place of one in the network.
package struct AuthorityAtHand: TimestampSource {
    package let authority: TimestampAuthority
    package var time: UTCDate
    /// What it signs instead of what it is asked to.
    package var message: [UInt8]?

    package init(_ authority: TimestampAuthority, at time: UTCDate, message: [UInt8]? = nil) {
        self.authority = authority
        self.time = time
        self.message = message
    }

    package func timestamp(over signature: [UInt8], hash: HashAlgorithm) async throws -> VerifiedTimestamp {
        let message = message ?? signature
        let token = try await authority.token(over: message, at: time, hash: hash)
        return try UnverifiedTimestamp(der: token).verified(over: message, roots: [authority.root])
    }
}
