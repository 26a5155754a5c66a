package import Codecs
package import TrustModel

/// A host as the fleet sees it.
package struct HostRecord: Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let fleet: FleetName
    package let fleetID: FleetID
    /// SubjectPublicKeyInfo.
    package let publicKey: [UInt8]
    package let labels: [String: String]
    package let enrolled: UTCDate
    package let removed: UTCDate?
    /// The sequence number of the last receipt; 0 before the first.
    package let sequence: Int64
    package let release: Int64
    package let releaseDigest: String
    package let agentVersion: String
    package let enforcers: [Receipt.Enforcer]
    package let warnings: [String]
    package let lastSeen: UTCDate?
    /// How many releases the fleet is ahead.
    package let behind: Int64
}

/// A host to be enrolled; its proof of holding the key was checked by the caller.
package struct NewHost: Sendable {
    package let name: String
    package let fleet: FleetName
    /// SubjectPublicKeyInfo.
    package let publicKey: [UInt8]
    package let labels: [String: String]

    package static let maximumLabels = 32

    /// - Throws: `StoreError(.invalid)` for a name that is no host name, or for too many or too long labels.
    package init(name: String, fleet: FleetName, publicKey: [UInt8], labels: [String: String] = [:]) throws {
        try Self.check(name: name)
        try Self.check(labels)
        self.name = name
        self.fleet = fleet
        self.publicKey = publicKey
        self.labels = labels
    }

    private static func check(name: String) throws {
        let isAlphanumeric: (UInt8) -> Bool = {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
        }
        guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= 253,
            name.utf8.allSatisfy({ isAlphanumeric($0) || "._-".utf8.contains($0) })
        else {
            throw StoreError(
                .invalid, "\"\(name.prefix(80))\" is not a host name",
                hint: "letters, digits and ._-, at most 253 characters")
        }
    }

    static func check(_ labels: [String: String]) throws {
        guard labels.count <= maximumLabels else {
            throw StoreError(.invalid, "there are \(labels.count) labels", hint: "at most \(maximumLabels)")
        }
        for (key, value) in labels {
            try Texts.check(key, "key of a label", maximum: 63)
            try Texts.check(value, "value of the label \"\(key.prefix(63))\"", maximum: 255)
        }
    }
}

/// A token with which hosts join, without its secret.
package struct JoinTokenRecord: Sendable, Equatable {
    package let id: Int64
    package let fleet: FleetName
    package let labels: [String: String]
    package let usesLeft: Int
    package let expires: UTCDate
}
