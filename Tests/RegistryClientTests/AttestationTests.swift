import OCI
import TestRegistries
import Testing

@testable import RegistryClient

/// Envelopes beside an artifact, in each way in which registries keep them, and from registries that mean harm.
@Suite struct AttestationTests {
    private let repository = "team/app"
    private let image = Descriptor(of: Array("image".utf8), mediaType: MediaType.imageManifest)
    private let retries = RetryPolicy(
        attempts: 2, first: .milliseconds(1), longest: .milliseconds(4), total: .seconds(20))

    private func find(
        at host: String, envelopes: Int = 8, envelopeBytes: Int = 1_000, totalBytes: Int = 4_000, manifests: Int = 16
    ) async throws -> StoredAttestations {
        let limits = AttestationLimits(
            manifests: manifests, envelopes: envelopes, envelopeBytes: envelopeBytes, totalBytes: totalBytes)
        return try await RegistrySession.with(RegistrySettings(plainHTTP: true, retries: retries)) { session in
            try await session.registry(host).attestations(of: image.digest, in: repository, limits: limits)
        }
    }

    private func manifest(
        of envelopes: [String], type: String = MediaType.dsseEnvelope, subject: Descriptor?,
        config: String = MediaType.emptyJSON
    ) -> [UInt8] {
        Manifest(
            artifactType: subject == nil ? nil : type, config: Descriptor(of: Array("{}".utf8), mediaType: config),
            layers: envelopes.map { Descriptor(of: Array($0.utf8), mediaType: type) }, subject: subject
        ).bytes
    }

    private func put(_ envelopes: [String], _ manifest: [UInt8], in registry: RegistryDouble, tag: String? = nil) {
        for envelope in envelopes { registry.put(blob: Array(envelope.utf8), repository) }
        registry.put(manifest: manifest, repository, tag: tag)
    }

    @Test(arguments: [
        MediaType.dsseEnvelope, MediaType.statement, MediaType.sigstoreBundle + ".v0.3+json",
    ])
    func `envelopes that refer to an image are found by the referrers API`(_ type: String) async throws {
        let registry = RegistryDouble()
        let bytes = manifest(of: ["one", "two"], type: type, subject: image)
        put(["one", "two"], bytes, in: registry)
        let stored = try await registry.run { try await find(at: $0) }
        #expect(stored.found.map(\.bytes) == [Array("one".utf8), Array("two".utf8)])
        #expect(stored.found.map(\.manifest) == [Digest(of: bytes), Digest(of: bytes)])
        #expect(stored.passed == [])
    }

    @Test func `without that API they are found by the image's tag, and by cosign's, each once`() async throws {
        let registry = RegistryDouble(referrers: false)
        let bytes = manifest(of: ["one"], subject: image)
        put(["one"], bytes, in: registry)
        let index = Index().appending(Descriptor(of: bytes, mediaType: MediaType.imageManifest)).bytes
        registry.put(manifest: index, type: MediaType.imageIndex, repository, tag: image.digest.referrersTag)
        let cosign = manifest(of: ["two"], subject: nil, config: MediaType.imageConfig)
        put(["two"], cosign, in: registry, tag: image.digest.referrersTag + ".att")
        let stored = try await registry.run { try await find(at: $0) }
        #expect(stored.found.map(\.bytes) == [Array("one".utf8), Array("two".utf8)])
    }

    @Test func `a repository without any has none, and signatures are not taken for envelopes`() async throws {
        for hasReferrers in [true, false] {
            let registry = RegistryDouble(referrers: hasReferrers)
            let signature = NewSignature(
                envelope: Array("signature".utf8), mediaType: MediaType.jws, of: image, annotations: [:])
            put([], signature.manifest, in: registry)
            let stored = try await registry.run { try await find(at: $0) }
            #expect(stored.found.isEmpty)
            #expect(stored.passed.isEmpty)
        }
    }

    @Test func `what is too much, too large, missing or of another image is passed over, and said`() async throws {
        let registry = RegistryDouble(referrers: false)
        let large = String(repeating: "x", count: 1_001)
        let other = Descriptor(of: Array("other".utf8), mediaType: MediaType.imageManifest)
        let manifests = [
            manifest(of: [large], subject: image), manifest(of: ["missing"], subject: image),
            manifest(of: ["good"], subject: image), manifest(of: ["foreign"], subject: other),
            manifest(of: Array(repeating: "many", count: 20), subject: image),
        ]
        for bytes in manifests { put([large, "good", "foreign", "many"], bytes, in: registry) }
        let index = manifests.reduce(Index()) {
            $0.appending(Descriptor(of: $1, mediaType: MediaType.imageManifest))
        }
        registry.put(manifest: index.bytes, type: MediaType.imageIndex, repository, tag: image.digest.referrersTag)
        let stored = try await registry.run { try await find(at: $0, envelopes: 6) }
        #expect(stored.found.map(\.bytes) == [Array("good".utf8)] + Array(repeating: Array("many".utf8), count: 5))
        let reasons = ["1001 bytes", "has no envelope", "another artifact", "more than 6 envelopes"]
        #expect(stored.passed.count == reasons.count)
        for (passed, reason) in zip(stored.passed, reasons) { #expect(passed.contains(reason)) }
    }

    @Test func `all envelopes together, and the manifests that are opened, are bounded`() async throws {
        let registry = RegistryDouble()
        for number in 0..<6 {
            let text = String(repeating: "\(number)", count: 900)
            put([text], manifest(of: [text], subject: image), in: registry)
        }
        let (bytes, manifests) = try await registry.run { host in
            (try await find(at: host), try await find(at: host, manifests: 2))
        }
        #expect(bytes.found.count == 4)
        #expect(bytes.passed.contains { $0.contains("4000 bytes") })
        #expect(manifests.found.count == 2)
        #expect(manifests.passed == ["4 manifests beyond the first 2"])
    }

    @Test func `bytes that are not those of the digest are not taken`() async throws {
        let registry = RegistryDouble()
        put(["good"], manifest(of: ["good"], subject: image), in: registry)
        let stored = try await registry.run { host in
            registry.next("GET", "blobs", .lie { $0.body = Array("evil".utf8) })
            return try await find(at: host)
        }
        #expect(stored.found.isEmpty)
        #expect(stored.passed.count == 1)
    }

    @Test func `a registry that fails, lets nobody in or leads elsewhere is an error`() async throws {
        let cases: [(RegistryDouble.Answer, RegistryError.Code)] = [
            (.init(status: 503), .unreachable), (.init(status: 403), .unauthorized),
            (.init(status: 307, headers: [("Location", "http://10.0.0.1/latest/meta-data")]), .address),
            (.init(status: 307, headers: [("Location", "file:///etc/passwd")]), .address),
        ]
        for part in ["referrers", "blobs"] {
            for (answer, code) in cases {
                let registry = RegistryDouble()
                put(["good"], manifest(of: ["good"], subject: image), in: registry)
                await #expect(throws: RegistryError(code, ""), "\(part) \(answer.status)") {
                    try await registry.run { host in
                        registry.next("GET", part, times: 2, .answer(answer))
                        return try await find(at: host)
                    }
                }
            }
        }
    }
}
