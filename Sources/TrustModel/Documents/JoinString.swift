import Codecs

/// What a host needs to enrol: one word that names the server, the fleet, the digest of its root and a join token.
///
/// `rsjoin1.` and the base64url of its JSON. It holds a secret, the token.
package struct JoinString: Sendable, Codable, Equatable {
    package static let prefix = "rsjoin1."

    package let server: String
    package let fleet: FleetName
    package let fleetID: FleetID
    /// SHA-256 of the bytes of the fleet's first root metadata that the host takes, lower-case hexadecimal.
    package let rootSHA256: String
    package let rootVersion: Int64
    /// Least versions of timestamp and snapshot that the host takes.
    package let minimumVersions: [String: Int64]
    package let token: String

    package init(
        server: String, fleet: FleetName, fleetID: FleetID, rootSHA256: String, rootVersion: Int64,
        minimumVersions: [String: Int64], token: String
    ) {
        self.server = server
        self.fleet = fleet
        self.fleetID = fleetID
        self.rootSHA256 = rootSHA256
        self.rootVersion = rootVersion
        self.minimumVersions = minimumVersions
        self.token = token
    }

    package init(parsing text: String) throws {
        guard text.utf8.count <= 4_096, text.hasPrefix(Self.prefix) else {
            throw TrustModelError(
                .document, "this is not a join string",
                hint: "it begins with \(Self.prefix); make one with: roadstead host join-token")
        }
        let bytes = try Base64.decode(String(text.dropFirst(Self.prefix.count)), .url)
        self = try JSON(parsing: bytes).decode(place: "join string")
        guard rootSHA256.utf8.count == 64, (try? Hex.decode(rootSHA256)) != nil else {
            throw TrustModelError(.document, "the join string carries no SHA-256 of the fleet's root")
        }
    }

    package var text: String {
        get throws { Self.prefix + Base64.encode(try JSON(encoding: self).canonicalBytes(), .url) }
    }
}
