package import Codecs

/// A host's report: what it applied, what enforces it there, what is wrong. Signed with the host's key.
package struct Receipt: SignedDocument, Equatable {
    package static let documentName = "a receipt"

    package struct Enforcer: Sendable, Codable, Equatable {
        package let enforcer: EnforcerKind
        package let mode: EnforcementMode
        /// The version of the installed program; absent when none was found.
        package let version: String?
        /// Whether the rendered files are in force for it.
        package let applied: Bool

        package init(enforcer: EnforcerKind, mode: EnforcementMode, version: String?, applied: Bool) {
            self.enforcer = enforcer
            self.mode = mode
            self.version = version
            self.applied = applied
        }
    }

    package let schema: Int
    package let critical: [String]
    package let host: String
    package let fleet: FleetName
    /// Counts up by at least one with every receipt of a host; a replay is refused.
    package let sequence: Int64
    package let issued: UTCDate
    package let agentVersion: String
    /// The release in force on the host and SHA-256 of its snapshot metadata; zero and empty before the first.
    package let release: Int64
    package let releaseDigest: String
    /// Versions of the metadata that the host has accepted, by role.
    package let roleVersions: [String: Int64]
    package let enforcers: [Enforcer]
    /// Sentences that say what is wrong, such as a team that keeps its last good content.
    package let warnings: [String]
    /// The teams whose newest content is not in force although the release is; absent for none.
    package let lagging: [LaggingTeam]?

    package init(
        host: String, fleet: FleetName, sequence: Int64, issued: UTCDate, agentVersion: String, release: Int64,
        releaseDigest: String, roleVersions: [String: Int64], enforcers: [Enforcer], warnings: [String],
        lagging: [LaggingTeam] = []
    ) {
        schema = Self.currentSchema
        critical = []
        self.host = host
        self.fleet = fleet
        self.sequence = sequence
        self.issued = issued
        self.agentVersion = agentVersion
        self.release = release
        self.releaseDigest = releaseDigest
        self.roleVersions = roleVersions
        self.enforcers = enforcers
        self.warnings = warnings
        self.lagging = lagging.isEmpty ? nil : lagging
    }

    /// Every warning once: the lagging teams' sentences come first, so that none is lost where lists are cut.
    package var allWarnings: [String] {
        let sentences = (lagging ?? []).map { "\($0.warning)" }
        return sentences + warnings.filter { !sentences.contains($0) }
    }
}
