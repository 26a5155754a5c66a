import Codecs
import FleetFixtures
import Files
import Foundation
import RoadsteadAgent
import Testing
import TrustModel

@Suite struct EnforcementTests {
    private func enrolled(
        _ mode: EnforcementMode, _ config: String, _ body: (Host) async throws -> Void
    ) async throws {
        let host = try Host()
        try await host.publishFirst(mode: mode)
        try Files.createDirectory(host.sandbox + "/etc/notation/truststore/x509/ca/old")
        _ = try host.write("{}", "etc/notation/trustpolicy.json")
        try await host.server.serving { address async throws in
            try await host.enroll(address, notationConfig: host.sandbox + config)
            try await body(host)
        }
    }

    @Test func `observe leaves no byte changed outside the state directory, and says what would change`() async throws {
        try await enrolled(.observe, "/etc/notation") { host async throws in
            let before = try host.listing(host.sandbox, without: host.statePath)
            #expect(try await host.sync().status == 0)
            let status = try await AgentProcess.run(["status", "--state", host.statePath])
            #expect(try host.listing(host.sandbox, without: host.statePath) == before)
            #expect(status.output.contains("would become a link to \(host.state.currentNotation)"))
            #expect(status.output.contains("would change: trustpolicy.json"))
            let receipt = try #require(host.server.receipts.last)
            #expect(receipt.enforcers.map(\.applied) == [false])
            #expect(receipt.enforcers.map(\.mode) == [.observe])
        }
    }

    @Test func `enforce makes Notation's directory a link, keeps what was there, and leave puts it back`() async throws
    {
        try await enrolled(.enforce, "/etc/notation") { host async throws in
            let before = try host.listing(host.sandbox + "/etc/notation")
            let run = try await host.sync()
            #expect(run.status == 0)
            #expect(run.output.contains("it is kept as"))
            let config = host.sandbox + "/etc/notation"
            #expect(try Files.linkTarget(config) == host.state.currentNotation)
            #expect(Files.exists(config + "/trustpolicy.oci.json"))
            #expect(try host.listing(config + ".before-roadstead") == before)
            #expect(host.server.receipts.last?.enforcers.map(\.applied) == [true])
            #expect(try await AgentProcess.run(["status", "--check", "--state", host.statePath]).status == 0)
            let leave = try await AgentProcess.run(["leave", "--state", host.statePath])
            #expect(leave.status == 0, "\(leave.errors)")
            #expect(try host.listing(config) == before)
            #expect(try Files.list(host.sandbox + "/etc") == ["notation"])
            #expect(!Files.exists(host.state.hostKey))
        }
    }

    @Test func `where nothing was, leaving removes the link`() async throws {
        try await enrolled(.enforce, "/etc/fresh") { host async throws in
            #expect(try await host.sync().status == 0)
            #expect(Files.exists(host.sandbox + "/etc/fresh/trustpolicy.json"))
            #expect(try await AgentProcess.run(["leave", "--state", host.statePath]).status == 0)
            #expect(try Files.list(host.sandbox + "/etc") == ["notation"])
        }
    }

    @Test func `a file in the way is reported and the sync goes on`() async throws {
        try await enrolled(.enforce, "/etc/notation/trustpolicy.json") { host async throws in
            let run = try await host.sync()
            #expect(run.status == 0)
            #expect(run.errors.contains("Notation's configuration is a directory"))
            let check = try await AgentProcess.run(["status", "--check", "--state", host.statePath])
            #expect(check.status == 1)
            #expect(check.errors.contains("notation does not read what is in force"))
        }
    }

    @Test func `status speaks JSON`() async throws {
        try await enrolled(.observe, "/etc/notation") { host async throws in
            _ = try await host.sync()
            let run = try await AgentProcess.run(["status", "--output", "json", "--state", host.statePath])
            let report: StatusReport = try JSON(parsing: Array(run.output.utf8)).decode(place: "status")
            #expect(report.release == 1)
            #expect(report.freshness == .fresh)
            #expect(report.anchors == 1)
        }
    }
}
