import Codecs
import Files
import Foundation
import ReleaseCriteria
import SigningKeys
import SoftHSM
import Testing

@testable import RoadsteadSigner

/// Keys over time: PINs that are wrong, keys that open and do not sign, uses that are remembered.
@Suite(.serialized) struct KeyStateTests {
    private struct Silent: Signer {
        let publicKey: PublicKey

        func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
            throw KeyError(.unsupported, "it does not sign")
        }
    }

    @Test func `a key that opens and does not sign is not ready`() async throws {
        try await Scene.with { scene in
            let settings = KeySettings(
                uri: "file:x", usage: .notation, callers: ["ci"], certificates: nil, passphraseFile: nil, pinFile: nil,
                module: nil, allowPlaintextKey: true, queue: 8, scheme: "notary.x509")
            let criteria = try ReleaseCriteria(["unrestricted": true], attesters: [])
            let key = SigningKey("release", settings, criteria, ledger: KeyLedger(period: 0)) {
                SigningKey.Open(signer: Silent(publicKey: scene.key.publicKey), chain: scene.chain)
            }
            await key.probe(every: .seconds(60), limit: .seconds(5))
            #expect(await key.current == nil)
            #expect(await key.problem?.contains("does not sign") == true)
            let (log, _) = try DecisionLog.open(scene.log, clock: { scene.now }) { _ in }
            let here = await Readiness(keys: [key], log: log).report().body.text
            let there = await Readiness(keys: [key], log: log, namesKeys: false).report().body.text
            #expect(here.contains("release") && here.contains("does not sign"))
            #expect(!there.contains("release") && !there.contains("does not sign"))
        }
    }

    @Test func `a use that is written down late hides none before it`() throws {
        let rates: JSON = [
            "rate": [
                ["count": 2, "seconds": 60, "per": "key"], ["count": 1_000, "seconds": 86_400, "per": "key"],
            ]
        ]
        let criteria = try ReleaseCriteria(rates, attesters: [])
        let ledger = KeyLedger(period: criteria.longestPeriod)
        let now = UTCDate(seconds: 1_795_000_000)
        for age: Int64 in [10, 5, 3_000] {
            ledger.remember(at: now.adding(seconds: -age), caller: "ci", approvals: [], now: now)
        }
        let request = ReleaseRequest(
            key: "release", caller: "ci", artifact: nil, repository: nil, evidence: [], now: now)
        let judgement = try criteria.judge(request)
        #expect(!ledger.reserve(judgement, caller: "ci", now: now, dryRun: true).decision.isAllowed)
    }

    private func logins(_ path: String) -> Int {
        String(decoding: (try? Files.read(path, limit: 1 << 20)) ?? [], as: UTF8.self).split(separator: "\n").count
    }

    @Test func `a PIN that the token refused is not given again, until its file says another`() async throws {
        try await Scene.with { scene in
            try await SoftHSM.withToken { softHSM in
                try softHSM.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "release", "--usage-sign",
                ])
                let (pin, log) = (scene.directory + "/pin", scene.directory + "/logins")
                try Files.write(Array("111111\n".utf8), to: pin, mode: 0o600)
                // The token would take some tries more; that it is not asked is the service's own doing.
                let token: JSON = [
                    "uri": "pkcs11:token=roadstead;object=release", "usage": "raw", "formats": ["tuf"],
                    "callers": ["ci"], "module": .string(SignerProcess.products + "/libFaultyModule.so"),
                    "pinFile": "pin", "allowLastPINTries": true, "criteria": ["unrestricted": true],
                ]
                let path = try scene.write(
                    scene.configuration(
                        keys: [("token", token)], limits: ["keyDeadlineMilliseconds": 5_000, "probeSeconds": 1]))
                let environment = softHSM.environment.merging(["FAULT_LOG": log]) { $1 }
                for _ in 0..<2 {
                    try await SignerProcess.with(path, environment: environment) { signer in
                        try await signer.wait()
                        try await Task.sleep(for: .seconds(4))
                        try await signer.wait(for: "token", ready: false)
                    }
                }
                #expect(logins(log) == 1)
                try await SignerProcess.with(path, environment: environment) { signer in
                    try await signer.wait()
                    try Files.write(Array("\(SoftHSM.pin)\n".utf8), to: pin, mode: 0o600)
                    try await signer.wait(for: "token")
                    #expect(logins(log) == 2)
                }
            }
        }
    }

    @Test func `a key in an agent signs for the service`() async throws {
        try await Scene.with { scene in
            let (socket, file) = (scene.directory + "/agent", scene.directory + "/agent.key")
            try run("ssh-keygen", ["-q", "-t", "ecdsa", "-b", "256", "-N", "", "-C", "team", "-f", file])
            let agent = Process()
            agent.executableURL = URL(fileURLWithPath: "/usr/bin/ssh-agent")
            agent.arguments = ["-D", "-a", socket]
            agent.standardOutput = FileHandle.nullDevice
            try agent.run()
            defer {
                // It inherits blocked signals, so that it would not hear of a milder one.
                kill(agent.processIdentifier, SIGKILL)
                agent.waitUntilExit()
            }
            for _ in 0..<100 where !Files.exists(socket) { try await Task.sleep(for: .milliseconds(50)) }
            try run("ssh-add", ["-q", file], ["SSH_AUTH_SOCK": socket])
            let key: JSON = [
                "uri": "ssh-agent:team", "usage": "raw", "formats": ["tuf"], "callers": ["ci"],
                "criteria": ["unrestricted": true],
            ]
            let path = try scene.write(scene.configuration(keys: [("agent", key)]))
            try await SignerProcess.with(path, environment: ["SSH_AUTH_SOCK": socket]) { signer in
                try await signer.wait(for: "agent")
                let opened = try await signer.open("agent")
                _ = try await verifiedSignature(
                    by: AnySigner(opened.signer), over: RawFormatTests.timestamp, scheme: .ecdsa(.sha256, .der))
            }
        }
    }

    private func run(_ program: String, _ arguments: [String], _ environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/" + program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments)")
    }
}
