import Codecs
import Envelopes
import Files
import OCI
import PKI
import ReleaseCriteria
import SigningKeys
import Synchronization
import Testing

@testable import RoadsteadSigner

/// A signer that does what a test says, and counts.
struct ScriptedSigner: Signer {
    final class Calls: Sendable {
        let count = Mutex(0)
    }

    let key: PrivateKey
    var pause: Duration = .zero
    let calls = Calls()
    var publicKey: PublicKey { key.publicKey }

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        calls.count.withLock { $0 += 1 }
        if pause > .zero { try await Task.sleep(for: pause) }
        return try await key.signature(over: message, scheme: scheme)
    }
}

/// The decision over one request, without the network around it.
@Suite struct DeskTests {
    struct Desk {
        let desk: SigningDesk
        let key: SigningKey
        let signer: ScriptedSigner
        let scene: Scene

        func sign(
            _ message: [UInt8], evidence: [JSON] = [], image: String? = Scene.image, scheme: SignatureScheme? = nil,
            evidenceFrom: String? = nil, caller: String = "ci", dryRun: Bool = false
        ) async throws -> SigningDesk.Outcome {
            let body = SigningRequestBody(
                toBeSigned: message, scheme: scheme, evidence: evidence, image: image, evidenceFrom: evidenceFrom)
            return try await desk.sign(body, key: key, caller: Caller(caller), dryRun: dryRun)
        }

        var entries: [JSONObject] {
            get throws {
                var entries: [JSONObject] = []
                _ = try LogTrail.read(scene.log) { entries.append($0.members) }
                return entries
            }
        }
    }

    func withDesk(
        _ criteria: JSON = Scene.provenance, usage: SigningUsage = .notation, queue: Int = 8, pause: Duration = .zero,
        deadline: Int64 = 10_000, registries: JSON = [:], limits: JSON? = nil, _ body: (Desk) async throws -> Void
    ) async throws {
        try await Scene.with { scene in
            let configuration = try SignerConfiguration(
                path: try scene.write(scene.configuration(registries: registries)))
            let attesters = [
                Attester("builder", key: scene.builder.publicKey), Attester("ann", key: scene.person.publicKey),
            ]
            let criteria = try ReleaseCriteria(criteria, attesters: attesters)
            let settings = KeySettings(
                uri: "file:x", usage: usage, callers: ["ci"], certificates: nil, passphraseFile: nil, pinFile: nil,
                module: nil, allowPlaintextKey: true, queue: queue, scheme: "notary.x509",
                formats: usage == .raw ? [.tuf] : [])
            let signer = ScriptedSigner(key: scene.key, pause: pause)
            let chain = scene.chain
            let key = SigningKey(
                "release", settings, criteria, ledger: KeyLedger(period: criteria.longestPeriod)
            ) { SigningKey.Open(signer: signer, chain: chain) }
            await key.probe(every: .seconds(60), limit: .seconds(5))
            let now = scene.now
            let (log, _) = try DecisionLog.open(scene.log, clock: { now }) { _ in }
            let limits: LimitSettings =
                try (limits ?? ["keyDeadlineMilliseconds": .integer(deadline)]).decode(unknownMembers: .refused)
            let metrics = SignerMetrics()
            try await EvidenceRegistries.with(configuration.registries, limits, metrics) { registries in
                let desk = SigningDesk(log: log, limits: limits, registries: registries, metrics: metrics) { now }
                try await body(Desk(desk: desk, key: key, signer: signer, scene: scene))
            }
        }
    }

    func missing(_ outcome: SigningDesk.Outcome) -> Set<String>? {
        guard case .denied(let decision) = outcome else { return nil }
        return Set(decision.findings.filter { !$0.holds }.map(\.criterion))
    }

