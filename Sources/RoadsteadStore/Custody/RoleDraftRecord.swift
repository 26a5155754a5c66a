package import Codecs
package import TrustModel

/// A team's next role that waits for signatures, or that did.
package struct RoleDraftRecord: Sendable, Equatable {
    package enum State: String, Sendable { case open, closed, void }

    package struct Signature: Sendable, Equatable {
        package let keyID: String
        package let signature: [UInt8]
        /// The key's holder; nil for the server's own key.
        package let person: PersonID?
    }

    /// A quorum that has to sign.
    package struct Party: Sendable, Equatable {
        package let epoch: Int64
        package let keys: [PublicKeyRecord]
        package let threshold: Int
        /// Login names of the keys' holders by key id; none for the server's key.
        package let holders: [String: String]
        /// Keys that sign nothing more.
        package let retired: Set<String>
    }

    package let id: Int64
    package let team: TeamName
    package let contentNumber: Int64
    package let version: Int64
    /// The canonical bytes to sign.
    package let signedPart: [UInt8]
    /// The target files that it lists, by the path at which fleets serve them.
    package let files: [String: [UInt8]]
    package let state: State
    package let note: String?
    package let opened: UTCDate
    package let expires: UTCDate
    package let closed: UTCDate?
    package let quorum: Party
    /// Who spoke before and signs too; nil where nobody has to.
    package let former: Party?
    /// Of keys in use only.
    package let signatures: [Signature]
}

/// What the publisher needs to know of a team whose members sign to open, keep or close a draft for a fleet.
package struct TeamDrafting: Sendable {
    package let team: TeamName
    package let quorum: RoleDraftRecord.Party
    /// Who signs beside these keys; nil once every fleet knows them.
    package let former: RoleDraftRecord.Party?
    /// Whether the members sign this once more, and the server after them.
    package let isHandingBack: Bool
    /// The version that the next draft uses up.
    package let nextVersion: Int64
    /// The newest signed role, and the files of its draft.
    package let newest: TeamRoleRecord?
    package let newestFiles: [String: [UInt8]]
    /// Whether a renewal was asked for that no closed draft has answered yet.
    package let renewalAsked: Bool
    package let open: [RoleDraftRecord]
    /// The draft that the fleet waits for.
    package let needed: Int64?
}

/// A draft to be opened.
package struct NewRoleDraft: Sendable {
    package let team: TeamName
    package let epoch: Int64
    package let formerEpoch: Int64?
    package let contentNumber: Int64
    package let version: Int64
    package let signedPart: [UInt8]
    package let files: [String: [UInt8]]
    /// Of the server's own key, where it hands over or takes over.
    package let signatures: [RoleDraftRecord.Signature]

    package init(
        team: TeamName, epoch: Int64, formerEpoch: Int64?, contentNumber: Int64, version: Int64, signedPart: [UInt8],
        files: [String: [UInt8]], signatures: [(keyID: String, signature: [UInt8])]
    ) {
        self.team = team
        self.epoch = epoch
        self.formerEpoch = formerEpoch
        self.contentNumber = contentNumber
        self.version = version
        self.signedPart = signedPart
        self.files = files
        self.signatures = signatures.map {
            RoleDraftRecord.Signature(keyID: $0.keyID, signature: $0.signature, person: nil)
        }
    }
}

/// A draft without its keys and signatures.
struct RoleDraftRow: Sendable {
    let id: Int64
    let teamRow: Int64
    let team: TeamName
    let epoch: Int64
    let formerEpoch: Int64?
    let contentNumber: Int64
    let version: Int64
    let signedPart: [UInt8]
    let files: [String: [UInt8]]
    let state: RoleDraftRecord.State
    let note: String?
    let opened: UTCDate
    let expires: UTCDate
    let closed: UTCDate?
}

/// Files by name as they stand in a column: canonical JSON of base64.
enum StoredFiles {
    static func bytes(_ files: [String: [UInt8]]) throws -> [UInt8] {
        try JSON(encoding: files.mapValues { Base64.encode($0) }).canonicalBytes()
    }

    static func read(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        let texts: [String: String] = try JSON(parsing: bytes, limits: JSONLimits(bytes: bytes.count, depth: 2))
            .decode(place: "the files of a draft")
        return try texts.mapValues { try Base64.decode($0) }
    }
}
