import Codecs
import Foundation
import PythonEnvironment
import RoadsteadStore
import TUF
import Testing
import TrustModel

/// What a fleet serves, in a directory of its own, and hosts that refresh from it: ours, and stock python-tuf's.
final class FollowedFleet {
    let name: FleetName
    private let id: FleetID
    private let files: PublishedFiles
    private let directory: URL
    private var mirrored: Set<String> = []
    private var caches: [String: [Role: [UInt8]]] = [:]
    /// The versions that the last snapshot listed.
    private var listed: [String: Int64] = [:]

    init(_ name: FleetName, id: FleetID, files: PublishedFiles) {
        self.name = name
        self.id = id
        self.files = files
        directory = FileManager.default.temporaryDirectory.appending(path: "roadstead-follow-\(UUID().uuidString)")
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private var repository: URL { directory.appending(path: "repository") }

    /// Brings the directory up to date; only the timestamp is ever replaced.
    func mirror() async throws {
        let paths = Set(try await files.paths(of: name))
        #expect(paths.isSuperset(of: mirrored), "a published file is gone")
        for path in paths where path == "metadata/timestamp.json" || !mirrored.contains(path) {
            guard let file = try await files.file(path, of: name) else { continue }
            let place = repository.appending(path: path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: place)
        }
        mirrored = paths
        try checkVersions()
    }

    /// Lets a host refresh that has been there before, or is new; python-tuf must find what our client finds.
    func follow(as host: String, _ python: StockClient, teams: [TeamName], now: UTCDate, _ what: String) async throws {
        let isNew = caches[host] == nil
        let access = HostAccess(repository: repository.appending(path: "metadata"), cache: caches[host] ?? [:])
        let first = repository.appending(path: "metadata/1.root.json")
        let policy = UpdatePolicy(
            initialRoot: isNew ? .bytes([UInt8](try Data(contentsOf: first))) : .cached, now: now,
            expectedFleet: id.rawValue)
        var workflow = UpdateWorkflow(policy)
        let trusted = try await workflow.run(with: access).trusted
        let names = try (["deny", "revocation", "ops"] + teams.map(\.rawValue)).map(RoleName.init(slug:))
        var delegations = DelegationsUpdate(trusted, mandatory: names)
        let roles = try await delegations.run(with: access)
        caches[host] = access.cache
        var found: [String: String] = [:]
        for role in [Role.targets] + names.map(Role.delegated) {
            for target in roles.targets(of: role) { found[target.name.text] = target.file.hashes.fileNamePrefix }
        }
        let theirs = try python.refresh(
            repository.path, client: directory.appending(path: host).path, bootstrap: isNew ? first.path : nil,
            now: now, targets: found.keys.sorted())
        #expect(theirs == found, "python-tuf sees something else in fleet \(name) after \(what)")
    }

    func forget(_ host: String) {
        caches[host] = nil
        try? FileManager.default.removeItem(at: directory.appending(path: host))
    }

    /// The version of a role that the fleet lists.
    func version(of role: String) -> Int64? { listed["\(role).json"] }

    func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: repository.appending(path: path)))
    }

    /// No role ever leaves the snapshot, and none gets older.
    private func checkVersions() throws {
        guard mirrored.contains("metadata/timestamp.json") else { return }
        let timestamp = try JSON(parsing: try bytes("metadata/timestamp.json")).object("timestamp")
            .object("signed", in: "timestamp").object("meta", in: "signed")
        let number = try timestamp.object("snapshot.json", in: "meta").integer("version", in: "snapshot")
        let meta = try JSON(parsing: try bytes("metadata/\(number).snapshot.json")).object("snapshot")
            .object("signed", in: "snapshot").object("meta", in: "signed")
        var next: [String: Int64] = [:]
        for (name, entry) in meta.members { next[name] = try entry.object(name).integer("version", in: name) }
        for (role, version) in listed {
            #expect(next[role] ?? 0 >= version, "\(role) of fleet \(name) went from \(version) to \(next[role] ?? 0)")
        }
        listed = next
    }
}

/// A host's cache in memory, and a repository in a directory.
private final class HostAccess: MetadataAccess {
    private let repository: URL
    var cache: [Role: [UInt8]]

    init(repository: URL, cache: [Role: [UInt8]]) {
        self.repository = repository
        self.cache = cache
    }

    func load(_ role: Role, maximumBytes: Int) -> [UInt8]? { cache[role] }
    func fetch(_ file: MetadataFile, maximumBytes: Int) -> [UInt8]? {
        (try? Data(contentsOf: repository.appending(path: file.path))).map { [UInt8]($0) }
    }
    func persist(_ role: Role, _ bytes: [UInt8]) { cache[role] = bytes }
    func delete(_ role: Role) { cache[role] = nil }
}
