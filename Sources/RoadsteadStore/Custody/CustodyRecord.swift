package import Codecs
package import TrustModel

/// A key that a member of a team holds.
package struct TeamKeyRecord: Sendable, Equatable {
    package let key: PublicKeyRecord
    package let team: TeamName
    package let holder: PersonID
    /// The holder's login name.
    package let holderName: String
    package let registered: UTCDate
    package let retired: UTCDate?
    /// Whether what it signs counts: it is in use, and its holder may still hold a key of the team.
    package let counts: Bool
}

/// Who signs a team's role since when; epoch 0 is the server, before anything was said.
package struct CustodyRecord: Sendable, Equatable {
    package let team: TeamName
    package let epoch: Int64
    package let custody: Custody
    /// Keys that sign, retired ones among them; none in the server's custody.
    package let keys: [TeamKeyRecord]
    package let threshold: Int
    package let formerLost: Bool
    /// The change that said so.
    package let change: Int64?
    package let created: UTCDate?
}

/// The keys of a team in its own custody, as the publisher needs them.
package struct TeamQuorumRecord: Sendable, Equatable {
    package let epoch: Int64
    package let keys: [PublicKeyRecord]
    package let threshold: Int
}

/// A custody epoch without its keys.
struct CustodyRow: Sendable {
    let team: Int64
    let epoch: Int64
    let custody: Custody
    let threshold: Int
    let formerLost: Bool
    let change: Int64
    let created: UTCDate
}
