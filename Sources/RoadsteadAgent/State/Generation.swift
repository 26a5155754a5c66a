package import Codecs
import Files
package import TrustModel

/// Everything rendered from one release, before it is on disk.
package struct Generation: Sendable {
    package static let previousTrustFile = "previous-trust.json"

    package let origin: Origin
    package let warnings: [String]
    /// The teams whose newest content is not in it.
    package let lagging: [LaggingTeam]
    package let directories: [String]
    /// Path below the generation and content, in the order of the paths.
    package let files: [(path: String, bytes: [UInt8])]

    /// What a generation was made from.
    package struct Origin: Sendable, Codable, Equatable {
        package let release: Int64
        /// SHA-256 of the snapshot metadata.
        package let releaseDigest: String
        package let fleet: FleetName
        package let modes: [FleetSettings.EnforcerSetting]
        package let freshness: FleetSettings.Freshness
        package let pollSeconds: Int
        package let reportSeconds: Int
        /// What the fleet says about constraints that an enforcer cannot hold; absent in generations of older agents.
        package let inexpressible: FleetSettings.Inexpressible?
    }

    /// Lays out a merged and rendered trust.
    ///
    /// - Parameters:
    ///   - previous: the trust of the generation that this one overlaps with.
    ///   - documents: the fleet's own documents, by target name.
    package init(
        _ outcome: TrustMerge.Outcome, notation: NotationTree, previous: HostTrust?, documents: [String: [UInt8]],
        origin: Origin
    ) throws {
        var content = documents
        for targets in outcome.content.values {
            for file in TeamFiles.files(of: targets) { content[file.name] = file.bytes }
        }
        try self.init(
            outcome.trust, notation: notation, previous: previous, content: content,
            warnings: (outcome.warnings + notation.warnings).map(\.description), lagging: outcome.lagging,
            origin: origin)
    }

    /// Lays out a trust with the content that it was made from, by target name.
    package init(
        _ trust: HostTrust, notation: NotationTree, previous: HostTrust?, content: [String: [UInt8]],
        warnings: [String], lagging: [LaggingTeam] = [], origin: Origin
    ) throws {
        self.origin = origin
        self.warnings = warnings
        self.lagging = lagging
        var files: [(path: String, bytes: [UInt8])] = [(HostTrust.fileName, try trust.publishedBytes())]
        if let previous { files.append((Self.previousTrustFile, try previous.publishedBytes())) }
        files += notation.files.map { ("notation/" + $0.path, $0.bytes) }
        var directories = ["notation"] + notation.directories.map { "notation/" + $0 }
        if !content.isEmpty { directories.append(TeamFiles.directory) }
        for team in Set(content.keys.map(Files.parent(of:))) { directories.append("\(TeamFiles.directory)/\(team)") }
        files += content.map { ("\(TeamFiles.directory)/\($0.key)", $0.value) }
        self.directories = directories.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }
}

/// `manifest.json`: what a generation consists of, to the byte.
package struct GenerationManifest: Sendable, Codable, Equatable {
    package static let fileName = "manifest.json"

    package struct File: Sendable, Codable, Equatable {
        package let path: String
        package let size: Int
        package let sha256: String
    }

    package let schema: Int
    package let created: UTCDate
    package let agentVersion: String
    package let origin: Generation.Origin
    package let directories: [String]
    package let files: [File]
    package let warnings: [String]
    /// Absent for none, and in generations of older agents.
    package let lagging: [LaggingTeam]?

    package var laggingTeams: [LaggingTeam] { lagging ?? [] }
}
