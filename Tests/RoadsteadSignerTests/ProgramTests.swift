import AsyncHTTPClient
import Codecs
import Envelopes
import Files
import Foundation
import KeyServices
import NIOCore
import NIOSSL
import PKI
import ReleaseCriteria
import SignerClient
import SigningKeys
import SoftHSM
import Synchronization
import Testing

@testable import RoadsteadSigner

/// The real program, over the network, with real tokens.
@Suite(.serialized) struct SignerProgramTests {
    @Test func `an image is signed through the service, whose refusals name each criterion`() async throws {
        try await Scene.with { scene in
            try await SignerProcess.with(try scene.write(scene.configuration())) { signer in
                try await signer.wait()
                let decisions = Mutex<[SigningDecisionBody]>([])
                let evidence = try await scene.provenance(Scene.artifact())
                func sign(_ evidence: [JSON], dryRun: Bool = false) async throws -> [UInt8] {
                    let context = SigningCase(evidence: evidence, isDryRun: dryRun) { decision in
                        decisions.withLock { $0.append(decision) }
                    }
                    let opened = try await signer.open("release", context)
                    let chain = try opened.certificates.map { try Certificate(der: $0) }
                    let writer = EnvelopeWriter(format: .jws, signingAgent: "test/1")
                    let now = UTCDate(seconds: Int64(Date().timeIntervalSince1970))
                    return try await SigningSubject.$image.withValue(Scene.image) {
                        try await writer.sign(
                            Scene.artifact(), chain: chain, signer: AnySigner(opened.signer), at: now, expiry: nil)
                    }
                }
                let envelope = try await sign([evidence])
                let verified = try UnverifiedEnvelope(parsing: envelope, format: .jws).verified()
                #expect(verified.artifact == Scene.artifact())
                await #expect(throws: KeyError(.dryRun, "")) { try await sign([evidence], dryRun: true) }
                do {
                    _ = try await sign([])
                    Issue.record("signed without evidence")
                } catch let error as KeyError {
                    #expect(error.code == .denied)
                    #expect(error.reason.contains("provenance.attesters: wanted 1 of builder"))
                }
                #expect(decisions.withLock { $0.map(\.allowed) } == [true, true, false])
                #expect(decisions.withLock { $0.map(\.sequence) } == [1, 2, 3])
                let (status, _) = try SignerProcess.run(
                    ["log", "verify", scene.log, "--contains", decisions.withLock { $0[2].hash }])
                #expect(status == 0)
            }
        }
    }

