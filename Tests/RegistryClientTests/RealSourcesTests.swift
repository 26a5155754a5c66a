import Codecs
import Files
import Foundation
import OCI
import RoadsteadCommand
import TestRegistries
import TestSigning
import Testing

@testable import RegistryClient
@testable import RoadsteadRemote

/// A registry that others wrote, and a layout that our own signing writes.
@Suite struct RealSourcesTests {
    @Test func `the chain is read off an image in Debian's registry, by the tag that lists its referrers`() async throws
    {
        let artifact = try await SignedArtifact()
        let repository = SignedArtifact.repository
        let chains = try await DebianRegistry.run { registry in
            try await registry.push(blob: Array("{}".utf8), to: repository)
            try await registry.push(blob: artifact.envelope, to: repository)
            try await registry.push(
                manifest: artifact.manifest, type: MediaType.imageManifest, as: "1.0", to: repository)
            try await registry.push(
                manifest: artifact.signature, type: MediaType.imageManifest,
                as: artifact.signatureDescriptor.digest.description, to: repository)
            try await registry.push(
                manifest: artifact.index, type: MediaType.imageIndex, as: artifact.descriptor.digest.referrersTag,
                to: repository)
            return try await SignedImage.chains(ofImage: "\(registry.host)/\(repository):1.0", plainHTTP: true)
        }
        #expect(chains.map(\.root) == [artifact.fixture.root])
    }

    @Test func `the chain is read off a layout that our own signing wrote`() async throws {
        let artifact = try await SignedArtifact()
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("layout.\(UUID().uuidString)")
            .path
        defer { try? Files.removeTree(directory) }
        try Files.createDirectory(directory)
        try Files.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: "\(directory)/oci-layout")
        try Files.write(Index().appending(artifact.descriptor).bytes, to: "\(directory)/index.json")
        let store = LayoutDirectory(directory)
        try store.write(artifact.manifest, as: artifact.descriptor.digest)
        let name = "\(directory)@\(artifact.descriptor.digest)"
        #expect(throws: RegistryError(.unsigned, "")) { try SignedImage.chains(ofLayout: name) }
        try Layout(store).attach(
            envelope: artifact.envelope, mediaType: MediaType.jws, to: artifact.descriptor, annotations: [:])
        #expect(try SignedImage.chains(ofLayout: name).map(\.root) == [artifact.fixture.root])
    }
}