    @Test(arguments: EnvelopeFormat.allCases)
    func `what the criteria allow is signed, and recorded with its signature`(_ format: EnvelopeFormat) async throws {
        try await withDesk { desk in
            let message = try await desk.scene.toBeSigned(as: format)
            let evidence = try await desk.scene.provenance(Scene.artifact())
            let outcome = try await desk.sign(message, evidence: [evidence])
            guard case .answer(let answer) = outcome, let text = answer.signature else {
                Issue.record("denied: \(outcome)")
                return
            }
            let signature = try Base64.decode(text)
            #expect(
                desk.scene.key.publicKey.isValid(
                    signature: signature, over: message, scheme: .ecdsa(.sha256, .fixed)))
            let entry = try #require(try desk.entries.last)
            #expect(entry["outcome"] == "signed")
            #expect(entry["artifact"]?.stringOrNil == Scene.artifact().digest)
            #expect(
                entry["signatureSHA256"]?.stringOrNil
                    == Hex.encode(HashAlgorithm.sha256.digest(of: signature)))
            #expect(entry["hash"]?.stringOrNil == answer.decision.hash)
        }
    }

    @Test func `what the criteria do not allow is not signed, and recorded`() async throws {
        try await withDesk { desk in
            let before = desk.signer.calls.count.withLock { $0 }
            let message = try await desk.scene.toBeSigned()
            #expect(missing(try await desk.sign(message)) == ["provenance.attesters"])
            let branch = try await desk.scene.provenance(Scene.artifact(), ref: "refs/heads/x")
            #expect(
                missing(try await desk.sign(message, evidence: [branch])) == ["provenance.ref", "provenance.attesters"])
            let other = try await desk.scene.provenance(Scene.artifact("another"))
            #expect(missing(try await desk.sign(message, evidence: [other])) == ["provenance.attesters"])
            let good = try await desk.scene.provenance(Scene.artifact())
            #expect(missing(try await desk.sign(message, evidence: [good], image: nil)) == ["scope"])
            #expect(missing(try await desk.sign(message, evidence: [good], caller: "other")) == ["caller"])
            let foreign = Scene.image + "@" + Scene.artifact("another").digest
            #expect(missing(try await desk.sign(message, evidence: [good], image: foreign)) == ["image"])
            #expect(desk.signer.calls.count.withLock { $0 } == before)
            #expect(try desk.entries.map { $0["outcome"] } == [JSON](repeating: "denied", count: 6))
        }
    }

    @Test func `a dry run decides, records and signs nothing, and uses nothing up`() async throws {
        let criteria: JSON = ["approvals": ["people": ["ann"], "threshold": 1]]
        try await withDesk(criteria) { desk in
            let before = desk.signer.calls.count.withLock { $0 }
            let message = try await desk.scene.toBeSigned()
            let approval = try await desk.scene.approval(Scene.artifact())
            for _ in 0..<2 {
                let outcome = try await desk.sign(message, evidence: [approval], dryRun: true)
                guard case .answer(let answer) = outcome else {
                    Issue.record("denied")
                    return
                }
                #expect(answer.decision.allowed)
                #expect(answer.signature == nil)
            }
            #expect(desk.signer.calls.count.withLock { $0 } == before)
            #expect(missing(try await desk.sign(message, evidence: [approval])) == nil)
            #expect(missing(try await desk.sign(message, evidence: [approval])) == ["approvals"])
            #expect(try desk.entries.map { $0["outcome"]?.stringOrNil } == ["allowed", "allowed", "signed", "denied"])
        }
    }

    @Test func `one approval is good for one of many requests at once`() async throws {
        try await withDesk(["approvals": ["people": ["ann"], "threshold": 1]], queue: 100) { desk in
            let message = try await desk.scene.toBeSigned()
            let approval = try await desk.scene.approval(Scene.artifact())
            let signed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        if case .answer = try await desk.sign(message, evidence: [approval]) { true } else { false }
                    }
                }
                var signed = 0
                for try await isSigned in group where isSigned { signed += 1 }
                return signed
            }
            #expect(signed == 1)
        }
    }

    @Test func `a notation key signs nothing but Notary signatures of now`() async throws {
        try await withDesk(["unrestricted": true]) { desk in
            let now = desk.scene.now
            let good = try await desk.scene.toBeSigned()
            #expect(missing(try await desk.sign(good)) == nil)
            let stale = try await desk.scene.toBeSigned(at: now.adding(seconds: -301))
            let early = try await desk.scene.toBeSigned(at: now.adding(seconds: 301))
            let others = [stale, early, Array(#"{"signed":{"_type":"root"}}"#.utf8), [], good + [0x2E]]
            for bytes in others { #expect(missing(try await desk.sign(bytes)) == ["toBeSigned"]) }
            await #expect(throws: SignerError(.request, "")) {
                try await desk.sign(good, scheme: .ecdsa(.sha256, .der))
            }
        }
    }

    @Test func `a raw key never signs what a notation key signs`() async throws {
        try await withDesk(["unrestricted": true], usage: .raw) { desk in
            #expect(missing(try await desk.sign(RawFormatTests.timestamp, image: nil)) == nil)
            #expect(missing(try await desk.sign(Array("anything".utf8), image: nil)) == ["toBeSigned"])
            for format in EnvelopeFormat.allCases {
                let message = try await desk.scene.toBeSigned(as: format)
                #expect(missing(try await desk.sign(message, image: nil)) == ["toBeSigned"])
            }
        }
    }

    @Test func `more than the queue holds is shed, and a hung key is cut off and shows`() async throws {
        try await withDesk(["unrestricted": true], queue: 2, pause: .milliseconds(1_500), deadline: 300) { desk in
            let message = try await desk.scene.toBeSigned()
            let start = ContinuousClock.now
            let codes = await withTaskGroup(of: SignerError.Code?.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        do {
                            _ = try await desk.sign(message)
                            return nil
                        } catch { return (error as? SignerError)?.code }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.count { $0 == .keyAway } == 2)
            #expect(codes.count { $0 == .overload } == 3)
            #expect(.now - start < .milliseconds(1_400))
            #expect(await desk.key.problem?.contains("in time") == true)
            #expect(try desk.entries.allSatisfy { $0["outcome"] == "failed" })
        }
    }

    @Test func `rates count what was signed, and only that`() async throws {
        let criteria: JSON = ["rate": [["count": 2, "seconds": 3_600, "per": "caller"]]]
        try await withDesk(criteria) { desk in
            let message = try await desk.scene.toBeSigned()
            _ = try await desk.sign(Array("nonsense".utf8))
            _ = try await desk.sign(message, dryRun: true)
            #expect(missing(try await desk.sign(message)) == nil)
            #expect(missing(try await desk.sign(message)) == nil)
            #expect(missing(try await desk.sign(message)) == ["rate.caller"])
        }
    }

    @Test func `what a signature says beside the digest needs leave, and is recorded`() async throws {
        let criteria: JSON = ["scopes": ["registry.example.com/team"], "metadata": ["build": ["*"]]]
        try await withDesk(criteria) { desk in
            func artifact(_ metadata: [String: String]) -> TargetArtifact {
                let plain = Scene.artifact()
                return TargetArtifact(
                    mediaType: plain.mediaType, digest: plain.digest, size: plain.size, annotations: metadata)
            }
            let foreign = try await desk.scene.toBeSigned(artifact(["reviewed": "yes"]))
            #expect(missing(try await desk.sign(foreign)) == ["metadata"])
            let named = try await desk.scene.toBeSigned(artifact(["build": "7"]))
            #expect(missing(try await desk.sign(named)) == nil)
            let said = try desk.entries.map { try $0.object("says", in: "the entry") }
            let metadata: [JSON] = [["reviewed": "yes"], ["build": "7"]]
            #expect(said.compactMap { $0["metadata"] } == metadata)
            #expect(said[1]["mediaType"]?.stringOrNil == Scene.artifact().mediaType)
            let endless = artifact(["build": String(repeating: "7", count: 64 << 10)])
            #expect(missing(try await desk.sign(desk.scene.toBeSigned(endless))) == ["toBeSigned"])
        }
    }

    @Test func `nobody fills the log with requests that are refused`() async throws {
        try await withDesk { desk in
            let message = try await desk.scene.toBeSigned()
            for _ in 0..<SigningDesk.refusalsPerMinute - 1 { _ = try await desk.sign(message) }
            _ = try await desk.sign(message, dryRun: true)
            for isDry in [true, false] {
                await #expect(throws: SignerError(.rateLimit, "")) {
                    for _ in 0..<20 { _ = try await desk.sign(message, dryRun: isDry) }
                }
            }
            #expect(try desk.entries.count < SigningDesk.refusalsPerMinute + 20)
            #expect(missing(try await desk.sign(message, caller: "other"))?.contains("caller") == true)
        }
    }
}

extension EvidenceRegistries {
    /// Opens the registries for a test, and closes them whatever happens.
    static func with(
        _ settings: [EvidenceRegistrySettings], _ limits: LimitSettings, _ metrics: SignerMetrics,
        _ body: (EvidenceRegistries) async throws -> Void
    ) async throws {
        let registries = try EvidenceRegistries(settings, limits: limits, metrics: metrics)
        do { try await body(registries) } catch {
            await registries.close()
            throw error
        }
        await registries.close()
    }
}
