import Codecs
import Envelopes
import NIOCore
import NIOPosix
import OCI
import RegistryClient
import ReleaseCriteria
import TestRegistries
import Testing

@testable import RoadsteadSigner

/// Evidence that lies in a registry: looked for where the operator allows it, and believed in nothing.
@Suite struct RegistryEvidenceTests {
    private let repository = "team/app"

    /// The criteria of a scene, for an image in a registry on this machine.
    private func criteria(_ host: String) -> JSON {
        var criteria = Scene.provenance.objectOrNil ?? JSONObject()
        criteria["scopes"] = [.string("\(host)/team")]
        return .object(criteria)
    }

    private func withDesk(
        _ registry: RegistryDouble, _ settings: JSON = ["plainLoopback": true], limits: JSON? = nil,
        _ body: @Sendable (DeskTests.Desk, String) async throws -> Void
    ) async throws {
        try await registry.run { host in
            try await DeskTests().withDesk(
                criteria(host), registries: [host: settings], limits: limits
            ) { try await body($0, host) }
        }
    }

    private func put(_ envelope: JSON, about artifact: TargetArtifact, in registry: RegistryDouble) throws -> Digest {
        let layer = Descriptor(of: envelope.bytes, mediaType: MediaType.dsseEnvelope)
        let subject = Descriptor(
            mediaType: artifact.mediaType, digest: try Digest(artifact.digest), size: artifact.size)
        let manifest = Manifest(
            artifactType: MediaType.statement, config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.emptyJSON),
            layers: [layer], subject: subject
        ).bytes
        registry.put(blob: envelope.bytes, repository)
        registry.put(manifest: manifest, repository)
        return Digest(of: manifest)
    }

    private func found(_ outcome: SigningDesk.Outcome) -> String? {
        guard case .denied(let decision) = outcome else { return nil }
        return decision.findings.first { $0.criterion == "evidence" && !$0.holds }?.found
    }

    @Test func `provenance that lies beside the image counts, and the decision says where it came from`() async throws {
        let registry = RegistryDouble()
        try await withDesk(registry) { desk, host in
            let (place, artifact) = ("\(host)/\(repository)", Scene.artifact())
            let message = try await desk.scene.toBeSigned()
            #expect(
                DeskTests().missing(try await desk.sign(message, image: place, evidenceFrom: place))
                    == ["provenance.attesters"])
            let manifest = try put(try await desk.scene.provenance(artifact), about: artifact, in: registry)
            #expect(DeskTests().missing(try await desk.sign(message, image: place)) == ["provenance.attesters"])
            let outcome = try await desk.sign(message, image: place, evidenceFrom: place)
            guard case .answer(let answer) = outcome else {
                Issue.record("denied: \(outcome)")
                return
            }
            let expected = "\(place)@\(manifest): \(Provenance.versionOne), signed by builder"
            #expect(answer.decision.statements == [expected])
            #expect(try desk.entries.last?["statements"] == [.string(expected)])
            #expect(try desk.entries.last?["outcome"] == "signed")
        }
    }

    @Test func `the digest that is asked for is the one in the bytes to be signed`() async throws {
        let registry = RegistryDouble()
        try await withDesk(registry) { desk, host in
            let (place, other) = ("\(host)/\(repository)", Scene.artifact("another"))
            _ = try put(try await desk.scene.provenance(other), about: other, in: registry)
            let message = try await desk.scene.toBeSigned()
            #expect(
                DeskTests().missing(try await desk.sign(message, image: place, evidenceFrom: place))
                    == ["provenance.attesters"])
            #expect(!registry.asked.isEmpty)
            let foreign = try Digest(other.digest).hex
            #expect(registry.asked.allSatisfy { !$0.uri.contains(foreign) })
            // A registry that lists a statement about another image under this one's digest gains nothing.
            _ = try put(try await desk.scene.provenance(other), about: Scene.artifact(), in: registry)
            let outcome = try await desk.sign(message, image: place, evidenceFrom: place)
            #expect(DeskTests().missing(outcome) == ["provenance.attesters"])
            guard case .denied(let decision) = outcome else { return }
            #expect(decision.ignored.contains { $0.hasPrefix(place) && $0.contains("about another artifact") })
        }
    }

    @Test func `statements that a stranger signed, or that are none, are named and do not count`() async throws {
        let registry = RegistryDouble()
        try await withDesk(registry) { desk, host in
            let (place, artifact) = ("\(host)/\(repository)", Scene.artifact())
            let forged = try await desk.scene.envelope(
                Provenance.versionOne, ["forged": true], by: desk.scene.key, about: artifact)
            for envelope in [forged, ["mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"], [1, 2]] {
                _ = try put(envelope, about: artifact, in: registry)
            }
            let outcome = try await desk.sign(try await desk.scene.toBeSigned(), image: place, evidenceFrom: place)
            #expect(DeskTests().missing(outcome) == ["provenance.attesters"])
            guard case .denied(let decision) = outcome else { return }
            #expect(decision.ignored.count == 3)
            for part in ["no attester of this key", "without a DSSE envelope", "the DSSE envelope is an array"] {
                #expect(decision.ignored.contains { $0.contains(part) }, "\(part): \(decision.ignored)")
            }
        }
    }

    @Test func `a Sigstore bundle counts by the envelope inside it`() async throws {
        let registry = RegistryDouble()
        try await withDesk(registry) { desk, host in
            let (place, artifact) = ("\(host)/\(repository)", Scene.artifact())
            let bundle: JSON = [
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": ["publicKey": ["hint": "builder"]],
                "dsseEnvelope": try await desk.scene.provenance(artifact),
            ]
            _ = try put(bundle, about: artifact, in: registry)
            let outcome = try await desk.sign(try await desk.scene.toBeSigned(), image: place, evidenceFrom: place)
            #expect(DeskTests().missing(outcome) == nil)
        }
    }

    @Test func `no caller chooses where the service connects`() async throws {
        let (registry, other) = (RegistryDouble(), RegistryDouble())
        try await other.run { stranger in
            try await withDesk(registry) { desk, host in
                let message = try await desk.scene.toBeSigned()
                let port = host.split(separator: ":").last.map(String.init) ?? ""
                let elsewhere = [
                    "\(stranger)/\(repository)", "localhost:\(port)/\(repository)", "169.254.169.254/latest/meta-data",
                    "[::1]:\(port)/\(repository)", "127.1:\(port)/\(repository)", "\(host)/other/app",
                    "\(host)/teams/app",
                ]
                for place in elsewhere {
                    let outcome = try await desk.sign(message, image: "\(host)/\(repository)", evidenceFrom: place)
                    #expect(found(outcome) == place)
                }
                let malformed = [
                    "\(host)/\(repository):1.0", "\(host)/\(repository)@\(Scene.artifact().digest)", host, "",
                    "http://\(host)/\(repository)", "user@\(host)/\(repository)", "\(host)/team/../other",
                    "\(host)/team?x",
                ]
                for place in malformed {
                    await #expect(throws: SignerError(.request, ""), "\(place)") {
                        try await desk.sign(message, image: "\(host)/\(repository)", evidenceFrom: place)
                    }
                }
                let outcome = try await desk.sign(
                    message, image: "\(host)/\(repository)", evidenceFrom: "\(host)/\(repository)", caller: "other")
                #expect(DeskTests().missing(outcome) == ["caller"])
                #expect(registry.asked.isEmpty)
                #expect(other.asked.isEmpty)
                #expect(try desk.entries.count == elsewhere.count + 1)
            }
        }
    }

    @Test func `within a registry, only the repositories that are named are looked into`() async throws {
        let registry = RegistryDouble()
        try await registry.run { host in
            let settings: JSON = ["plainLoopback": true, "repositories": [.string("\(host)/team/evidence")]]
            try await DeskTests().withDesk(criteria(host), registries: [host: settings]) { desk in
                let message = try await desk.scene.toBeSigned()
                let image = "\(host)/\(repository)"
                #expect(found(try await desk.sign(message, image: image, evidenceFrom: image)) == image)
                #expect(registry.asked.isEmpty)
                let place = "\(host)/team/evidence/app"
                #expect(
                    DeskTests().missing(try await desk.sign(message, image: image, evidenceFrom: place))
                        == ["provenance.attesters"])
                #expect(!registry.asked.isEmpty)
            }
        }
    }

    @Test func `a registry that fails or leads elsewhere is a criterion that does not hold`() async throws {
        let registry = RegistryDouble()
        try await withDesk(registry) { desk, host in
            let place = "\(host)/\(repository)"
            let good = try await desk.scene.provenance(Scene.artifact())
            let message = try await desk.scene.toBeSigned()
            registry.next("GET", "referrers", times: 3, .answer(.init(status: 500)))
            let failing = try await desk.sign(message, evidence: [good], image: place, evidenceFrom: place)
            #expect(found(failing)?.contains("500") == true)
            registry.next(
                "GET", "referrers", .answer(.init(status: 302, headers: [("Location", "http://10.0.0.1/")])))
            let leading = try await desk.sign(message, evidence: [good], image: place, evidenceFrom: place)
            #expect(found(leading)?.contains("is not an https address") == true)
            let well = try await desk.sign(message, evidence: [good], image: place, evidenceFrom: place)
            #expect(found(well) == nil)
        }
    }

    @Test func `a registry that is silent is left after the deadline, and holds up no more than its share`()
        async throws
    {
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        defer { silent.close(promise: nil) }
        let host = "127.0.0.1:\(silent.localAddress?.port ?? 0)"
        let limits: JSON = ["evidenceDeadlineMilliseconds": 400, "evidenceLookups": 1]
        try await DeskTests().withDesk(criteria(host), registries: [host: ["plainLoopback": true]], limits: limits) {
            desk in
            let message = try await desk.scene.toBeSigned()
            let place = "\(host)/\(repository)"
            let start = ContinuousClock.now
            let results = await withTaskGroup(of: String.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do {
                            let outcome = try await desk.sign(message, image: place, evidenceFrom: place)
                            return found(outcome) ?? "signed"
                        } catch { return (error as? SignerError)?.code.rawValue ?? "\(error)" }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.count { $0 == "overload" } == 2)
            #expect(results.contains { $0.contains("did not answer within") })
            #expect(.now - start < .seconds(5))
            #expect(DeskTests().missing(try await desk.sign(message, image: place)) == ["provenance.attesters"])
        }
    }

    @Test func `a key that takes no evidence has none looked for`() async throws {
        let registry = RegistryDouble()
        try await registry.run { host in
            let registries: JSON = [host: ["plainLoopback": true]]
            try await DeskTests().withDesk(["unrestricted": true], registries: registries) { desk in
                let message = try await desk.scene.toBeSigned()
                await #expect(throws: SignerError(.request, "")) {
                    try await desk.sign(message, evidenceFrom: "\(host)/\(repository)")
                }
                #expect(registry.asked.isEmpty)
            }
        }
    }

    @Test func `registries are configured strictly`() async throws {
        try await Scene.with { scene in
            let wrong: [JSON] = [
                ["registry.example.com/team": [:]], ["registry.example.com": ["repositories": []]],
                ["registry.example.com": ["repositories": ["other.example.com/team"]]],
                ["registry.example.com": ["plainLoopback": true]], ["registry.example.com": ["insecure": true]],
                ["registry.example.com": ["credentials": "absent.json"]],
                ["registry.example.com": ["authority": "absent.crt"]],
                ["registry.example.com": ["authority": "builder.pub"]],
            ]
            for registries in wrong {
                #expect(throws: (any Error).self, "\(registries.text)") {
                    try SignerConfiguration(path: try scene.write(scene.configuration(registries: registries)))
                }
            }
            let right: JSON = ["registry.example.com": ["repositories": ["registry.example.com/team"]]]
            let path = try scene.write(scene.configuration(registries: right))
            #expect(try SignerConfiguration(path: path).registries.map(\.shown) == [["registry.example.com/team"]])
        }
    }
}
