import Codecs
import Foundation
import ReleaseCriteria
import SignerClient
import SigningKeys
import Testing

@testable import RoadsteadSigner

/// What requests tell to those who may not know, and what they may not leave open.
@Suite(.serialized) struct RequestTests {
    private func body(_ scene: Scene) async throws -> [UInt8] {
        let request = SigningRequestBody(
            toBeSigned: try await scene.toBeSigned(), scheme: nil, evidence: [], image: nil)
        return try JSON(encoding: request).bytes
    }

    @Test func `a query that is misspelt signs nothing`() async throws {
        try await Scene.with { scene in
            let path = try scene.write(scene.configuration(criteria: ["unrestricted": true]))
            try await SignerProcess.with(path) { signer in
                try await signer.wait()
                let body = try await body(scene)
                let sign = "/v1/keys/release/sign"
                for query in ["dry-run=true", "dryrun=true", "dryRun=1", "dryRun=false&dryRun=true", "x"] {
                    #expect(try await signer.send("POST", sign + "?" + query, body).status == 400, "\(query)")
                }
                let dry = try await signer.send("POST", sign + "?dryRun=true", body)
                #expect(dry.status == 200)
                #expect(dry.body.objectOrNil?["signature"] == nil)
                #expect(try await signer.send("POST", sign + "?dryRun=false", body).status == 200)
            }
        }
    }

    @Test func `another's key is not told from one that is not there, and fills no log`() async throws {
        try await Scene.with { scene in
            let path = try scene.write(scene.configuration(criteria: ["unrestricted": true], keyCallers: []))
            try await SignerProcess.with(path) { signer in
                try await signer.wait()
                let body = try await body(scene)
                for query in ["", "?dryRun=true"] {
                    let there = try await signer.send("POST", "/v1/keys/release/sign" + query, body)
                    let absent = try await signer.send("POST", "/v1/keys/absent/sign" + query, body)
                    #expect(there.status == 404 && absent.status == 404)
                    #expect(there.body.objectOrNil?["detail"] == absent.body.objectOrNil?["detail"])
                }
                #expect(try LogTrail.read(scene.log).sequence == 0)
            }
        }
    }

    /// Answers the head of an answer, one byte of its body, and nothing more.
    private static let stalling = """
        import socket, time
        server = socket.create_server(("127.0.0.1", 0))
        print(server.getsockname()[1], flush=True)
        caller, _ = server.accept()
        caller.recv(65536)
        caller.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000\\r\\n\\r\\n{")
        time.sleep(60)
        """

    @Test func `a service that stalls in the middle of its answer is left in time`() async throws {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", Self.stalling]
        process.standardOutput = pipe
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let line = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(Int(line.filter(\.isNumber)))
        let keys = RemoteKeys(deadline: .seconds(2)) { _ in
            var access = SignerAccess()
            access.isPlain = true
            return access
        }
        let name = try KeyName("roadstead://127.0.0.1:\(port)/release")
        let start = ContinuousClock.now
        await #expect(throws: SignerClientError(.away, "")) { _ = try await keys.open(name) }
        #expect(.now - start < .seconds(20))
    }
}
