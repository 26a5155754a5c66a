import Codecs
import OCI
import TestRegistries
import Testing

@testable import RegistryClient

/// Signatures that are put into registries, also such as fail or lie.
@Suite struct PushingTests {
    private let repository = "team/app"
    private let image = Descriptor(of: Array("image".utf8), mediaType: MediaType.imageManifest)
    private let retries = RetryPolicy(
        attempts: 4, first: .milliseconds(1), longest: .milliseconds(4), total: .seconds(20))

    private func signature(_ envelope: String = "envelope") -> NewSignature {
        NewSignature(
            envelope: Array(envelope.utf8), mediaType: MediaType.jws, of: image,
            annotations: [AnnotationName.chainThumbprints: #"["aa"]"#, AnnotationName.created: "2026-11-22T00:00:00Z"])
    }

    private func with<Value: Sendable>(
        _ double: RegistryDouble, settings: RegistrySettings = RegistrySettings(),
        _ body: (Registry) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        settings.plainHTTP = true
        settings.retries = retries
        return try await double.run { host in
            try await RegistrySession.with(settings) { session in try await body(try await session.registry(host)) }
        }
    }

    private func attach(_ double: RegistryDouble, settings: RegistrySettings = RegistrySettings()) async throws {
        let signature = signature()
        try await with(double, settings: settings) {
            try await $0.attach(signature, to: image, in: repository)
        }
    }

    private func code(_ body: () async throws -> Void) async throws -> RegistryError.Code? {
        do {
            try await body()
            return nil
        } catch let error as RegistryError { return error.code }
    }

    private func methods(_ double: RegistryDouble, _ part: String = "") -> [String] {
        double.asked.filter { $0.uri.contains(part) }.map(\.method)
    }

    // MARK: The form

    @Test func `the manifest of a signature is that of notation 1, byte for byte`() async throws {
        let double = RegistryDouble()
        try await attach(double)
        let signature = signature()
        let envelope = Digest(of: Array("envelope".utf8))
        let expected =
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#
            + #""config":{"mediaType":"application/vnd.cncf.notary.signature","#
            + #""digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"#
            + #""layers":[{"mediaType":"application/jose+json","digest":"\#(envelope)","size":8}],"#
            + #""subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(image.digest)","size":5},"#
            + #""annotations":{"io.cncf.notary.x509chain.thumbprint#S256":"[\"aa\"]","#
            + #""org.opencontainers.image.created":"2026-11-22T00:00:00Z"}}"#
        let stored = double.manifest(repository, "\(signature.descriptor.digest)")
        #expect(stored.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
        #expect(stored?.type == MediaType.imageManifest)
        #expect(double.blobs["\(repository) \(envelope)"] == Array("envelope".utf8))
    }

    @Test func `a registry that keeps the list of referrers is given no tag`() async throws {
        let double = RegistryDouble()
        try await attach(double)
        #expect(double.manifest(repository, image.digest.referrersTag) == nil)
        let found = try await with(double) { try await $0.signatures(of: image, in: repository) }
        #expect(found.map(\.descriptor) == [signature().descriptor])
    }

    @Test func `without the referrers API the list is an index under the artifact's tag`() async throws {
        let double = RegistryDouble(referrers: false)
        try await attach(double)
        let entry = signature().descriptor
        let expected =
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"#
            + #""mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(entry.digest)","#
            + #""size":\#(entry.size),"annotations":{"io.cncf.notary.x509chain.thumbprint#S256":"[\"aa\"]","#
            + #""org.opencontainers.image.created":"2026-11-22T00:00:00Z"},"#
            + #""artifactType":"application/vnd.cncf.notary.signature"}]}"#
        let stored = double.manifest(repository, image.digest.referrersTag)
        #expect(stored.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
        #expect(stored?.type == MediaType.imageIndex)
    }

    @Test func `what is listed under the tag already stays, and a second time adds nothing`() async throws {
        let double = RegistryDouble(referrers: false)
        let other = Descriptor(of: [1], mediaType: MediaType.imageManifest)
        double.put(
            manifest: Index().appending(other).bytes, type: MediaType.imageIndex, repository,
            tag: image.digest.referrersTag)
        try await attach(double)
        try await attach(double)
        let stored = try #require(double.manifest(repository, image.digest.referrersTag))
        #expect(
            try Index(parsing: stored.bytes).manifests.map(\.digest) == [other.digest, signature().descriptor.digest])
    }

    @Test func `a tag that means something else is left alone`() async throws {
        let double = RegistryDouble(referrers: false)
        double.put(manifest: Array("{}".utf8), repository, tag: image.digest.referrersTag)
        await #expect(throws: OCIError(.malformed, "")) { try await attach(double) }
        #expect(double.manifest(repository, image.digest.referrersTag)?.bytes == Array("{}".utf8))
    }

    // MARK: Blobs

    @Test func `a blob that is there is not sent, and one of another repository is taken over`() async throws {
        let double = RegistryDouble()
        let (first, second) = (signature("one"), signature("two"))
        try await with(double) { registry in
            try await registry.attach(first, to: image, in: repository)
            try await registry.attach(second, to: image, in: repository)
            try await registry.attach(first, to: image, in: "team/other")
        }
        let config = Digest(of: Array("{}".utf8))
        #expect(methods(double, "uploads").filter { $0 == "PUT" }.count == 3)
        #expect(methods(double, "mount=\(config)&from=team/app") == ["POST"])
        #expect(double.blobs["team/other \(config)"] == Array("{}".utf8))
        #expect(double.blobs["team/other \(Digest(of: Array("one".utf8)))"] == Array("one".utf8))
    }

    private let large = (0..<3_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }

    @Test func `a large blob goes in chunks, and after a cut only what is missing is sent again`() async throws {
        let double = RegistryDouble()
        double.next("PATCH", "uploads", .cut(after: 300_000))
        try await with(double) { try await $0.push(blob: large, to: repository) }
        #expect(double.blobs["\(repository) \(Digest(of: large))"] == large)
        let sent = double.asked.filter { $0.method == "PATCH" }.map(\.count)
        #expect(sent.reduce(0, +) == large.count)
        #expect(sent.first == 300_000)
        #expect(methods(double, "uploads/").contains("GET"))
    }

    @Test func `an upload that the registry has lost is begun again`() async throws {
        let double = RegistryDouble()
        double.next("PATCH", "uploads", .answer(.init(status: 404)))
        try await with(double) { try await $0.push(blob: large, to: repository) }
        #expect(double.blobs["\(repository) \(Digest(of: large))"] == large)
        #expect(methods(double, "uploads/").filter { $0 == "POST" }.count == 2)
    }

    @Test func `a registry that takes chunks and has nothing of them is given up`() async throws {
        let double = RegistryDouble()
        double.next("PATCH", "uploads", times: 100, .answer(.init(status: 202, headers: [("Range", "0-0")])))
        let refused = try await code { try await with(double) { try await $0.push(blob: large, to: repository) } }
        #expect(refused == .unreachable)
        #expect(methods(double, "uploads").filter { $0 == "PATCH" }.count < 40)
    }

    @Test func `a blob whose last answer was cut off is not sent again`() async throws {
        let double = RegistryDouble()
        double.next("PUT", "uploads", .cutAnswer)
        try await with(double) { try await $0.push(blob: [1, 2, 3], to: repository) }
        #expect(methods(double, "uploads").filter { $0 == "PUT" }.count == 1)
        #expect(double.blobs["\(repository) \(Digest(of: [1, 2, 3]))"] == [1, 2, 3])
    }

    // MARK: Lies

    @Test func `an upload at another host gets nothing`() async throws {
        let (double, stranger) = (RegistryDouble(), RegistryDouble())
        try await stranger.run { host in
            double.next("POST", "uploads", .lie { $0.headers = [("Location", "http://\(host)/v2/x/blobs/uploads/1")] })
            let refused = try await code { try await attach(double) }
            #expect(refused == .address)
        }
        #expect(stranger.asked.isEmpty)
    }

    @Test func `an upload without an address is an answer that makes no sense`() async throws {
        let double = RegistryDouble()
        double.next("POST", "uploads", .lie { $0.headers = [] })
        #expect(try await code { try await attach(double) } == .answer)
    }

    @Test func `no redirect of a write is followed`() async throws {
        let (double, stranger) = (RegistryDouble(), RegistryDouble())
        try await stranger.run { host in
            for part in ["uploads", "manifests/sha256"] {
                double.next(
                    "PUT", part, .answer(.init(status: 307, headers: [("Location", "http://\(host)/elsewhere")])))
                let refused = try await code { try await attach(double) }
                #expect(refused == .answer)
            }
        }
        #expect(stranger.asked.isEmpty)
    }

    @Test(arguments: ["0-9999999", "1-5", "0--1", "x", ""])
    func `a registry that has more of an upload than it got is not believed`(_ range: String) async throws {
        let double = RegistryDouble()
        double.next(
            "PATCH", "uploads",
            .lie { answer in answer.headers = answer.headers.map { $0.0 == "Range" ? ("Range", range) : $0 } })
        #expect(try await code { try await with(double) { try await $0.push(blob: large, to: repository) } } == .answer)
    }

    @Test(arguments: ["blobs/uploads", "manifests/sha256"])
    func `a registry that names another digest for what it took is not believed`(_ part: String) async throws {
        let double = RegistryDouble()
        let other = Digest(of: [9]).description
        double.next("PUT", part, .lie { $0.headers = [("Docker-Content-Digest", other)] })
        #expect(try await code { try await attach(double) } == .answer)
    }

    @Test func `a registry that takes the signature for one of something else is not believed`() async throws {
        let double = RegistryDouble()
        let other = Digest(of: [9]).description
        double.next("PUT", "manifests/sha256", .lie { $0.headers = [("OCI-Subject", other)] })
        #expect(try await code { try await attach(double) } == .answer)
    }

    @Test func `a blob of another length is not taken for the one that is put`() async throws {
        let double = RegistryDouble()
        double.next("HEAD", "blobs", .answer(.init(status: 200, headers: [("Content-Length", "99")])))
        #expect(try await code { try await attach(double) } == .answer)
    }

    // MARK: Trying again

    @Test(arguments: [429, 500, 502, 503, 504])
    func `what passes by itself is tried again`(_ status: Int) async throws {
        let double = RegistryDouble()
        double.next("HEAD", "blobs", times: 2, .answer(.init(status: status)))
        double.next("PUT", "manifests", times: 2, .answer(.init(status: status)))
        double.next("PUT", "uploads", .answer(.init(status: status)))
        double.next("POST", "uploads", .cutAnswer)
        try await attach(double)
        #expect(double.manifest(repository, "\(signature().descriptor.digest)") != nil)
    }

    @Test func `what does not pass is given up after the last attempt`() async throws {
        let double = RegistryDouble()
        double.next("PUT", "manifests", times: 9, .answer(.init(status: 503)))
        #expect(try await code { try await attach(double) } == .unreachable)
        #expect(methods(double, "manifests").filter { $0 == "PUT" }.count == 4)
    }

    @Test func `a registry that asks for more time than there is gets no second request`() async throws {
        let double = RegistryDouble()
        double.next("PUT", "manifests", .answer(.init(status: 429, headers: [("Retry-After", "3600")])))
        let begin = ContinuousClock.now
        #expect(try await code { try await attach(double) } == .unreachable)
        #expect(ContinuousClock.now - begin < .seconds(10))
        #expect(methods(double, "manifests").filter { $0 == "PUT" }.count == 1)
    }

    @Test func `the time that a registry asks for is kept`() async throws {
        let double = RegistryDouble()
        double.next("PUT", "manifests", .answer(.init(status: 429, headers: [("Retry-After", "1")])))
        let begin = ContinuousClock.now
        try await attach(double)
        #expect(ContinuousClock.now - begin >= .seconds(1))
    }

    // MARK: Races

    @Test func `an entry that somebody else's list took away is put there again, beside theirs`() async throws {
        let double = RegistryDouble(referrers: false)
        let tag = image.digest.referrersTag
        let theirs = Descriptor(of: [7], mediaType: MediaType.imageManifest)
        let list = Index().appending(theirs).bytes
        let key = "\(repository) \(tag)"
        double.next(
            "PUT", tag,
            .lie { _ in
                double.change { $0.manifests[key] = .init(bytes: list, type: MediaType.imageIndex) }
            })
        try await attach(double)
        let stored = try #require(double.manifest(repository, tag))
        let found = try Index(parsing: stored.bytes).manifests.map(\.digest)
        #expect(found == [theirs.digest, signature().descriptor.digest])
    }

    @Test func `a list that never stays is given up`() async throws {
        let double = RegistryDouble(referrers: false)
        let tag = image.digest.referrersTag
        let key = "\(repository) \(tag)"
        double.next("PUT", tag, times: 50, .lie { _ in double.change { $0.manifests[key] = nil } })
        #expect(try await code { try await attach(double) } == .race)
    }

    // MARK: Reading

    @Test func `referrers are read page by page, and no page elsewhere`() async throws {
        let double = RegistryDouble()
        for number in 0..<5 {
            let signature = signature("envelope \(number)")
            try await with(double) { try await $0.attach(signature, to: image, in: repository) }
        }
        double.change { $0.pageSize = 2 }
        let found = try await with(double) { try await $0.signatures(of: image, in: repository) }
        #expect(found.count == 5)
        double.next(
            "GET", "referrers",
            .lie { $0.headers = [("Link", #"<http://127.0.0.1:1/v2/team/app/referrers/x>; rel="next""#)] })
        let refused = try await code {
            _ = try await with(double) { try await $0.signatures(of: image, in: repository) }
        }
        #expect(refused == .address)
    }

    @Test func `an answer that never ends is cut off`() async throws {
        let double = RegistryDouble()
        double.next(
            "GET", "referrers", .lie { $0.body = [UInt8](repeating: 0x20, count: OCILimit.indexBytes + 1) })
        let refused = try await code {
            _ = try await with(double) { try await $0.signatures(of: image, in: repository) }
        }
        #expect(refused == .limit)
    }

    @Test func `a manifest that is another type than it is said to be is refused`() async throws {
        let double = RegistryDouble()
        let manifest = signature().manifest
        double.put(manifest: manifest, type: MediaType.imageIndex, repository, tag: "1.0")
        await #expect(throws: OCIError(.mismatch, "")) {
            try await with(double) {
                _ = try await $0.resolve(try Reference("\($0.host)/\(repository):1.0"))
            }
        }
    }
}
