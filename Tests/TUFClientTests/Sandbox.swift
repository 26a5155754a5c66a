import Codecs
import Files
import Foundation
import RepositorySimulation
import SigningKeys
import Subprocess
import SystemPackage
import TUF
import TUFClient

/// A repository, a server for it and the directories of one client, which go away with the value.
final class Sandbox: Sendable {
    let path: String
    let repository: RepositorySimulator
    let server = HostileServer()

    var metadata: String { path + "/metadata" }
    var targets: String { path + "/targets" }

    /// The repository lives from the simulator's start to 2040, as real clocks want it.
    init() async throws {
        path = FileManager.default.temporaryDirectory.path + "/roadstead-tufclient-\(UUID().uuidString)"
        try Files.createDirectory(path)
        repository = try await RepositorySimulator()
        let expires = try UTCDate("2040-01-01T00:00:00Z")
        repository.root.header.expires = expires
        repository.timestamp.header.expires = expires
        repository.snapshot.header.expires = expires
        repository.roles[.targets]?.header.expires = expires
        try repository.add("files/a.txt", "content of a")
        try await repository.publish(.root, .targets, .snapshot, .timestamp, bump: false)
        try Files.write(repository.firstRoot, to: path + "/1.root.json")
        server.serve(repository)
    }

    deinit { try? Files.removeTree(path) }

    /// Publishes new content.
    func publish(_ names: String...) async throws {
        for name in names { try repository.add(name, "content of \(name)") }
        try await repository.publishAll()
        server.serve(repository)
    }

    var initArguments: [String] { ["--metadata-dir", metadata, "init", path + "/1.root.json"] }

    func refreshArguments(_ more: String...) -> [String] {
        ["--metadata-url", server.metadataURL, "--metadata-dir", metadata] + more + ["refresh"]
    }

    func downloadArguments(_ names: String...) -> [String] {
        ["--metadata-url", server.metadataURL, "--metadata-dir", metadata] + names.flatMap { ["--target-name", $0] }
            + ["--target-dir", targets, "--target-base-url", server.targetsURL, "download"]
    }

    /// Runs the client in this process at a given time.
    func run(_ arguments: [String], now: UTCDate = RepositorySimulator.start) async throws {
        try await ClientProgram.run(ClientArguments(arguments), now: now)
    }

    func initialise() async throws { try await run(initArguments) }

    func refresh(_ more: String..., now: UTCDate = RepositorySimulator.start) async throws {
        let arguments = ["--metadata-url", server.metadataURL, "--metadata-dir", metadata] + more + ["refresh"]
        try await run(arguments, now: now)
    }

    func cached(_ name: String) throws -> [UInt8] { try Files.read(metadata + "/" + name, limit: 1 << 20) }

    /// Whether the cache holds exactly what the repository publishes now.
    func isCurrent() -> Bool {
        let (root, snapshot) = (repository.root.version, repository.snapshot.version)
        let targets = repository.roles[.targets]?.version ?? 0
        let wanted = [
            "root.json": "\(root).root.json", "timestamp.json": "timestamp.json",
            "snapshot.json": "\(snapshot).snapshot.json", "targets.json": "\(targets).targets.json",
        ]
        return wanted.allSatisfy { (try? cached($0.key)) == repository.files[$0.value] }
    }
}

/// How a run of the real program ended.
struct ProgramRun: Sendable {
    /// The exit status, or 128 and the signal.
    let status: Int
    let output: String
    let errors: String
}

extension Sandbox {
    static let products = Bundle.main.bundlePath

    /// Runs the built program as a process of its own.
    func start(_ arguments: [String], environment: [String: String] = [:]) async throws -> ProgramRun {
        var values: [Environment.Key: String?] = ["SWIFT_BACKTRACE": "enable=no"]
        for (name, value) in environment { if let key = Environment.Key(rawValue: name) { values[key] = value } }
        let result = try await Subprocess.run(
            .path(FilePath(Self.products + "/roadstead-tuf-client")), arguments: Arguments(arguments),
            environment: .inherit.updating(values), input: .none, output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return ProgramRun(status: status, output: result.standardOutput, errors: result.standardError)
    }
}
