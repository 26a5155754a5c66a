import FleetFixtures
import Foundation
import RoadsteadAgent
import Subprocess
import SystemPackage
import Testing
import TrustModel

@Suite struct RunTests {
    @Test(.timeLimit(.minutes(2)))
    func `a hint wakes a refresh long before the next poll, and SIGTERM ends the agent`() async throws {
        let host = try Host()
        host.fleet.ops = OpsSettings(pollSeconds: 3_600, reportSeconds: 3_600, repositories: [])
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            let result = try await Subprocess.run(
                .path(FilePath(AgentProcess.products + "/roadstead-agent")),
                arguments: ["run", "--state", host.statePath],
                environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]),
                input: .none, output: .discarded, error: .discarded
            ) { process async throws in
                let isFirst = try await eventually { try host.inForce()?.name == "1" }
                #expect(isFirst)
                try await host.fleet.publish(at: host.now)
                host.server.announce(host.fleet.timestampVersion)
                let isSecond = try await eventually { try host.inForce()?.name == "2" }
                #expect(isSecond)
                let isReported = try await eventually { host.server.receipts.last?.release == 2 }
                #expect(isReported)
                try process.send(signal: .terminate)
            }
            #expect(result.terminationStatus == .exited(0))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a false hint does not hide the true ones after it`() async throws {
        let host = try Host()
        host.fleet.ops = OpsSettings(pollSeconds: 3_600, reportSeconds: 3_600, repositories: [])
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            let result = try await Subprocess.run(
                .path(FilePath(AgentProcess.products + "/roadstead-agent")),
                arguments: ["run", "--state", host.statePath],
                environment: .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]),
                input: .none, output: .discarded, error: .discarded
            ) { process async throws in
                let isFirst = try await eventually { try host.inForce()?.name == "1" }
                #expect(isFirst)
                host.server.announce(.max)
                try await Task.sleep(for: .seconds(3))
                try await host.fleet.publish(at: host.now)
                host.server.announce(host.fleet.timestampVersion)
                let isSecond = try await eventually { try host.inForce()?.name == "2" }
                #expect(isSecond)
                try process.send(signal: .terminate)
            }
            #expect(result.terminationStatus == .exited(0))
        }
    }
}
