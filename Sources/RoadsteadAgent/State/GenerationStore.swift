package import Codecs
import Files
import SigningKeys
package import TrustModel

/// The generations on disk and the one switch between them.
package struct GenerationStore: Sendable {
    /// How many generations before the one in force are kept, for readers that the switch caught.
    package static let keptBefore = 2
    /// A file of a generation is no larger than this.
    static let fileLimit = HostTrust.byteLimit

    package let state: StateDirectory

    package init(_ state: StateDirectory) { self.state = state }

    /// A generation on disk whose every byte is as its manifest says.
    package struct Intact: Sendable {
        package let name: String
        package let path: String
        package let manifest: GenerationManifest
        package let trust: HostTrust
        /// The trust of the generation that this one overlaps with.
        package let previousTrust: HostTrust?
        /// The content that it was made from, by target name.
        package let content: [String: [UInt8]]
    }

    /// The name of the generation in force; nil before the first.
    package func currentName() throws -> String? {
        let target: String
        do throws(FileError) { target = try Files.linkTarget(state.current) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        let name = Files.name(of: target)
        guard target == "generations/\(name)", GenerationName(name) != nil else {
            throw AgentError(.state, "\(state.current) points to \(target.prefix(200)), which is no generation")
        }
        return name
    }

    /// The generation in force, whole; nil before the first.
    package func current() throws -> Intact? { try currentName().map(load) }

    /// The newest generation that is whole: what readers may still hold when the one in force is damaged.
    /// It may hold anchors that were removed since, so no content of it becomes trust again.
    package func newestIntact() -> Intact? {
        for name in names().reversed() { if let intact = try? load(name.text) { return intact } }
        return nil
    }

    /// Reads a generation and holds every byte against its manifest.
    package func load(_ name: String) throws -> Intact {
        let path = state.generations + "/" + name
        do { return try read(name, path) } catch {
            throw AgentError(
                .state, "generation \(name) is damaged: \(error)", hint: "roadstead-agent sync makes it anew")
        }
    }

    /// Puts a generation in place and in force. Killed at any moment, the old or the new one is in force, whole.
    ///
    /// - Throws: `AgentError(.content)` before anything is written when a file is larger than what is read back.
    package func putInForce(_ generation: Generation, now: UTCDate) throws -> String {
        if let file = generation.files.first(where: { $0.bytes.count > Self.fileLimit }) {
            throw AgentError(
                .content,
                "\(file.path) would have \(file.bytes.count) bytes, and at most \(Self.fileLimit) are read back",
                hint: "give the fleet fewer teams or anchors; this host keeps what it has")
        }
        let name = try freeName(for: generation.origin.release)
        let staging = "\(state.generations)/.\(name).tmp"
        try Files.removeTree(staging)
        try write(generation, to: staging, now: now)
        try Files.rename(staging, to: "\(state.generations)/\(name)")
        try Files.replaceLink(state.current, target: "generations/\(name)")
        return name
    }

    /// Whether a generation on disk is what this one would be.
    package func isEqual(_ intact: Intact, _ generation: Generation) -> Bool {
        intact.manifest.directories == generation.directories
            && intact.manifest.files == generation.files.map(GenerationManifest.File.init)
            && intact.manifest.warnings == generation.warnings
            && intact.manifest.laggingTeams == generation.lagging
            && intact.manifest.origin == generation.origin
    }

    /// Removes all but the one in force and the last before it.
    package func prune() throws {
        guard let current = try currentName() else { return }
        let others = names().filter { $0.text != current }
        for name in others.dropLast(Self.keptBefore) {
            // Renamed first: nothing half removed keeps the name of a generation.
            let doomed = "\(state.generations)/.\(name.text).tmp"
            try Files.rename("\(state.generations)/\(name.text)", to: doomed)
            try Files.removeTree(doomed)
        }
    }

    private func names() -> [GenerationName] {
        ((try? Files.list(state.generations)) ?? []).compactMap(GenerationName.init).sorted()
    }

    /// A name that the generation in force and those before it do not have.
    ///
    /// A generation that was complete but never switched to gives up its name.
    private func freeName(for release: Int64) throws -> String {
        let current = try? currentName()
        var name = GenerationName(release: release, edition: 1)
        if let inForce = current.flatMap({ $0 }).flatMap(GenerationName.init), inForce.release == release {
            name = GenerationName(release: release, edition: inForce.edition + 1)
        }
        let path = "\(state.generations)/\(name.text)"
        if Files.exists(path) {
            let doomed = "\(state.generations)/.\(name.text).old.tmp"
            try Files.removeTree(doomed)
            try Files.rename(path, to: doomed)
            try Files.removeTree(doomed)
        }
        return name.text
    }

    private func write(_ generation: Generation, to path: String, now: UTCDate) throws {
        try Files.createDirectory(path)
        for directory in generation.directories { try Files.createDirectory("\(path)/\(directory)") }
        for file in generation.files { try Files.create(file.bytes, at: "\(path)/\(file.path)") }
        let manifest = GenerationManifest(
            schema: 1, created: now, agentVersion: AgentVersion.text, origin: generation.origin,
            directories: generation.directories, files: generation.files.map(GenerationManifest.File.init),
            warnings: generation.warnings, lagging: generation.lagging.isEmpty ? nil : generation.lagging)
        try Files.create(
            Array(try JSON(encoding: manifest).prettyText.utf8), at: "\(path)/\(GenerationManifest.fileName)")
        for directory in generation.directories.reversed() { try Files.syncDirectory("\(path)/\(directory)") }
        try Files.syncDirectory(path)
    }

    private func read(_ name: String, _ path: String) throws -> Intact {
        let bytes = try Files.read("\(path)/\(GenerationManifest.fileName)", limit: Self.fileLimit, links: .refused)
        let manifest: GenerationManifest = try JSON(parsing: bytes, limits: JSONLimits(bytes: Self.fileLimit)).decode(
            place: "manifest.json")
        guard manifest.schema == 1 else { throw AgentError(.state, "its manifest has schema \(manifest.schema)") }
        var found: [String: [UInt8]] = [:]
        for file in manifest.files {
            let bytes = try Files.read("\(path)/\(file.path)", limit: Self.fileLimit, links: .refused)
            guard GenerationManifest.File((file.path, bytes)) == file else {
                throw AgentError(.state, "\(file.path) is not what the manifest says")
            }
            found[file.path] = bytes
        }
        try checkNothingElse(path, manifest)
        guard let trust = found[HostTrust.fileName] else {
            throw AgentError(.state, "it has no \(HostTrust.fileName)")
        }
        let prefix = TeamFiles.directory + "/"
        let content = found.filter { $0.key.hasPrefix(prefix) }.map {
            (String($0.key.dropFirst(prefix.count)), $0.value)
        }
        return Intact(
            name: name, path: path, manifest: manifest, trust: try HostTrust(verifiedBytes: trust),
            previousTrust: try found[Generation.previousTrustFile].map { try HostTrust(verifiedBytes: $0) },
            content: Dictionary(content) { first, _ in first })
    }

    /// One stray file in a store fails Notation's whole store, so nothing may stand beside what was rendered.
    private func checkNothingElse(_ path: String, _ manifest: GenerationManifest) throws {
        let known = Set(manifest.files.map(\.path) + manifest.directories + [GenerationManifest.fileName])
        for directory in [""] + manifest.directories {
            let place = directory.isEmpty ? path : "\(path)/\(directory)"
            guard try Files.status(place).kind == .directory else {
                throw AgentError(.state, "\(directory) is not a directory")
            }
            for entry in try Files.list(place) {
                let relative = directory.isEmpty ? entry : "\(directory)/\(entry)"
                guard known.contains(relative) else { throw AgentError(.state, "\(relative) does not belong there") }
            }
        }
    }
}

extension GenerationManifest.File {
    fileprivate init(_ file: (path: String, bytes: [UInt8])) {
        path = file.path
        size = file.bytes.count
        sha256 = Hex.encode(HashAlgorithm.sha256.digest(of: file.bytes))
    }
}

/// The name of a generation: its release, and from the second edition of one release on `.2`, `.3` and so forth.
struct GenerationName: Comparable {
    let release: Int64
    let edition: Int

    init(release: Int64, edition: Int) {
        self.release = release
        self.edition = edition
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let release = Int64(parts[0]), release >= 0,
            let edition = parts.count == 1 ? 1 : Int(parts[1]), edition >= 1
        else { return nil }
        self.init(release: release, edition: edition)
        guard self.text == text else { return nil }
    }

    var text: String { edition == 1 ? "\(release)" : "\(release).\(edition)" }

    static func < (lhs: Self, rhs: Self) -> Bool { (lhs.release, lhs.edition) < (rhs.release, rhs.edition) }
}
