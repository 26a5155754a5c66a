package import Codecs
package import TrustModel

/// A signing of offline metadata by the holders of its keys, for one fleet or several.
package struct CeremonyRecord: Sendable, Equatable {
    package let id: Int64
    package let note: String?
    package let created: UTCDate
    package let expires: UTCDate
    /// In the order of the fleets' names.
    package let fleets: [CeremonyFleetRecord]

    package func fleet(_ name: FleetName) -> CeremonyFleetRecord? { fleets.first { $0.fleet == name } }
}

/// What a ceremony does in one fleet: its drafts are closed and published together, or not at all.
package struct CeremonyFleetRecord: Sendable, Equatable {
    package enum State: String, Sendable {
        case open
        /// Every signature is there; the release that takes it in is not out yet.
        case closed
        case published
        /// Another root or other targets were published meanwhile, or another ceremony was opened.
        case void
    }

    package let fleet: FleetName
    package let fleetID: FleetID
    package let profile: FleetProfile
    package let state: State
    /// The new root follows none, because the keys of the one before are lost.
    package let startsOver: Bool
    /// Whether the server speaks for the targets role from its publication on.
    package let targetsOnline: Bool
    /// The release that took it in.
    package let release: Int64?
    /// Why it is void, or why its release could not be made.
    package let reason: String?
    /// Root first.
    package let drafts: [MetadataDraftRecord]
    /// Keys that the server made for it.
    package let keys: [CeremonyKeyRecord]
}

/// Metadata of one role that waits for signatures.
package struct MetadataDraftRecord: Sendable, Equatable {
    package struct Signature: Sendable, Equatable {
        package let keyID: String
        package let signature: [UInt8]
        package let person: PersonID
    }

    package let id: Int64
    /// `root`, `targets` or a group of teams.
    package let role: String
    package let version: Int64
    /// SHA-256 of the role's newest file when it was drafted; nil for the first.
    package let baseSHA256: String?
    package let base: [UInt8]?
    /// The canonical bytes to sign.
    package let signedPart: [UInt8]
    /// The signed file, once closed.
    package let file: [UInt8]?
    /// Target files that it lists.
    package let files: [NewFile]
    package let signatures: [Signature]
}

/// A key that the server made for a ceremony, and for which role.
package struct CeremonyKeyRecord: Sendable, Equatable {
    package let keyID: String
    package let role: String
}

/// A ceremony to be opened.
package struct NewCeremony: Sendable {
    package let note: String?
    package let expires: UTCDate
    package let fleets: [NewCeremonyFleet]

    package init(note: String? = nil, expires: UTCDate, fleets: [NewCeremonyFleet]) {
        self.note = note
        self.expires = expires
        self.fleets = fleets
    }
}

/// What is drafted for one fleet.
package struct NewCeremonyFleet: Sendable {
    /// A key that people hold, for root or targets.
    package struct HeldKey: Sendable {
        package let role: String
        package let key: PublicKeyRecord

        package init(role: String, key: PublicKeyRecord) {
            self.role = role
            self.key = key
        }
    }

    package let fleet: FleetName
    package let startsOver: Bool
    package let targetsOnline: Bool
    package let drafts: [NewMetadataDraft]
    package let heldKeys: [HeldKey]
    /// Keys that the server made for it, kept by `addKeys(_:sealedUnder:awaitingCeremony:now:)`.
    package let freshKeyIDs: [String]

    package init(
        fleet: FleetName, startsOver: Bool = false, targetsOnline: Bool, drafts: [NewMetadataDraft],
        heldKeys: [HeldKey] = [], freshKeyIDs: [String] = []
    ) {
        self.fleet = fleet
        self.startsOver = startsOver
        self.targetsOnline = targetsOnline
        self.drafts = drafts
        self.heldKeys = heldKeys
        self.freshKeyIDs = freshKeyIDs
    }
}

/// Metadata of one role to be signed.
package struct NewMetadataDraft: Sendable {
    package let role: String
    package let version: Int64
    /// SHA-256 of the file that it was made after; nil when there was none.
    package let baseSHA256: String?
    package let signedPart: [UInt8]
    /// Target files that it lists and that are not published yet.
    package let files: [NewFile]

    package init(role: String, version: Int64, baseSHA256: String?, signedPart: [UInt8], files: [NewFile] = []) {
        self.role = role
        self.version = version
        self.baseSHA256 = baseSHA256
        self.signedPart = signedPart
        self.files = files
    }
}

/// A signature that the caller has verified.
package struct NewDraftSignature: Sendable {
    package let draft: Int64
    package let keyID: String
    package let signature: [UInt8]

    package init(draft: Int64, keyID: String, signature: [UInt8]) {
        self.draft = draft
        self.keyID = keyID
        self.signature = signature
    }
}
