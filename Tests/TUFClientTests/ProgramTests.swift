import Files
import Foundation
import RepositorySimulation
import SigningKeys
import TUF
import TUFClient
import Testing

/// The built program: its exit status, two of it at once, killed anywhere, and a full disk.
@Suite struct ProgramTests {
    @Test(arguments: [
        [], ["refresh"], ["--metadata-dir"], ["--metadata-dir", "x", "init"], ["--bogus", "1", "refresh"],
        ["--metadata-dir", "/nowhere/x", "--metadata-url", "http://127.0.0.1:1/", "refresh"],
        ["--metadata-dir", "x", "--metadata-url", "ftp://x/", "refresh"],
        ["--metadata-dir", "/nowhere/x", "init", "/nowhere/root.json"],
    ])
    func `whatever is wrong, the status is 1 and stderr says why`(arguments: [String]) async throws {
        let run = try await Sandbox().start(arguments)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("roadstead-tuf-client: "))
    }

    @Test func `init, refresh and download do their work and say nothing`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.server.serving {
            for arguments in [
                sandbox.initArguments, sandbox.refreshArguments(), sandbox.downloadArguments("files/a.txt"),
            ] {
                let run = try await sandbox.start(arguments)
                #expect(run.status == 0, "\(run.errors)")
                #expect((run.output + run.errors).isEmpty)
            }
        }
        #expect(sandbox.isCurrent())
        #expect(try Files.read(sandbox.targets + "/files%2Fa.txt", limit: 100) == Array("content of a".utf8))
        let missing = try await sandbox.server.serving {
            try await sandbox.start(sandbox.downloadArguments("files/none.txt"))
        }
        #expect(missing.status == 1)
    }

    @Test func `two refreshes at once both succeed`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        sandbox.server.misbehave("timestamp.json", .late(300))
        try await sandbox.server.serving {
            async let first = sandbox.start(sandbox.refreshArguments())
            async let second = sandbox.start(sandbox.refreshArguments())
            let runs = try await [first, second]
            #expect(runs.allSatisfy { $0.status == 0 }, "\(runs)")
        }
        #expect(sandbox.isCurrent())
    }

    private func faults(_ sandbox: Sandbox, _ more: [String: String] = [:]) -> [String: String] {
        [
            "LD_PRELOAD": Sandbox.products + "/libFaults.so", "FAULT_ROOT": sandbox.path + "/client",
            "FAULT_LOG": sandbox.path + "/operations",
        ].merging(more) { $1 }
    }

    /// A client that has followed the repository before, and arguments for what comes next.
    private func prepared(_ body: (Sandbox, [String], () throws -> Void) async throws -> Void) async throws {
        let sandbox = try await Sandbox()
        let (client, pristine) = (sandbox.path + "/client", sandbox.path + "/pristine")
        try await sandbox.server.serving {
            try Files.createDirectory(client)
            let names = ["--metadata-dir", client + "/metadata"]
            try await sandbox.run(names + ["init", sandbox.path + "/1.root.json"])
            try await sandbox.run(names + ["--metadata-url", sandbox.server.metadataURL, "refresh"])
            let old = sandbox.repository.signers[.root] ?? []
            try sandbox.repository.rotate(.root)
            try sandbox.repository.rotate(.timestamp)
            sandbox.repository.signers[.root] = old + (sandbox.repository.signers[.root] ?? [])
            try await sandbox.repository.publish(.root)
            try await sandbox.publish("files/new.txt")
            try FileManager.default.copyItem(atPath: client, toPath: pristine)
            let download =
                names + ["--metadata-url", sandbox.server.metadataURL, "--target-name", "files/new.txt"]
                + ["--target-dir", client + "/targets", "--target-base-url", sandbox.server.targetsURL, "download"]
            try await body(sandbox, download) {
                try FileManager.default.removeItem(atPath: client)
                try FileManager.default.copyItem(atPath: pristine, toPath: client)
            }
        }
    }

    private func operations(_ sandbox: Sandbox, _ arguments: [String]) async throws -> [[String]] {
        let run = try await sandbox.start(arguments, environment: faults(sandbox))
        try #require(run.status == 0, "\(run.errors)")
        let text = try String(contentsOfFile: sandbox.path + "/operations", encoding: .utf8)
        return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `killed at any file operation, the next run succeeds and leaves nothing behind`() async throws {
        try await prepared { sandbox, download, reset in
            let count = try await operations(sandbox, download).count
            try #require(count > 15)
            for number in 1...count + 1 {
                try reset()
                let killed = try await sandbox.start(
                    download, environment: faults(sandbox, ["FAULT_AT": "\(number)", "FAULT_LOG": ""]))
                #expect(killed.status == (number > count ? 0 : 137), "operation \(number): \(killed.errors)")
                let next = try await sandbox.start(download)
                #expect(next.status == 0, "after operation \(number): \(next.errors)")
                let left = ["metadata", "targets"].flatMap { directory in
                    (try? Files.list("\(sandbox.path)/client/\(directory)").filter { $0.hasSuffix(".tmp") }) ?? []
                }
                #expect(left.isEmpty, "after operation \(number)")
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `on a full disk there is a clear error, and room makes the next run succeed`() async throws {
        try await prepared { sandbox, download, reset in
            let log = try await operations(sandbox, download)
            for number in 1...log.count where !["fsync", "unlink"].contains(log[number - 1][1]) {
                try reset()
                let full = try await sandbox.start(
                    download, environment: faults(sandbox, ["FAULT_FULL": "\(number)", "FAULT_LOG": ""]))
                #expect(full.status == 1, "operation \(number)")
                #expect(full.errors.contains("no space left on device"), "operation \(number): \(full.errors)")
                let next = try await sandbox.start(download)
                #expect(next.status == 0, "after operation \(number): \(next.errors)")
            }
        }
    }

    @Test func `every rename comes after a sync of the file and before a sync of its directory`() async throws {
        try await prepared { sandbox, download, _ in
            let log = try await operations(sandbox, download)
            let renames = log.indices.filter { log[$0][1] == "rename" }
            #expect(renames.count >= 5)
            for index in renames {
                #expect(log[index - 1][1] == "fsync", "\(log[index])")
                #expect(log[index + 1][1...] == ["fsync", Files.parent(of: log[index][2])], "\(log[index])")
            }
        }
    }
}
