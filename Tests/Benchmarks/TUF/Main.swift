import Codecs
import Files
import RepositorySimulation
import SigningKeys
import TUF

/// Makes repositories for the benchmark and measures the client workflow on them.
@main
enum Main {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("make", 3): try await Repository.make(at: arguments[1], teams: Int(arguments[2]) ?? 1)
        case ("run", 5):
            guard let runs = Int(arguments[4]) else { fallthrough }
            try await Measurement(repository: arguments[1], state: arguments[2], runs: runs).run(arguments[3])
        default: print("usage: RoadsteadTUFBench make DIRECTORY TEAMS | run REPOSITORY STATE KIND RUNS")
        }
    }
}

/// A repository as a fleet's would be: Ed25519 throughout, one delegated role for each team.
enum Repository {
    static func make(at directory: String, teams: Int) async throws {
        let simulator = try await RepositorySimulator()
        let expires = try UTCDate("2040-01-01T00:00:00Z")
        for number in 1...teams {
            try simulator.delegate(to: "team-\(number)", paths: ["team-\(number)/*"], terminating: true)
            try simulator.add("team-\(number)/ca.roots.pem", "anchors", to: .delegated(RoleName("team-\(number)")))
        }
        simulator.root.header.expires = expires
        simulator.timestamp.header.expires = expires
        simulator.snapshot.header.expires = expires
        for role in simulator.roles.keys { simulator.roles[role]?.header.expires = expires }
        try await simulator.publish(.root, bump: false)
        try await simulator.publishAll()
        for (path, bytes) in simulator.files {
            try Files.createDirectory(Files.parent(of: "\(directory)/\(path)"))
            try Files.write(bytes, to: "\(directory)/\(path)")
        }
    }
}

/// Files instead of a network, so that the client is what is measured; the cache is on disk as it is for real.
struct FileAccess: MetadataAccess {
    let repository: String
    let state: String

    func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]? {
        try? Files.read("\(state)/\(role.fileName)", limit: maximumBytes)
    }

    func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        guard Files.exists("\(repository)/\(file.path)") else { return nil }
        return try Files.read("\(repository)/\(file.path)", limit: maximumBytes)
    }

    func persist(_ role: Role, _ bytes: [UInt8]) async throws {
        try Files.write(bytes, to: "\(state)/\(role.fileName)")
    }

    func delete(_ role: Role) async throws { try Files.remove("\(state)/\(role.fileName)") }
}

/// Runs one kind of update several times and prints the median and the least time in milliseconds.
struct Measurement {
    let repository: String
    let state: String
    let runs: Int

    func run(_ kind: String) async throws {
        let root = try Files.read("\(repository)/1.root.json", limit: 1 << 20)
        let policy = UpdatePolicy(initialRoot: .bytes(root), now: RepositorySimulator.start)
        let access = FileAccess(repository: repository, state: state)
        var times: [Duration] = []
        var previous: TrustedMetadataSet?
        for run in 0...runs {
            if kind == "cold" || run == 0 {
                try Files.removeTree(state)
                try Files.createDirectory(state)
                if kind != "cold" { previous = try await update(policy, access, nil) }
            }
            let start = ContinuousClock.now
            let trusted = try await update(policy, access, kind == "daemon" ? previous : nil)
            if kind == "lookup" {
                var lookup = TargetLookup(try TargetName("team-1/ca.roots.pem"), in: DelegatedRoles(trusted))
                guard try await lookup.run(with: access).target != nil else { return print("the target is not there") }
            }
            times.append(start.duration(to: .now))
            previous = trusted
        }
        let sorted = times.dropFirst().sorted()
        print("\(milliseconds(sorted[sorted.count / 2])) \(milliseconds(sorted[0]))")
    }

    private func update(
        _ policy: UpdatePolicy, _ access: FileAccess, _ previous: TrustedMetadataSet?
    ) async throws -> TrustedMetadataSet {
        var workflow = UpdateWorkflow(policy, after: previous)
        return try await workflow.run(with: access).trusted
    }

    private func milliseconds(_ time: Duration) -> Double { (time / .microseconds(1)).rounded() / 1_000 }
}
