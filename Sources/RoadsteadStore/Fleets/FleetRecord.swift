package import Codecs
package import TrustModel

/// A fleet and where it stands.
package struct FleetRecord: Sendable, Equatable {
    package let name: FleetName
    package let id: FleetID
    package let displayName: String
    package let profile: FleetProfile
    /// What holds for enforcers without a setting of their own.
    package let mode: EnforcementMode
    package let enforcers: [FleetSettings.EnforcerSetting]
    package let teams: [TeamName]
    package let created: UTCDate
    /// 0 until a ceremony has made its root.
    package let rootVersion: Int64
    /// SHA-256 of the bytes of the present root.
    package let rootSHA256: String?
    /// The release that is served; 0 before the first.
    package let release: Int64
    package let releasePublished: UTCDate?
    /// SHA-256 of that release's snapshot.
    package let releaseDigest: String?
    /// Whether the server holds a key of the targets role.
    package let targetsOnline: Bool
    package let hosts: Int
    package let hostsBehind: Int
    /// The fleet whose contents are promoted to this one; nil when it takes the newest of each team.
    package let promotesFrom: FleetName?
    package let options: FleetOptions
    /// What the publisher found when it last looked; nil before it has.
    package let note: FleetNote?
    /// Why nothing of it is published at the moment; nil as a rule.
    package let halt: String?
}

/// A release as it is stored.
package struct ReleaseRecord: Sendable, Equatable {
    package enum State: String, Sendable { case built, signed, published }
    package enum Kind: String, Sendable { case release, renewal, recovered }

    package let fleet: FleetName
    package let number: Int64
    package let state: State
    package let kind: Kind
    package let previousDigest: String?
    /// SHA-256 of the snapshot's bytes; nil until it is signed.
    package let digest: String?
    /// What the publisher kept to go on after a crash.
    package let payload: [UInt8]?
    package let difference: [String]
    package let changes: [Int64]
    package let built: UTCDate
    package let published: UTCDate?
}

/// A file of a fleet as it is served.
package struct PublishedFile: Sendable, Equatable {
    /// Below the fleet, such as `metadata/3.snapshot.json`.
    package let path: String
    package let bytes: [UInt8]
    package let sha256: String
    /// The role's name and version; nil for target files.
    package let role: String?
    package let version: Int64?
}

/// A public key as metadata lists it.
package struct PublicKeyRecord: Sendable, Equatable {
    package let keyID: String
    /// SubjectPublicKeyInfo: what makes a key the same key.
    package let publicKey: [UInt8]
    /// The key object of the metadata, canonical JSON.
    package let keyObject: [UInt8]

    package init(keyID: String, publicKey: [UInt8], keyObject: [UInt8]) {
        self.keyID = keyID
        self.publicKey = publicKey
        self.keyObject = keyObject
    }
}
