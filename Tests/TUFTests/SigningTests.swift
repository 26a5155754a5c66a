import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct SigningTests {
    @Test func `the same content and signatures give the same bytes in any order`() async throws {
        let keys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
        let repository = try await RepositorySimulator()
        var first = try MetadataDraft(repository.snapshot)
        var second = try MetadataDraft(repository.snapshot)
        for key in keys { try await first.sign(with: key) }
        for key in keys.reversed() { try await second.sign(with: key) }
        #expect(first.bytes == second.bytes)
        #expect(first.bytes.starts(with: #"{"signatures":[{"keyid":""#.utf8))
    }

    @Test func `the exported bytes can be signed elsewhere and assembled`() async throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let repository = try await RepositorySimulator()
        let exported = try MetadataDraft(repository.timestamp).toSign
        let signature = try await key.signature(over: exported, scheme: .ecdsa(.sha256, .der))
        var draft = try MetadataDraft<Timestamp>(toSign: exported)
        try draft.add(signature, by: Key(key.publicKey))
        let listed = try Key(key.publicKey)
        let quorum = Quorum(keys: KeyRing([listed]), role: try RoleKeys([listed.id], threshold: 1), of: "timestamp")
        #expect(try draft.finish(quorum).content == repository.timestamp)
    }

    @Test func `a root with keys in PEM can be exported and taken up again`() async throws {
        let repository = try await RepositorySimulator(keyType: .ec(.p256))
        let draft = try MetadataDraft(repository.root)
        #expect(try MetadataDraft<Root>(toSign: draft.toSign).content == repository.root)
    }

    @Test func `bytes that are not canonical are not signed`() async throws {
        let repository = try await RepositorySimulator()
        let exported = try MetadataDraft(repository.timestamp).toSign
        #expect(throws: TUFError(.malformed, "")) { try MetadataDraft<Timestamp>(toSign: [0x20] + exported) }
        #expect(throws: TUFError(.wrongType, "")) { try MetadataDraft<Snapshot>(toSign: exported) }
    }

    @Test func `a signature over something else is refused`() async throws {
        let key = try PrivateKey.generate(.ed25519)
        var draft = try MetadataDraft(try await RepositorySimulator().timestamp)
        let signature = try await key.signature(over: [1], scheme: .ed25519)
        #expect(throws: TUFError(.key, "")) { try draft.add(signature, by: Key(key.publicKey)) }
    }

    @Test func `a draft is not finished below its threshold`() async throws {
        let keys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519) }
        let listed = try keys.map { try Key($0.publicKey) }
        let quorum = Quorum(keys: KeyRing(listed), role: try RoleKeys(listed.map(\.id), threshold: 2), of: "targets")
        var draft = try MetadataDraft(Targets(header: RepositorySimulator.header(), targets: [:]))
        try await draft.sign(with: keys[0])
        try await draft.sign(with: keys[0])
        #expect(draft.tally(quorum).signers.count == 1)
        #expect(throws: TUFError(.unsigned, "")) { try draft.finish(quorum) }
        try await draft.sign(with: keys[2])
        #expect(try draft.finish(quorum).signers.count == 2)
    }

    @Test func `a root needs the old threshold and its own`() async throws {
        let repository = try await RepositorySimulator()
        let first = try UnverifiedMetadata<Root>(repository.firstRoot, maximumBytes: 1 << 20)
        let old = try SignedMetadata(selfSigned: first)
        let oldKey = try #require(repository.signers[.root]?.first)
        try repository.rotate(.root)
        repository.root.header.version = 2
        let newKey = try #require(repository.signers[.root]?.first)
        var draft = try MetadataDraft(repository.root)
        try await draft.sign(with: newKey)
        #expect(draft.tallies(replacing: old.content).old?.isMet == false)
        #expect(draft.tallies(replacing: old.content).new.isMet)
        #expect(throws: TUFError(.unsigned, "")) { try draft.finish(replacing: old) }
        try await draft.sign(with: oldKey)
        #expect(try draft.finish(replacing: old).version == 2)
        var skipped = repository.root
        skipped.header.version = 4
        var other = try MetadataDraft(skipped)
        try await other.sign(with: newKey)
        try await other.sign(with: oldKey)
        #expect(throws: TUFError(.versionMismatch, "")) { try other.finish(replacing: old) }
    }

    @Test func `text that clients canonicalise differently is not signed`() throws {
        var content = Targets(header: RepositorySimulator.header(), targets: [:])
        content.targets[try TargetName("caf\u{e9}")] = TargetFile(content: [1])
        #expect(throws: TUFError(.value, "")) { try MetadataDraft(content) }
    }

    @Test func `unknown members of a received file survive a new edition`() throws {
        let text = timestampText(more: #","x-other":{"a":1}"#)
        var content = try readTimestamp(text).unverifiedContent
        content.header.version = 2
        let again = try MetadataDraft(content).toSign
        #expect(String(decoding: again, as: UTF8.self).contains(#""x-other":{"a":1}"#))
    }

    @Test func `a received file can take further signatures`() async throws {
        let repository = try await RepositorySimulator()
        let file = try UnverifiedMetadata<Root>(repository.firstRoot, maximumBytes: 1 << 20)
        var draft = try MetadataDraft(file)
        #expect(draft.bytes == repository.firstRoot)
        try await draft.sign(with: PrivateKey.generate(.ed25519))
        #expect(draft.signatures.count == 2)
    }

    @Test func `what could not be signed or shares keys is not published`() async throws {
        let repository = try await RepositorySimulator()
        try repository.root.checkForPublishing()
        let key = try #require(repository.signers[.timestamp]?.first)
        var shared = repository.root
        shared.snapshot.keyIDs = [try Key(key.publicKey).id]
        #expect(throws: TUFError(.key, "")) { try shared.checkForPublishing() }
        var tooHigh = repository.root
        tooHigh.targets.threshold = 2
        #expect(throws: TUFError(.value, "")) { try tooHigh.checkForPublishing() }
        var disguise = repository.root
        let other = try disguised(key, "x")
        disguise.keys.add(other)
        disguise.timestamp.keyIDs = [other.id]
        #expect(throws: TUFError(.key, "")) { try disguise.checkForPublishing() }
    }

    @Test func `sizes stay near what was measured for compact files`() async throws {
        let repository = try await RepositorySimulator()
        #expect(try #require(repository.files["timestamp.json"]).count <= 470)
    }

    @Test func `a key that other clients cannot check is refused`() throws {
        let key = try PrivateKey.generate(.ec(.p521))
        #expect(throws: TUFError(.key, "")) { try Key(key.publicKey) }
    }

    @Test(arguments: [KeyType.ec(.p256), .ec(.p384)])
    func `an elliptic curve key signs with the hash of its curve only`(type: KeyType) async throws {
        let key = try PrivateKey.generate(type)
        let other: HashAlgorithm = type == .ec(.p256) ? .sha384 : .sha256
        var draft = try MetadataDraft(
            Timestamp(header: RepositorySimulator.header(), snapshot: MetaFile(version: 1)))
        try await draft.sign(with: key)
        let wrong = try await key.signature(over: draft.toSign, scheme: .ecdsa(other, .der))
        #expect(throws: TUFError(.key, "")) { try draft.add(wrong, by: try Key(key.publicKey)) }
        #expect(draft.signatures.count == 1)
    }
}
