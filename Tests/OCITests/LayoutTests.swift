import Codecs
import Testing

@testable import OCI

@Suite struct LayoutTests {
    let store = MemoryLayoutStore(index: Index().bytes)
    let artifact: Descriptor

    init() throws {
        let manifest = Manifest(
            config: Descriptor(of: [1], mediaType: "application/vnd.oci.image.config.v1+json"), layers: []
        ).bytes
        artifact = Descriptor(of: manifest, mediaType: MediaType.imageManifest)
        store.write(manifest, as: artifact.digest)
        try list(artifact)
    }

    private func list(_ descriptor: Descriptor) throws {
        try store.updateIndex { try Index(parsing: $0 ?? []).appending(descriptor).bytes }
    }

    @Test func `an attached signature is found again`() throws {
        let layout = try Layout(store)
        let attached = try layout.attach(
            envelope: Array("{}".utf8), mediaType: MediaType.jws, to: artifact, annotations: ["a": "b"])
        let found = try layout.signatures(of: artifact)
        #expect(found.map(\.descriptor) == [attached])
        #expect(try layout.envelope(of: try #require(found.first)) == Array("{}".utf8))
        #expect(try layout.index().manifests.map(\.digest) == [artifact.digest, attached.digest])
    }

    @Test func `the same signature attached twice is listed once`() throws {
        let layout = try Layout(store)
        for _ in 0..<2 {
            try layout.attach(envelope: [1], mediaType: MediaType.jws, to: artifact, annotations: [:])
        }
        #expect(try layout.signatures(of: artifact).count == 1)
        #expect(try layout.index().manifests.count == 2)
    }

    @Test func `signatures come in the order of the index`() throws {
        let layout = try Layout(store)
        let attached = try (0..<20).map { number in
            try layout.attach(envelope: [UInt8(number)], mediaType: MediaType.cose, to: artifact, annotations: [:])
        }
        #expect(try layout.signatures(of: artifact).map(\.descriptor) == attached)
    }

    @Test func `a manifest with an artifact type is a signature too`() throws {
        let envelope = Descriptor(of: [7], mediaType: MediaType.cose)
        let manifest = Manifest(
            artifactType: MediaType.notationSignature,
            config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.emptyJSON),
            layers: [envelope], subject: artifact
        ).bytes
        let descriptor = Descriptor(of: manifest, mediaType: MediaType.imageManifest)
        store.write(manifest, as: descriptor.digest)
        try list(descriptor)
        #expect(try Layout(store).signatures(of: artifact).map(\.descriptor) == [descriptor])
    }

    @Test func `signatures below the referrers tag are found, each once`() throws {
        let layout = try Layout(store)
        let direct = try layout.attach(envelope: [1], mediaType: MediaType.jws, to: artifact, annotations: [:])
        let hidden = Manifest(
            config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.notationSignature),
            layers: [Descriptor(of: [2], mediaType: MediaType.jws)], subject: artifact
        ).bytes
        let descriptor = Descriptor(of: hidden, mediaType: MediaType.imageManifest)
        store.write(hidden, as: descriptor.digest)
        let referrers = Index().appending(direct).appending(descriptor).bytes
        let tagged = Descriptor(
            mediaType: MediaType.imageIndex, digest: Digest(of: referrers), size: Int64(referrers.count),
            annotations: [AnnotationName.referenceName: artifact.digest.referrersTag])
        store.write(referrers, as: tagged.digest)
        try list(tagged)
        #expect(try layout.signatures(of: artifact).map(\.descriptor) == [direct, descriptor])
    }

    @Test func `what refers to another artifact is not found`() throws {
        let layout = try Layout(store)
        let other = Descriptor(of: [9], mediaType: MediaType.imageManifest)
        try layout.attach(envelope: [1], mediaType: MediaType.jws, to: other, annotations: [:])
        #expect(try layout.signatures(of: artifact).isEmpty)
    }

    @Test func `a blob that is not what its name says is refused`() throws {
        store.write(Array(#"{"schemaVersion":2}"#.utf8), as: artifact.digest)
        #expect(throws: OCIError(.mismatch, "")) { try Layout(store).resolve(artifact.digest) }
    }

    @Test func `a manifest that lies about its media type is refused`() throws {
        let index = Index().bytes
        let digest = Digest(of: index)
        store.write(index, as: digest)
        try list(Descriptor(mediaType: MediaType.imageManifest, digest: digest, size: Int64(index.count)))
        #expect(throws: OCIError(.mismatch, "")) { try Layout(store).resolve(digest) }
    }

    @Test func `an absent manifest is not found`() throws {
        #expect(throws: OCIError(.notFound, "")) { try Layout(store).resolve(Digest(of: [1, 2, 3])) }
    }

    @Test(arguments: [nil, "{}", #"{"imageLayoutVersion":"2.0.0"}"#, "x"])
    func `a directory that is not a layout is refused`(_ file: String?) {
        #expect(throws: OCIError.self) { try Layout(MemoryLayoutStore(layoutFile: file)) }
    }

    @Test func `members of the index that nobody knows survive a new signature`() throws {
        let text =
            #"{"schemaVersion":2,"x":{"y":1},"manifests":[{"mediaType":"a/b","digest":"\#(artifact.digest)","size":1,"urls":["u"]}]}"#
        try store.updateIndex { _ in Array(text.utf8) }
        try Layout(store).attach(envelope: [1], mediaType: MediaType.jws, to: artifact, annotations: [:])
        let rewritten = String(decoding: try #require(store.index()), as: UTF8.self)
        #expect(rewritten.contains(#""x":{"y":1}"#) && rewritten.contains(#""urls":["u"]"#))
    }

    @Test(arguments: [
        "{}", "[]", #"{"schemaVersion":1,"config":{},"layers":[]}"#, #"{"schemaVersion":2,"layers":[]}"#,
        #"{"schemaVersion":2,"mediaType":"x/y","config":{"mediaType":"a/b","digest":"sha256:00","size":0},"layers":[]}"#,
        #"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:00","size":0},"layers":[]}"#,
    ])
    func `a malformed manifest is refused`(_ text: String) {
        #expect(throws: OCIError.self) { try Manifest(parsing: Array(text.utf8)) }
    }

    @Test func `a manifest above four MiB is refused unread`() {
        #expect(throws: OCIError(.limit, "")) { try Manifest(parsing: [UInt8](repeating: 32, count: (4 << 20) + 1)) }
    }
}