    @Test func `requests of a wrong form are refused, and strangers see nothing`() async throws {
        try await Scene.with { scene in
            let configuration = scene.configuration(limits: ["bodyBytes": 20_000])
            try await SignerProcess.with(try scene.write(configuration)) { signer in
                try await signer.wait()
                let sign = "/v1/keys/release/sign"
                #expect(try await signer.send("POST", sign, [0x7B], token: nil).status == 401)
                #expect(try await signer.send("POST", sign, [0x7B], token: "guess").status == 401)
                #expect(try await signer.send("GET", "/v1/keys", token: "guess").status == 401)
                #expect(try await signer.send("POST", sign, [0x7B]).status == 400)
                let nested = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
                for body in [
                    "{}", #"{"toBeSigned":"","toBeSigned":""}"#, #"{"toBeSigned":"","more":1}"#,
                    #"{"toBeSigned":"","evidence":\#(nested)}"#, #"{"toBeSigned":"?"}"#,
                    #"{"toBeSigned":"","scheme":"none"}"#, #"{"toBeSigned":"","image":"x"}"#,
                ] {
                    let status = try await signer.send("POST", sign, Array(body.utf8)).status
                    #expect([400, 413].contains(status), "\(body.prefix(60)): \(status)")
                }
                let large = Array(#"{"toBeSigned":"\#(String(repeating: "A", count: 30_000))"}"#.utf8)
                #expect(try await signer.send("POST", sign, large).status == 413)
                #expect(try await signer.send("POST", "/v1/keys/other/sign", Array("{}".utf8)).status == 404)
                #expect(try await signer.send("GET", "/v1/keys/release").status == 200)
                #expect(try await signer.send("GET", "/healthz", token: nil).status == 200)
            }
        }
    }

    @Test func `callers are known by their certificates over mutual TLS`() async throws {
        try await Scene.with { scene in
            let files = try MutualTLS(in: scene.directory)
            let listen: JSON = [
                "host": "127.0.0.1", "port": 0, "certificate": "server.crt", "key": "server.key",
                "clientAuthority": "ca.crt",
            ]
            let configuration = scene.configuration(
                criteria: ["unrestricted": true], listen: listen, callers: ["ci": ["certificateSubject": "CN=ci"]])
            try await SignerProcess.with(try scene.write(configuration)) { signer in
                func open(_ client: String?) async throws -> OpenedKey {
                    try await RemoteKeys { _ in
                        var access = SignerAccess()
                        access.authority = files.authority
                        if let client {
                            access.certificate = files.path("\(client).crt")
                            access.key = files.path("\(client).key")
                        }
                        return access
                    }.open(try KeyName("roadstead://localhost:\(signer.port)/release"))
                }
                for _ in 0..<200 {
                    if (try? await open("ci")) != nil { break }
                    try await Task.sleep(for: .milliseconds(50))
                }
                let key = try await open("ci")
                let message = try await scene.toBeSigned()
                _ = try await verifiedSignature(
                    by: AnySigner(key.signer), over: message, scheme: .ecdsa(.sha256, .fixed))
                for stranger in ["other", nil] {
                    await #expect(throws: SignerClientError(.unauthenticated, "")) { _ = try await open(stranger) }
                }
            }
        }
    }

    @Test func `a token that hangs is cut off and shows, while other keys sign on`() async throws {
        try await Scene.with { scene in
            try await SoftHSM.withToken { softHSM in
                for label in ["release", "other"] {
                    try softHSM.pkcs11Tool([
                        "--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--usage-sign",
                    ])
                }
                func key(_ label: String, _ module: String) -> JSON {
                    [
                        "uri": .string("pkcs11:token=roadstead;object=\(label)"), "usage": "raw", "formats": ["tuf"],
                        "callers": ["ci"],
                        "module": .string(module), "pinFile": .string(softHSM.pinFile),
                        "criteria": ["unrestricted": true],
                    ]
                }
                let configuration = scene.configuration(
                    criteria: ["unrestricted": true],
                    keys: [
                        ("token", key("release", SoftHSM.module)),
                        ("faulty", key("other", SignerProcess.products + "/libFaultyModule.so")),
                    ], limits: ["keyDeadlineMilliseconds": 2_000])
                let environment = softHSM.environment.merging(["FAULT": "hang"]) { $1 }
                try await SignerProcess.with(try scene.write(configuration), environment: environment) { signer in
                    try await signer.wait()
                    try await signer.wait(for: "token")
                    let message = RawFormatTests.timestamp
                    let token = try await signer.open("token")
                    _ = try await verifiedSignature(
                        by: AnySigner(token.signer), over: message, scheme: .ecdsa(.sha256, .der))
                    let body = SigningRequestBody(toBeSigned: message, scheme: nil, evidence: [], image: nil)
                    let bytes = try JSON(encoding: body).bytes
                    async let hung = signer.send("POST", "/v1/keys/faulty/sign", bytes)
                    let release = SigningRequestBody(
                        toBeSigned: try await scene.toBeSigned(), scheme: nil, evidence: [], image: nil)
                    let path = "/v1/keys/release/sign"
                    for _ in 0..<5 {
                        let answer = try await signer.send("POST", path, try JSON(encoding: release).bytes)
                        #expect(answer.status == 200)
                    }
                    #expect(try await hung.status == 503)
                    try await signer.wait(for: "faulty", ready: false)
                    let state = try await signer.send("GET", "/readyz", token: nil)
                    #expect(state.status == 200)
                    #expect(state.body.objectOrNil?["status"] == "degraded")
                }
            }
        }
    }

    @Test func `a key that cannot sign for the Notary Project is not opened for it, and the reason shows`() async throws
    {
        guard let clouds = try await Clouds.start() else { return }
        try await Scene.with { scene in
            func configuration(_ usage: String, _ more: [(String, JSON)] = []) -> JSON {
                let key: [(String, JSON)] = [
                    ("uri", .string(clouds.googleURI("rsa-3072"))), ("usage", .string(usage)), ("callers", ["ci"]),
                    ("criteria", ["unrestricted": true]),
                ]
                return scene.configuration(keys: [("cloud", .object(JSONObject(key + more)))])
            }
            let notation = try scene.write(configuration("notation"))
            try await SignerProcess.with(notation, environment: clouds.googleEnvironment) { signer in
                var problem = ""
                for _ in 0..<200 where !problem.contains("RSA_SIGN_PSS_3072_SHA256") {
                    try await Task.sleep(for: .milliseconds(50))
                    let shown = try await signer.send("GET", "/v1/keys/cloud").body.objectOrNil
                    problem = shown?["problem"]?.stringOrNil ?? ""
                }
                #expect(problem.contains("Cloud KMS ties this key to RSA_SIGN_PSS_3072_SHA256"), "\(problem)")
                #expect(try clouds.hits(":asymmetricSign") == 0)
            }
            let raw = try scene.write(configuration("raw", [("formats", ["tuf"])]))
            try await SignerProcess.with(raw, environment: clouds.googleEnvironment) { signer in
                try await signer.wait(for: "cloud")
            }
        }
    }

    @Test func `every signature that was given out is in the log, whenever the program is killed`() async throws {
        try await Scene.with { scene in
            let path = try scene.write(scene.configuration(criteria: ["unrestricted": true]))
            let given = Given()
            for round in 0..<3 {
                let signer = try await SignerProcess(path)
                try await signer.wait()
                let body = SigningRequestBody(
                    toBeSigned: try await scene.toBeSigned(), scheme: nil, evidence: [], image: nil)
                let bytes = try JSON(encoding: body).bytes
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            while let answer = try? await signer.send("POST", "/v1/keys/release/sign", bytes),
                                answer.status == 200
                            {
                                let hash = answer.body.objectOrNil?["decision"]?.objectOrNil?["hash"]?.stringOrNil
                                if let hash { given.add(hash) }
                            }
                        }
                    }
                    try? await Task.sleep(for: .milliseconds(200 + round * 130))
                    signer.kill()
                }
            }
            var logged: Set<String> = []
            _ = try LogTrail.read(scene.log) { logged.insert($0.hash) }
            #expect(given.all.count > 10)
            #expect(given.all.allSatisfy(logged.contains))
        }
    }

    @Test func `rates and used approvals outlive a restart`() async throws {
        try await Scene.with { scene in
            let criteria: JSON = ["approvals": ["people": ["ann"], "threshold": 1]]
            let path = try scene.write(scene.configuration(criteria: criteria))
            let body = SigningRequestBody(
                toBeSigned: try await scene.toBeSigned(), scheme: nil,
                evidence: [try await scene.approval(Scene.artifact())], image: nil)
            for expected in [200, 403] {
                try await SignerProcess.with(path) { signer in
                    try await signer.wait()
                    let answer = try await signer.send(
                        "POST", "/v1/keys/release/sign", try JSON(encoding: body).bytes)
                    #expect(answer.status == expected)
                }
            }
        }
    }

    @Test func `the program does not start on a log that was changed, nor in the clear off this machine`() async throws
    {
        try await Scene.with { scene in
            let path = try scene.write(scene.configuration())
            try Files.write(Array("{\"sequence\":1}\n".utf8), to: scene.log, mode: 0o600)
            let (status, output) = try SignerProcess.run(["serve", "--config", path])
            #expect(status == 1)
            #expect(output.contains("decision log"))
            let listen: JSON = ["host": "0.0.0.0", "port": 0]
            try scene.write(scene.configuration(listen: listen))
            #expect(try SignerProcess.run(["config", "check", "--config", path]).status == 2)
            try scene.write(scene.configuration(keyCallers: ["nobody"]))
            #expect(try SignerProcess.run(["config", "check", "--config", path]).status == 2)
            try scene.write(scene.configuration())
            #expect(try SignerProcess.run(["config", "check", "--config", path]).status == 0)
        }
    }
}

/// Hashes of entries, as answers carried them.
private final class Given: Sendable {
    private let hashes = Mutex<[String]>([])

    var all: [String] { hashes.withLock { $0 } }
    func add(_ hash: String) { hashes.withLock { $0.append(hash) } }
}

/// A CA, a server's certificate and two clients', made by OpenSSL.
struct MutualTLS {
    let directory: String
    var authority: String { path("ca.crt") }

    init(in directory: String) throws {
        self.directory = directory
        try openssl(["req", "-x509", "-subj", "/CN=Test CA", "-keyout", path("ca.key"), "-out", authority] + Self.key)
        try issue("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        try issue("ci", "/CN=ci", "extendedKeyUsage=clientAuth")
        try issue("other", "/CN=other", "extendedKeyUsage=clientAuth")
    }

    func path(_ name: String) -> String { directory + "/" + name }

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]

    private func issue(_ name: String, _ subject: String, _ more: String) throws {
        try openssl(
            [
                "req", "-x509", "-subj", subject, "-addext", more, "-addext", "basicConstraints=critical,CA:FALSE",
                "-CA", authority, "-CAkey", path("ca.key"), "-keyout", path("\(name).key"), "-out", path("\(name).crt"),
            ] + Self.key)
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }
}
