import Codecs
import FleetFixtures
import Files
import Foundation
import RoadsteadAgent
import Testing
import TrustModel

@Suite struct EnrolmentTests {
    @Test func `a join string enrols a host, whose key nobody else can read`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            let configuration = try AgentConfiguration.load(host.state)
            #expect(configuration.fleetID == host.fleet.id)
            #expect(configuration.hostName == "web-1")
            #expect(try Files.status(host.state.hostKey).mode == 0o600)
            #expect(host.server.hostCount == 1)
            let text = try String(contentsOfFile: host.state.configuration, encoding: .utf8)
            #expect(!text.contains(FleetServer.token))
        }
    }

    @Test func `server, fleet, digest and token file do as well as a join string`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            let token = try host.write(FleetServer.token + "\n", "token")
            let run = try await AgentProcess.run([
                "enroll", "--state", host.statePath, "--server", address, "--fleet", "prod", "--root-sha256",
                host.fleet.rootSHA256, "--token-file", token, "--name", "web-2",
            ])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try AgentConfiguration.load(host.state).fleetID == host.fleet.id)
        }
    }

    @Test func `a join string comes through standard input`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            let run = try await AgentProcess.run(
                ["enroll", "--state", host.statePath, "-"],
                input: try host.fleet.joinString(server: address, token: FleetServer.token).text)
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test func `a join string on the command line is refused, and not shown`() async throws {
        let host = try Host()
        let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "rsjoin1.c2VjcmV0"])
        #expect(run.status == 2)
        #expect(run.errors.contains("does not belong on a command line"))
        #expect(!run.errors.contains("c2VjcmV0"))
    }

    @Test(arguments: [
        ["--server", "https://127.0.0.1:1", "--fleet", "prod"], [],
        ["--server", "https://127.0.0.1:1", "--fleet", "prod", "--root-sha256", "abc"],
        [
            "--server", "http://trust.example.com", "--fleet", "prod", "--root-sha256",
            String(repeating: "0", count: 64),
        ],
    ])
    func `without a digest or with a bad address nothing is written`(arguments: [String]) async throws {
        let host = try Host()
        let run = try await AgentProcess.run(["enroll", "--state", host.statePath] + arguments)
        #expect(run.status == 2)
        #expect(run.errors.contains("hint: "))
        #expect(!Files.exists(host.statePath))
    }

    @Test(arguments: ["", "hello", "rsjoin1.", "rsjoin1.e30", "rsjoin1.!!!", "rsjoin2.e30"])
    func `a wrong join string is refused with the way out`(text: String) async throws {
        let host = try Host()
        let file = try host.write(text, "join")
        let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "--join-string-file", file])
        #expect(run.status == 2)
        #expect(run.errors.contains("join string"))
        #expect(!Files.exists(host.statePath))
    }

    @Test func `a root with another digest is refused and nothing is written`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            let join = host.fleet.joinString(
                server: address, token: FleetServer.token, rootSHA256: String(repeating: "ab", count: 32))
            let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "-"], input: try join.text)
            #expect(run.status == 1)
            #expect(run.errors.contains("is not the pinned one; nothing was written"))
            #expect(!Files.exists(host.statePath))
            #expect(host.server.hostCount == 0)
        }
    }

    @Test func `a wrong join token shows what the server says and leaves nothing behind`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            let join = host.fleet.joinString(server: address, token: "rsj_wrong")
            let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "-"], input: try join.text)
            #expect(run.status == 3)
            #expect(run.errors.contains("the join token is unknown, expired or used up"))
            #expect(run.errors.contains("hint: ask for a new one"))
            #expect(!run.errors.contains("rsj_wrong"))
            #expect(!Files.exists(host.statePath))
        }
    }

    @Test func `an unknown fleet is named`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            let token = try host.write(FleetServer.token, "token")
            let run = try await AgentProcess.run([
                "enroll", "--state", host.statePath, "--server", address, "--fleet", "nowhere", "--root-sha256",
                host.fleet.rootSHA256, "--token-file", token,
            ])
            #expect(run.status == 3)
            #expect(run.errors.contains("\"nowhere\""))
            #expect(!Files.exists(host.statePath))
        }
    }

    @Test func `a server that is away is named with the way out`() async throws {
        let host = try Host()
        try await host.publishFirst()
        let join = host.fleet.joinString(server: "http://127.0.0.1:1", token: FleetServer.token)
        let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "-"], input: try join.text)
        #expect(run.status == 3)
        #expect(run.errors.contains("cannot reach the server http://127.0.0.1:1"))
        #expect(!Files.exists(host.statePath))
    }

    @Test func `an enrolled host is not enrolled over`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            let join = host.fleet.joinString(server: address, token: FleetServer.token)
            let run = try await AgentProcess.run(["enroll", "--state", host.statePath, "-"], input: try join.text)
            #expect(run.status == 2)
            #expect(run.errors.contains("belongs to an enrolled host already"))
        }
    }

    @Test(arguments: ["sync", "status", "run", "leave"])
    func `a host that is not enrolled says how to enrol`(command: String) async throws {
        let host = try Host()
        let run = try await AgentProcess.run([command, "--state", host.statePath])
        #expect(run.status == 2)
        #expect(run.errors.contains("roadstead-agent enroll"))
        #expect(!Files.exists(host.statePath))
    }
}
