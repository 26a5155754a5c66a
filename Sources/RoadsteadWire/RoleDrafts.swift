package import Codecs
package import TrustModel

/// A team's next role that waits for the signatures of its members, or did.
package struct RoleDraftBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let team: TeamName
    /// Counts the settings of who signs.
    package let epoch: Int64
    package let version: Int64
    /// Base64 of the exact canonical bytes.
    package let toSign: String
    /// The target files that those bytes list.
    package let files: [RoleDraftFile]
    /// Base64 of the team's signed role that it follows; absent for the first one.
    package let base: String?
    /// The target files of that role, as far as they are kept with it.
    package let oldFiles: [RoleDraftFile]
    /// What it changes, a line each.
    package let difference: [String]
    package let keys: [RoleDraftKey]
    /// What is still missing, a line each.
    package let missing: [String]
    /// open, closed or void.
    package let state: String
    /// Why it is void.
    package let note: String?
    package let opened: UTCDate
    package let expires: UTCDate

    package init(
        id: Int64, team: TeamName, epoch: Int64, version: Int64, toSign: String, files: [RoleDraftFile],
        base: String? = nil, oldFiles: [RoleDraftFile] = [], difference: [String], keys: [RoleDraftKey],
        missing: [String], state: String, note: String? = nil,
        opened: UTCDate, expires: UTCDate
    ) {
        self.id = id
        self.team = team
        self.epoch = epoch
        self.version = version
        self.toSign = toSign
        self.files = files
        self.base = base
        self.oldFiles = oldFiles
        self.difference = difference
        self.keys = keys
        self.missing = missing
        self.state = state
        self.note = note
        self.opened = opened
        self.expires = expires
    }
}

/// A target file of a draft.
package struct RoleDraftFile: Codable, Sendable, Equatable {
    /// Where fleets serve it.
    package let path: String
    /// Base64.
    package let bytes: String

    package init(path: String, bytes: String) {
        self.path = path
        self.bytes = bytes
    }
}

/// A key that signs a draft.
package struct RoleDraftKey: Codable, Sendable, Equatable {
    package let keyID: String
    /// Login name; absent for the server's own key.
    package let holder: String?
    /// Whether it speaks for the team from this draft on; else it spoke before, and hands over.
    package let isNew: Bool
    package let isRetired: Bool
    package let hasSigned: Bool

    package init(keyID: String, holder: String? = nil, isNew: Bool, isRetired: Bool, hasSigned: Bool) {
        self.keyID = keyID
        self.holder = holder
        self.isNew = isNew
        self.isRetired = isRetired
        self.hasSigned = hasSigned
    }
}

/// `POST /v1/role-drafts/{id}/signatures`: the caller's own signature.
package struct RoleSignatureRequest: Codable, Sendable, Equatable {
    package let keyID: String
    /// Hexadecimal.
    package let signature: String

    package init(keyID: String, signature: String) {
        self.keyID = keyID
        self.signature = signature
    }
}
