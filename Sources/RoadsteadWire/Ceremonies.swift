package import Codecs
package import TrustModel

/// `POST /v1/ceremonies`: opens a ceremony for one fleet or several.
package struct CeremonyRequest: Codable, Sendable, Equatable {
    package let fleets: [CeremonyFleetRequest]
    package let note: String?

    package init(fleets: [CeremonyFleetRequest], note: String? = nil) {
        self.fleets = fleets
        self.note = note
    }
}

/// What a ceremony is to do in one fleet; nothing but the fleet renews its root.
package struct CeremonyFleetRequest: Codable, Sendable, Equatable {
    package let fleet: FleetName
    /// What is drafted even if nothing in it changes: `root`, `targets`.
    package let roles: [String]?
    /// The holders of the fleet's root from now on; absent to keep those there are.
    package let root: CeremonyKeysBody?
    /// The holders of the fleet's targets role, off the server; absent to keep what is.
    package let targets: CeremonyKeysBody?
    /// Gives the targets role back to the server.
    package let targetsOnline: Bool?
    /// Roles whose keys the server makes anew: timestamp, snapshot, targets, deny, revocation, ops.
    package let rotate: [String]?
    /// The name of the fleet, to begin anew without the keys of the present root: every host has to enrol again.
    package let startOver: FleetName?

    package init(
        fleet: FleetName, roles: [String]? = nil, root: CeremonyKeysBody? = nil, targets: CeremonyKeysBody? = nil,
        targetsOnline: Bool? = nil, rotate: [String]? = nil, startOver: FleetName? = nil
    ) {
        self.fleet = fleet
        self.roles = roles
        self.root = root
        self.targets = targets
        self.targetsOnline = targetsOnline
        self.rotate = rotate
        self.startOver = startOver
    }
}

/// Keys that people hold, and how many of them must sign.
package struct CeremonyKeysBody: Codable, Sendable, Equatable {
    /// TUF key objects.
    package let keys: [JSON]
    package let threshold: Int

    package init(keys: [JSON], threshold: Int) {
        self.keys = keys
        self.threshold = threshold
    }
}

/// A ceremony with the exact bytes that are signed.
package struct CeremonyBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let note: String?
    package let created: UTCDate
    package let expires: UTCDate
    package let fleets: [CeremonyFleetBody]

    package init(id: Int64, note: String? = nil, created: UTCDate, expires: UTCDate, fleets: [CeremonyFleetBody]) {
        self.id = id
        self.note = note
        self.created = created
        self.expires = expires
        self.fleets = fleets
    }
}

/// What a ceremony does in one fleet: its drafts are closed and published together, or not at all.
package struct CeremonyFleetBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let fleetID: FleetID
    /// open, closed, published or void.
    package let state: String
    package let startsOver: Bool
    package let targetsOnline: Bool
    /// The release that took it in.
    package let release: Int64?
    /// Why it is void, or why its release could not be made.
    package let reason: String?
    /// Base64 of the root that is served.
    package let root: String?
    package let drafts: [MetadataDraftBody]
    /// Keys that the server made for it.
    package let keys: [CeremonyKeyBody]

    package init(
        fleet: FleetName, fleetID: FleetID, state: String, startsOver: Bool, targetsOnline: Bool, release: Int64? = nil,
        reason: String? = nil, root: String? = nil, drafts: [MetadataDraftBody], keys: [CeremonyKeyBody]
    ) {
        self.fleet = fleet
        self.fleetID = fleetID
        self.state = state
        self.startsOver = startsOver
        self.targetsOnline = targetsOnline
        self.release = release
        self.reason = reason
        self.root = root
        self.drafts = drafts
        self.keys = keys
    }
}

/// Metadata of one role that waits for signatures.
package struct MetadataDraftBody: Codable, Sendable, Equatable {
    package let id: Int64
    /// `root`, `targets` or a group of teams.
    package let role: String
    package let version: Int64
    /// SHA-256 of the file that it follows.
    package let baseSHA256: String?
    /// Base64 of that file.
    package let base: String?
    /// Base64 of the exact canonical bytes.
    package let toSign: String
    /// Files that it lists, and that its base listed, to read what changes.
    package let files: [DraftFileBody]
    package let oldFiles: [DraftFileBody]
    package let difference: [String]
    /// Keys whose signatures count.
    package let keyIDs: [String]
    package let signatures: [DraftSignatureBody]
    /// What is still missing, a line each.
    package let missing: [String]

    package init(
        id: Int64, role: String, version: Int64, baseSHA256: String? = nil, base: String? = nil, toSign: String,
        files: [DraftFileBody], oldFiles: [DraftFileBody], difference: [String], keyIDs: [String],
        signatures: [DraftSignatureBody], missing: [String]
    ) {
        self.id = id
        self.role = role
        self.version = version
        self.baseSHA256 = baseSHA256
        self.base = base
        self.toSign = toSign
        self.files = files
        self.oldFiles = oldFiles
        self.difference = difference
        self.keyIDs = keyIDs
        self.signatures = signatures
        self.missing = missing
    }
}

/// A target file of a draft.
package struct DraftFileBody: Codable, Sendable, Equatable {
    package let path: String
    /// Base64.
    package let bytes: String

    package init(path: String, bytes: String) {
        self.path = path
        self.bytes = bytes
    }
}

/// A key that the server made, and for which role.
package struct CeremonyKeyBody: Codable, Sendable, Equatable {
    package let role: String
    package let keyID: String

    package init(role: String, keyID: String) {
        self.role = role
        self.keyID = keyID
    }
}

/// A signature over the exact bytes of a draft.
package struct DraftSignatureBody: Codable, Sendable, Equatable {
    package let draft: Int64
    package let keyID: String
    /// Lower-case hexadecimal.
    package let signature: String

    package init(draft: Int64, keyID: String, signature: String) {
        self.draft = draft
        self.keyID = keyID
        self.signature = signature
    }
}

/// `POST /v1/ceremonies/{id}/signatures`
package struct CeremonySignaturesRequest: Codable, Sendable, Equatable {
    package let signatures: [DraftSignatureBody]

    package init(signatures: [DraftSignatureBody]) { self.signatures = signatures }
}

/// One line of the list of ceremonies.
package struct CeremonySummaryBody: Codable, Sendable, Equatable {
    package struct Fleet: Codable, Sendable, Equatable {
        package let fleet: FleetName
        package let state: String
        package let reason: String?

        package init(fleet: FleetName, state: String, reason: String? = nil) {
            self.fleet = fleet
            self.state = state
            self.reason = reason
        }
    }

    package let id: Int64
    package let note: String?
    package let created: UTCDate
    package let expires: UTCDate
    package let fleets: [Fleet]

    package init(id: Int64, note: String? = nil, created: UTCDate, expires: UTCDate, fleets: [Fleet]) {
        self.id = id
        self.note = note
        self.created = created
        self.expires = expires
        self.fleets = fleets
    }
}
