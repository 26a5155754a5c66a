package import Codecs
import Files

/// `last-sync.json`: when this host last heard from its fleet, and what went wrong since.
package struct SyncHealth: Sendable, Codable, Equatable {
    package var schema = 1
    /// When the last whole refresh succeeded.
    package var lastSuccess: UTCDate?
    package var lastAttempt: UTCDate?
    /// Why the last attempt failed; absent when it did not.
    package var lastError: String?
    package var warnings: [String] = []
    package var roleVersions: [String: Int64] = [:]
    /// The issue time of the trusted timestamp: the floor of "now". It follows what is signed, also downwards when the
    /// timestamp's key was rotated.
    package var signedTime: UTCDate?
    /// The digest of the release whose metadata the server was sent as evidence.
    package var evidence: String?

    package init() {}

    /// What is known; nothing when the file is missing or damaged, since it only informs.
    package static func load(_ state: StateDirectory) -> SyncHealth {
        guard let bytes = try? Files.read(state.health, limit: 1 << 20),
            let health: SyncHealth = try? JSON(parsing: bytes).decode(place: "last-sync.json")
        else { return SyncHealth() }
        return health
    }

    package func save(_ state: StateDirectory) throws {
        try Files.write(Array(try JSON(encoding: self).prettyText.utf8), to: state.health)
    }
}
