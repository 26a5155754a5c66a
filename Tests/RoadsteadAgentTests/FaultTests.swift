import Codecs
import FleetFixtures
import Files
import Foundation
import PKI
import RoadsteadAgent
import Testing
import TrustModel

/// The program killed at every file operation, and on a disk that fills up.
@Suite struct FaultTests {
    /// A host with release 1 in force and release 2 published, copied afresh for each attempt.
    private func prepared(_ body: (Host, String) async throws -> Void) async throws {
        let host = try Host()
        try await host.publishFirst(mode: .enforce)
        try Files.createDirectory(host.sandbox + "/etc")
        try await host.server.serving { address async throws in
            try await host.enroll(address, notationConfig: host.sandbox + "/etc/notation")
            let run = try await host.sync()
            try #require(run.status == 0, "\(run.errors)")
            let other = try await FixtureCertificates.root("second", at: host.now)
            try host.fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["next": [other]])
            try await host.fleet.publish(at: host.now)
            let pristine = host.sandbox + "/pristine"
            try FileManager.default.copyItem(atPath: host.statePath, toPath: pristine)
            try await body(host, pristine)
        }
    }

    private func reset(_ host: Host, _ pristine: String) throws {
        try FileManager.default.removeItem(atPath: host.statePath)
        try FileManager.default.copyItem(atPath: pristine, toPath: host.statePath)
        host.server.forgetReceipts()
    }

    private func faults(_ host: Host, _ more: [String: String] = [:]) -> [String: String] {
        [
            "LD_PRELOAD": AgentProcess.products + "/libFaults.so", "FAULT_ROOT": host.statePath,
            "FAULT_LOG": host.sandbox + "/operations",
        ].merging(more) { $1 }
    }

    /// Counts the file operations of a whole sync.
    private func operations(_ host: Host) async throws -> [String] {
        let run = try await host.sync(faults(host))
        try #require(run.status == 0, "\(run.errors)")
        let text = try String(contentsOfFile: host.sandbox + "/operations", encoding: .utf8)
        return text.split(separator: "\n").map(String.init)
    }

    @Test(.timeLimit(.minutes(5)))
    func `killed at any file operation, the old or the new generation is in force, whole, and the next sync succeeds`()
        async throws
    {
        try await prepared { host, pristine async throws in
            let count = try await operations(host).count
            try #require(count > 30)
            var seen: Set<String> = []
            for number in 1...count + 1 {
                try reset(host, pristine)
                let run = try await host.sync(faults(host, ["FAULT_AT": "\(number)", "FAULT_LOG": ""]))
                #expect(run.status == (number > count ? 0 : 137), "operation \(number): \(run.errors)")
                let inForce = try #require(try host.inForce(), "operation \(number)")
                seen.insert(inForce.name)
                #expect(Files.exists(host.sandbox + "/etc/notation/trustpolicy.json"))
                let next = try await host.sync()
                #expect(next.status == 0, "after operation \(number): \(next.errors)")
                #expect(try host.inForce()?.name == "2", "after operation \(number)")
                let stray =
                    try Files.list(host.statePath).filter { $0.hasPrefix(".") }
                    + Files.list(host.state.generations).filter { $0.hasPrefix(".") }
                #expect(stray.isEmpty, "after operation \(number)")
            }
            #expect(seen == ["1", "2"])
        }
    }

    @Test func `every rename comes after a sync of the file and before a sync of its directory`() async throws {
        try await prepared { host, _ async throws in
            let log = try await operations(host).map { $0.split(separator: " ").map(String.init) }
            var checked = 0
            for (index, line) in log.enumerated() where line[1] == "rename" {
                let directory = Files.parent(of: line[2])
                let next = log[(index + 1)...].first { $0[1] == "fsync" }
                #expect(next?[2] == directory, "\(line)")
                // A link has no content to sync, and what is removed needs none.
                let before = log[index - 1]
                #expect(["fsync", "symlink"].contains(before[1]) || line[2].hasSuffix(".tmp"), "\(line)")
                checked += 1
            }
            #expect(checked >= 8)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `on a full disk there is a clear error and the old generation stays in force`() async throws {
        try await prepared { host, pristine async throws in
            let log = try await operations(host)
            let switched = try #require(log.firstIndex { $0.contains("rename") && $0.hasSuffix("/current") })
            for number in stride(from: 1, through: switched, by: 3) {
                try reset(host, pristine)
                let run = try await host.sync(faults(host, ["FAULT_FULL": "\(number)", "FAULT_LOG": ""]))
                #expect(run.status == 3, "operation \(number): \(run.errors)")
                #expect(
                    run.errors.lowercased().contains("no space left on device"), "operation \(number): \(run.errors)")
                #expect(try host.inForce()?.name == "1", "operation \(number)")
                #expect(try await host.sync().status == 0, "operation \(number)")
                #expect(try host.inForce()?.name == "2", "operation \(number)")
            }
        }
    }
}
