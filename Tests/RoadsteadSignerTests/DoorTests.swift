import Codecs
import Files
import Foundation
import PythonEnvironment
import ReleaseCriteria
import SignerClient
import SigningKeys
import SoftHSM
import Synchronization
import TestProvider
import Testing

@testable import RoadsteadSigner

/// Who gets in, who does not, and how the program leaves.
@Suite(.serialized) struct DoorTests {
    private static let unrestricted: JSON = ["unrestricted": true]

    private func configuration(_ scene: Scene, _ limits: JSON, _ more: [(String, JSON)] = []) throws -> String {
        var members = scene.configuration(criteria: Self.unrestricted, limits: limits).objectOrNil ?? JSONObject()
        for (name, value) in more { members[name] = value }
        return try scene.write(.object(members))
    }

    private func body(_ scene: Scene) async throws -> [UInt8] {
        try JSON(
            encoding: SigningRequestBody(
                toBeSigned: try await scene.toBeSigned(), scheme: nil, evidence: [], image: nil)
        ).bytes
    }

    // MARK: workloads

    @Test(.enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() })
    func `a workload signs with its issuer's token, which is read anew when it changes and never written down`()
        async throws
    {
        let provider = try TestProvider()
        try await Scene.with { scene in
            let path = try workloads(scene, provider, limits: ["strangerPerMinute": 60])
            try await SignerProcess.with(path) { signer in
                try await signer.wait()
                let file = scene.directory + "/token"
                func token(_ branch: String, age: Int64 = 0) throws -> String {
                    let now = scene.now.adding(seconds: -age)
                    return try provider.token(
                        provider.claims(of: "repo:acme/app", now: now, audience: "signer", [("ref", .string(branch))]))
                }
                func show(_ token: String) throws { try Files.write(Array((token + "\n").utf8), to: file, mode: 0o600) }
                let good = try token("main")
                try show(good)
                let decisions = Mutex<[SigningDecisionBody]>([])
                let keys = RemoteKeys(
                    context: SigningCase(onDecision: { decision in decisions.withLock { $0.append(decision) } })
                ) { authority in
                    try SignerAccess(
                        for: authority,
                        environment: ["ROADSTEAD_SIGNER_TOKEN_FILE": file, "ROADSTEAD_SIGNER_PLAIN_LOOPBACK": "1"])
                }
                let key = try await keys.open(try KeyName("roadstead://127.0.0.1:\(signer.port)/release"))
                let message = try await scene.toBeSigned()
                func sign() async throws {
                    _ = try await verifiedSignature(
                        by: AnySigner(key.signer), over: message, scheme: .ecdsa(.sha256, .fixed))
                }
                try await sign()
                try show(try token("evil"))
                await #expect(throws: SignerClientError(.unauthenticated, "")) { try await sign() }
                try show(try token("main", age: 400))
                await #expect(throws: SignerClientError(.unauthenticated, "")) { try await sign() }
                try show(try token("main", age: 1))
                try await sign()
                let found = decisions.withLock { $0.first?.findings.first { $0.criterion == "caller" }?.found }
                #expect(found == "ci (repo:acme/app, says \(provider.issuer))")
                let log = String(decoding: try Files.read(scene.log, limit: 1 << 20), as: UTF8.self)
                #expect(log.contains(#""caller":"ci""#) && log.contains(#""subject":"repo:acme/app""#))
                #expect(log.contains(#""issuer":"\#(provider.issuer)""#))
                #expect(signer.said.contains("ci differs in ref"))
                let payload = try #require(good.split(separator: ".").last)
                #expect(!log.contains(payload) && !signer.said.contains(payload))
            }
        }
    }

    private func workloads(_ scene: Scene, _ provider: TestProvider, limits: JSON) throws -> String {
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array(Scene.token.utf8)))
        let ci: JSON = ["token": ["issuer": "forge", "claims": ["sub": "repo:acme/app", "ref": ["main", "next"]]]]
        var members = scene.configuration(criteria: Self.unrestricted, limits: limits, keyCallers: ["ci", "bot"])
            .objectOrNil
        members?["issuers"] = ["forge": ["issuer": .string(provider.issuer), "audience": "signer"]]
        members?["callers"] = ["ci": ci, "bot": ["tokenSHA256": .string(digest)]]
        return try scene.write(.object(try #require(members)))
    }

    // MARK: strangers

    @Test(.enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() })
    func `while strangers flood the service, callers are served, from the very same address`() async throws {
        let provider = try TestProvider()
        try await Scene.with { scene in
            let path = try workloads(scene, provider, limits: ["strangerPerMinute": 5, "connectionsPerAddress": 64])
            try await SignerProcess.with(path) { signer in
                try await signer.wait()
                let bytes = try await body(scene)
                let sign = "/v1/keys/release/sign"
                func token(_ number: Int64) throws -> String {
                    try provider.token(
                        provider.claims(
                            of: "repo:acme/app", now: scene.now, audience: "signer",
                            [("ref", "main"), ("jti", .integer(number))]))
                }
                let good = try token(1)
                #expect(try await signer.send("POST", sign, bytes, token: good).status == 200)
                let forged = String(good.dropLast(6)) + "AAAAAA"
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<200 {
                        group.addTask {
                            try await signer.send("POST", sign, bytes, token: number % 2 == 0 ? forged : nil).status
                        }
                    }
                    return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
                }
                #expect(statuses.keys.sorted() == [401, 429] && (5...6).contains(statuses[401] ?? 0), "\(statuses)")
                for _ in 0..<5 {
                    #expect(try await signer.send("POST", sign, bytes, token: good).status == 200)
                    #expect(try await signer.send("POST", sign, bytes).status == 200)
                }
                #expect(try await signer.send("POST", sign, bytes, token: try token(2)).status == 429)
                #expect(try await signer.send("GET", "/readyz", token: nil).status == 200)
            }
        }
    }

    @Test func `a stranger is refused before the body comes, and holds no connection`() async throws {
        try await Scene.with { scene in
            let path = try configuration(scene, ["connectionsPerAddress": 3, "bodyBytes": 1_000_000])
            try await SignerProcess.with(path) { signer in
                let stranger = try RawConnection(port: signer.port)
                let head = "POST /v1/keys/release/sign HTTP/1.1\r\nContent-Length: 900000"
                #expect(stranger.ask(head)?.hasPrefix("HTTP/1.1 401") == true)
                let start = ContinuousClock.now
                #expect(stranger.receive() == "")
                #expect(.now - start < .seconds(4))
                let others = try (0..<3).map { _ in try RawConnection(port: signer.port) }
                for other in others { #expect(other.ask("GET /healthz HTTP/1.1")?.hasPrefix("HTTP/1.1 200") == true) }
                let tooMany = try RawConnection(port: signer.port)
                #expect(tooMany.ask("GET /healthz HTTP/1.1") == "")
                #expect(others[0].ask("GET /healthz HTTP/1.1")?.hasPrefix("HTTP/1.1 200") == true)
            }
        }
    }

    // MARK: the end

    @Test func `idle connections end at once, and a signature that is under way is answered`() async throws {
        try await Scene.with { scene in
            try await SoftHSM.withToken { softHSM in
                try softHSM.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "release", "--usage-sign",
                ])
                let slow: JSON = [
                    "uri": "pkcs11:token=roadstead;object=release", "usage": "raw", "formats": ["tuf"],
                    "callers": ["ci"],
                    "module": .string(SignerProcess.products + "/libFaultyModule.so"),
                    "pinFile": .string(softHSM.pinFile), "criteria": Self.unrestricted,
                ]
                let path = try scene.write(
                    scene.configuration(criteria: Self.unrestricted, keys: [("slow", slow)]))
                let signer = try await SignerProcess(
                    path, environment: softHSM.environment.merging(["FAULT": "slow"]) { $1 })
                defer { signer.stop() }
                try await signer.wait(for: "slow")
                let idle = try (0..<5).map { _ in try RawConnection(port: signer.port) }
                for one in idle.dropFirst(2) {
                    #expect(one.ask("GET /healthz HTTP/1.1")?.hasPrefix("HTTP/1.1 200") == true)
                }
                let late = try RawConnection(port: signer.port)
                late.send("POST /v1/keys/slow/sign HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(Scene.token)\r\n")
                late.send("Content-Length: 100\r\n\r\n{")
                let bytes = try JSON(
                    encoding: SigningRequestBody(
                        toBeSigned: RawFormatTests.timestamp, scheme: nil, evidence: [], image: nil)
                ).bytes
                async let answer = signer.send("POST", "/v1/keys/slow/sign", bytes)
                try await Task.sleep(for: .milliseconds(300))
                let time = try await signer.end()
                #expect(time < .seconds(3), "\(time)")
                #expect(try await answer.status == 200)
                #expect(signer.exitStatus == 0)
                for one in idle { #expect(one.receive() == "") }
                var outcomes: [String?] = []
                _ = try LogTrail.read(scene.log) { outcomes.append($0.members["outcome"]?.stringOrNil) }
                #expect(outcomes == ["signed"])
            }
        }
    }

    @Test func `a client of TLS that sleeps holds up no end`() async throws {
        try await Scene.with { scene in
            let files = try MutualTLS(in: scene.directory)
            let listen: JSON = ["host": "127.0.0.1", "port": 0, "certificate": "server.crt", "key": "server.key"]
            let path = try scene.write(scene.configuration(criteria: Self.unrestricted, listen: listen))
            let signer = try await SignerProcess(path)
            defer { signer.stop() }
            let (client, input, output) = (Process(), Pipe(), Pipe())
            client.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            client.arguments = [
                "s_client", "-quiet", "-verify_quiet", "-CAfile", files.authority, "-connect",
                "localhost:\(signer.port)",
            ]
            (client.standardInput, client.standardOutput, client.standardError) = (input, output, FileHandle.nullDevice)
            try client.run()
            defer {
                kill(client.processIdentifier, SIGKILL)
                client.waitUntilExit()
            }
            try input.fileHandleForWriting.write(contentsOf: Data("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).contains("200 OK"))
            kill(client.processIdentifier, SIGSTOP)
            let time = try await signer.end()
            #expect(time < .seconds(3), "\(time)")
            #expect(signer.exitStatus == 0)
        }
    }

    @Test func `a key that hangs holds up no end beyond its deadline`() async throws {
        try await Scene.with { scene in
            try await SoftHSM.withToken { softHSM in
                try softHSM.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "release", "--usage-sign",
                ])
                let hung: JSON = [
                    "uri": "pkcs11:token=roadstead;object=release", "usage": "raw", "formats": ["tuf"],
                    "callers": ["ci"],
                    "module": .string(SignerProcess.products + "/libFaultyModule.so"),
                    "pinFile": .string(softHSM.pinFile), "criteria": Self.unrestricted,
                ]
                let path = try scene.write(
                    scene.configuration(
                        criteria: Self.unrestricted, keys: [("hung", hung)],
                        limits: ["keyDeadlineMilliseconds": 30_000, "probeSeconds": 1]
                    ))
                let signer = try await SignerProcess(
                    path, environment: softHSM.environment.merging(["FAULT": "hang"]) { $1 })
                defer { signer.stop() }
                try await signer.wait()
                try await Task.sleep(for: .seconds(3))
                let time = try await signer.end()
                #expect(time < .seconds(3), "\(time)")
            }
        }
    }
}
