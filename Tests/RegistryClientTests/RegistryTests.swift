import Codecs
import HTTPTypes
import OCI
import PKI
import TestSigning
import Testing

@testable import RegistryClient
@testable import RoadsteadRemote

@Suite struct RegistryTests {
    private let repository = SignedArtifact.repository

    private func chains(_ registry: FakeRegistry) async throws -> [FoundChain] {
        let found = Found()
        try await registry.run { host in
            await found.set(try await SignedImage.chains(ofImage: "\(host)/team/app:1.0", plainHTTP: true))
        }
        return await found.chains
    }

    private actor Found {
        var chains: [FoundChain] = []
        func set(_ chains: [FoundChain]) { self.chains = chains }
    }

    @Test func `the chain is read off a signature that the referrers API lists`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        let found = try await chains(registry)
        #expect(found.map(\.root) == [artifact.fixture.root])
        #expect(found.map(\.leaf) == [artifact.fixture.leaf])
    }

    @Test func `without the referrers API the tag is asked`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.reply(to: "/v2/\(repository)/referrers/\(artifact.descriptor.digest)", .init(status: .notFound))
        #expect(try await code { _ = try await chains(registry) } == .unsigned)
        registry.manifest(
            "/v2/\(repository)/manifests/\(artifact.descriptor.digest.referrersTag)", artifact.index,
            type: MediaType.imageIndex)
        #expect(try await chains(registry).count == 1)
    }

    @Test func `a signature that is listed and gone hides no other`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.reply(to: "/v2/\(repository)/referrers/\(artifact.descriptor.digest)", .init(status: .notFound))
        let gone = Descriptor(of: Array("{}".utf8), mediaType: MediaType.imageManifest)
        registry.manifest(
            "/v2/\(repository)/manifests/\(artifact.descriptor.digest.referrersTag)",
            Index().appending(gone).appending(artifact.signatureDescriptor).bytes, type: MediaType.imageIndex)
        #expect(try await chains(registry).count == 1)
    }

    @Test func `a token is got from the service that the registry names, and shown with each request`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.require(token: "t0k3n")
        registry.reply(to: "/token", .init(body: Array(#"{"token":"t0k3n"}"#.utf8)))
        #expect(try await chains(registry).count == 1)
        #expect(registry.asked.filter { $0.path == "/token" }.count == 1)
    }

    @Test func `a token service that gives nothing is no way in`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.require(token: "t0k3n")
        registry.reply(to: "/token", .init(body: Array("{}".utf8)))
        #expect(try await code { _ = try await chains(registry) } == .answer)
    }

    @Test func `a blob may lie elsewhere, and the registry's token is not shown there`() async throws {
        let (artifact, registry, storage) = (try await SignedArtifact(), FakeRegistry(), FakeRegistry())
        artifact.fill(registry)
        registry.require(token: "t0k3n")
        registry.reply(to: "/token", .init(body: Array(#"{"token":"t0k3n"}"#.utf8)))
        storage.reply(to: "/blob", .init(body: artifact.envelope))
        try await storage.run { host in
            registry.reply(
                to: "/v2/\(repository)/blobs/\(artifact.envelopeDigest)",
                .init(status: .temporaryRedirect, headers: [.location: "http://\(host)/blob"]))
            let found = try await chains(registry)
            #expect(found.count == 1)
        }
        #expect(storage.asked.map(\.authorization) == [nil])
    }

    @Test func `a redirect to another machine in plain text is not followed`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.reply(
            to: "/v2/\(repository)/blobs/\(artifact.envelopeDigest)",
            .init(status: .temporaryRedirect, headers: [.location: "http://example.com/blob"]))
        #expect(try await code { _ = try await chains(registry) } == .address)
    }

    @Test func `a redirect in a circle ends`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        let path = "/v2/\(repository)/blobs/\(artifact.envelopeDigest)"
        registry.reply(to: path, .init(status: .temporaryRedirect, headers: [.location: path]))
        #expect(try await code { _ = try await chains(registry) } == .answer)
    }

    @Test func `an envelope that is not the one that was named is refused`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        var other = artifact.envelope
        other[other.count - 2] ^= 1
        registry.reply(to: "/v2/\(repository)/blobs/\(artifact.envelopeDigest)", .init(body: other))
        await #expect(throws: OCIError(.mismatch, "")) { _ = try await chains(registry) }
    }

    @Test func `more bytes than were named are not taken`() async throws {
        let (artifact, registry) = (try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        registry.reply(
            to: "/v2/\(repository)/blobs/\(artifact.envelopeDigest)", .init(body: artifact.envelope + [0x20]))
        #expect(try await code { _ = try await chains(registry) } == .limit)
    }

    @Test func `a signature of another image says nothing about this one`() async throws {
        let (artifact, other, registry) = (try await SignedArtifact(), try await SignedArtifact(), FakeRegistry())
        artifact.fill(registry)
        let stranger = Manifest(
            config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.notationSignature), layers: [],
            subject: Descriptor(of: [1], mediaType: MediaType.imageManifest)
        ).bytes
        let listed = Descriptor(of: stranger, mediaType: MediaType.imageManifest)
        registry.manifest("/v2/\(repository)/manifests/\(listed.digest)", stranger)
        registry.manifest(
            "/v2/\(repository)/referrers/\(artifact.descriptor.digest)", Index().appending(listed).bytes,
            type: MediaType.imageIndex)
        #expect(other.fixture.root != artifact.fixture.root)
        #expect(try await code { _ = try await chains(registry) } == .unsigned)
    }

    private func code(_ body: () async throws -> Void) async throws -> RegistryError.Code? {
        do {
            try await body()
            return nil
        } catch let error as RegistryError { return error.code }
    }
}
