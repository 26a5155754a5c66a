import Codecs
import FleetFixtures
import Files
import Foundation
import PKI
import RoadsteadAgent
import SigningKeys
import Testing
import TrustModel

/// A fleet that lost its root keys and starts over with others.
@Suite struct RootReplacementTests {
    private static let all: Set<String> = ["timestamp", "snapshot", "targets", "deny", "ops", "revocation", "acme"]

    /// An enrolled host with release 1 in force; the fleet has published release 2 under root 2, which no former key signed.
    private func lost(_ rotated: Set<String> = all, _ body: (Host) async throws -> Void) async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            try #require(try await host.sync().status == 0)
            try await host.fleet.rotate(rotated, rootKeys: 1, startsOver: true, at: host.now)
            try await host.fleet.publish(at: host.now)
            try await body(host)
        }
    }

    private func replace(
        _ host: Host, _ arguments: [String] = [], sha256: String? = nil, environment: [String: String] = [:]
    ) async throws -> AgentRun {
        try await AgentProcess.run(
            [
                "enroll", "--state", host.statePath, "--replace-root", "--root-sha256",
                sha256 ?? host.fleet.rootSHA256,
            ] + arguments, environment: environment)
    }

    private func trustedRoot(_ host: Host) throws -> [UInt8] {
        try Files.read(host.state.metadata + "/root.json", limit: 1 << 20)
    }

    @Test func `the new root's digest brings the host back, with its own key`() async throws {
        try await lost { host async throws in
            let key = try Files.read(host.state.hostKey, limit: 1 << 16)
            let refused = try await host.sync()
            #expect(refused.status == 1)
            #expect(try host.inForce()?.name == "1")
            let run = try await replace(host)
            #expect(run.status == 0, "\(run.errors)")
            #expect(try host.inForce()?.name == "2")
            #expect(try trustedRoot(host) == host.fleet.rootBytes)
            #expect(try Files.read(host.state.hostKey, limit: 1 << 16) == key)
            #expect(try AgentConfiguration.load(host.state).rootSHA256 == host.fleet.rootSHA256)
            #expect(host.server.receipts.last?.release == 2)
            #expect(try await host.sync().status == 0)
        }
    }

    @Test(arguments: [["--root-version", "2"], []])
    func `a digest that no root has changes nothing`(arguments: [String]) async throws {
        try await lost { host async throws in
            let before = try host.listing(host.state.metadata)
            let run = try await replace(host, arguments, sha256: String(repeating: "ab", count: 32))
            #expect(run.status == 1, "\(run.errors)")
            #expect(run.errors.contains("nothing was written"))
            #expect(try host.listing(host.state.metadata) == before)
            #expect(try host.inForce()?.name == "1")
        }
    }

    @Test func `the root of another fleet is refused, whoever vouches for it`() async throws {
        try await lost { host async throws in
            let other = try FixtureFleet("prod", directory: host.sandbox + "/www")
            try await other.publish(at: host.now)
            let before = try host.listing(host.state.metadata)
            let run = try await replace(host, ["--root-version", "1"], sha256: other.rootSHA256)
            #expect(run.status == 1)
            #expect(run.errors.contains("belongs to fleet"))
            #expect(try host.listing(host.state.metadata) == before)
        }
    }

    @Test func `a join string of another fleet is refused`() async throws {
        try await lost { host async throws in
            let other = try FixtureFleet("test", directory: host.sandbox + "/other")
            try await other.publish(at: host.now)
            let address = try AgentConfiguration.load(host.state).server
            let join = try other.joinString(server: address, token: FleetServer.token).text
            let run = try await AgentProcess.run(
                ["enroll", "--state", host.statePath, "--replace-root", "-"], input: join)
            #expect(run.status == 1)
            #expect(run.errors.contains("this host is of fleet prod"))
        }
    }

    @Test func `a repository that does not verify under the new root changes nothing`() async throws {
        try await lost { host async throws in
            host.fleet.badlySignedRoles = ["snapshot"]
            try await host.fleet.publish(at: host.now)
            let before = try host.listing(host.state.metadata)
            let run = try await replace(host)
            #expect(run.status == 1)
            #expect(run.errors.contains("nothing was changed"))
            #expect(try host.listing(host.state.metadata) == before)
        }
    }

    @Test func `versions that start over are taken only when told so`() async throws {
        try await lost([]) { host async throws in
            for _ in 0..<3 { try await host.fleet.publish(at: host.now) }
            #expect(try await replace(host).status == 0)
            for role in ["timestamp", "snapshot"] { host.fleet.set(version: 0, of: role) }
            try await host.fleet.publish(at: host.now)
            let refused = try await replace(host)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("--forget-versions"))
            let run = try await replace(host, ["--forget-versions"])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try host.inForce()?.manifest.origin.release == 1)
        }
    }

    @Test func `a host that is not enrolled has no root to replace`() async throws {
        let host = try Host()
        let run = try await replace(host, sha256: String(repeating: "ab", count: 32))
        #expect(run.status == 2)
        #expect(!Files.exists(host.statePath))
    }

    @Test(.timeLimit(.minutes(5)))
    func `killed at any file operation, the old root is believed or the new one, and trying again succeeds`()
        async throws
    {
        try await lost { host async throws in
            let old = try trustedRoot(host)
            let pristine = host.sandbox + "/pristine"
            try FileManager.default.copyItem(atPath: host.statePath, toPath: pristine)
            let faults = [
                "LD_PRELOAD": AgentProcess.products + "/libFaults.so", "FAULT_ROOT": host.statePath,
                "FAULT_LOG": host.sandbox + "/operations",
            ]
            #expect(try await replace(host, environment: faults).status == 0)
            let log = try String(contentsOfFile: host.sandbox + "/operations", encoding: .utf8)
            let count = log.split(separator: "\n").count
            try #require(count > 40)
            var seen: Set<[UInt8]> = []
            for number in stride(from: 1, through: count, by: 3) {
                try FileManager.default.removeItem(atPath: host.statePath)
                try FileManager.default.copyItem(atPath: pristine, toPath: host.statePath)
                host.server.forgetReceipts()
                let killing = faults.merging(["FAULT_AT": "\(number)", "FAULT_LOG": ""]) { $1 }
                #expect(try await replace(host, environment: killing).status == 137, "operation \(number)")
                seen.insert(try trustedRoot(host))
                #expect(try host.inForce() != nil, "operation \(number)")
                let again = try await replace(host)
                #expect(again.status == 0, "after operation \(number): \(again.errors)")
                #expect(try host.inForce()?.name == "2", "after operation \(number)")
                #expect(!Files.exists(host.statePath + "/.replace-root.tmp"))
            }
            #expect(seen == [old, host.fleet.rootBytes])
        }
    }
}
