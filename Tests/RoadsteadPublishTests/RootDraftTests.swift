import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct RootDrafts {
    private func object(_ key: PrivateKey) throws -> JSON { try Key(key.publicKey).json }

    private func newKeys(_ count: Int) throws -> [PrivateKey] {
        try (0..<count).map { _ in try PrivateKey.generate(.ed25519) }
    }

    @Test func `a draft names what changes and what is missing`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let keys = Array(fleet.rootKeys.prefix(2)) + (try newKeys(1))
        let draft = try RootDraft(try fleet.request(keys), after: fleet.state.roots.last, now: noon)
        #expect(draft.version == 2 && draft.keyIDs.count == 4)
        #expect(draft.expires == noon.adding(days: 400))
        #expect(draft.missing == ["2 more of the keys of root 1", "2 more of the keys of root 2"])
        let removed = try Key(fleet.rootKeys[2].publicKey).id
        #expect(draft.difference.contains("root: key removed: ed25519 \(removed)"))
        #expect(draft.difference.contains("targets: \(FleetKeys.onlineTargetsNote)"))
    }

    @Test func `both thresholds must hold`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let keys = try newKeys(3)
        var draft = try RootDraft(try fleet.request(keys), after: fleet.state.roots.last, now: noon)
        try await fleet.sign(&draft, with: keys)
        #expect(draft.missing == ["2 more of the keys of root 1"])
        #expect(throws: PublishError(.rootDraft, "")) { try draft.close() }
        try await fleet.sign(&draft, with: fleet.rootKeys.prefix(2))
        #expect(draft.missing.isEmpty)
        #expect(try draft.close().path == "metadata/2.root.json")
    }

    @Test func `a stored draft is taken up with its signatures`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        var draft = try RootDraft(try fleet.request(fleet.rootKeys), after: fleet.state.roots.last, now: noon)
        try await fleet.sign(&draft, with: fleet.rootKeys.prefix(1))
        let key = fleet.rootKeys[0]
        let signature = Hex.encode(try await key.signature(over: draft.toSign, scheme: .ed25519))
        let again = try RootDraft(
            toSign: draft.toSign, after: fleet.state.roots.last,
            signatures: [(keyID: try Key(key.publicKey).id.text, signature: signature)])
        #expect(again.signedBy == draft.signedBy && again.difference == draft.difference)
    }

    @Test func `a stored draft of another version is void`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let draft = try RootDraft(try fleet.request(fleet.rootKeys), after: fleet.state.roots.last, now: noon)
        try await fleet.rotateRoot(at: noon)
        #expect(throws: PublishError(.rootDraft, "")) {
            try RootDraft(toSign: draft.toSign, after: fleet.state.roots.last, signatures: [])
        }
    }

    @Test func `a signature over other bytes, of a stranger or in another form is refused`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        var draft = try RootDraft(try fleet.request(fleet.rootKeys), after: fleet.state.roots.last, now: noon)
        let key = fleet.rootKeys[0]
        let id = try Key(key.publicKey).id.text
        let wrong = Hex.encode(try await key.signature(over: draft.toSign + [0], scheme: .ed25519))
        let stranger = try PrivateKey.generate(.ed25519)
        let foreign = Hex.encode(try await stranger.signature(over: draft.toSign, scheme: .ed25519))
        let cases = [(wrong, id), (foreign, try Key(stranger.publicKey).id.text), (foreign, id), ("XY", id), ("", id)]
        for (signature, keyID) in cases {
            #expect(throws: PublishError(.rootDraft, "")) { try draft.add(signature: signature, keyID: keyID) }
        }
        #expect(draft.signedBy.isEmpty)
    }

    @Test(arguments: [0, -1, 4])
    func `a threshold that is zero or cannot be met is refused`(_ threshold: Int) async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        fleet.threshold = threshold
        #expect(throws: PublishError(.rootKey, "")) {
            try RootDraft(try fleet.request(fleet.rootKeys), after: nil, now: noon)
        }
    }

    @Test func `one key in two encodings is refused`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let key = try PrivateKey.generate(.ec(.p256))
        let text = key.publicKey.pem
        let other: JSON = [
            "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": ["public": .string(text + "\n")],
        ]
        for keys in [[try object(key), try object(key)], [try object(key), other]] {
            let request = RootDraft.Request(
                fleet: fleet.content.id, profile: .standard, rootKeys: ProposedKeys(keys: keys, threshold: 1),
                online: fleet.sealed, used: [])
            #expect(throws: PublishError(.rootKey, "")) { try RootDraft(request, after: nil, now: noon) }
        }
    }

    @Test func `a key that serves elsewhere is refused`() async throws {
        let server = try TestServer()
        let (fleet, other) = (try await TestFleet("demo", server), try await TestFleet("other", server))
        let used = [UsedKey(key: try Key(other.rootKeys[0].publicKey), holder: "role root of fleet other")]
        let keys = Array(fleet.rootKeys.prefix(2)) + [other.rootKeys[0]]
        #expect(throws: PublishError(.rootKey, "")) {
            try RootDraft(try fleet.request(keys, used: used), after: nil, now: noon)
        }
    }

    @Test func `the server's own keys do not serve as root keys`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let deny = try #require(fleet.sealed.first { $0.purpose.role == "deny" })
        let request = RootDraft.Request(
            fleet: fleet.content.id, profile: .standard, rootKeys: ProposedKeys(keys: [deny.key.json], threshold: 1),
            online: fleet.sealed, used: [])
        #expect(throws: PublishError(.rootKey, "")) { try RootDraft(request, after: nil, now: noon) }
    }

    @Test func `the keys of the old root may stay although they are in use`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let used = try fleet.rootKeys.map { UsedKey(key: try Key($0.publicKey), holder: "role root of fleet demo") }
        _ = try RootDraft(try fleet.request(fleet.rootKeys, used: used), after: fleet.state.roots.last, now: noon)
    }

    @Test(arguments: [
        ("ed25519", "ed25519", String(repeating: "0", count: 64)),
        ("ed25519", "ed25519", "0100000000000000000000000000000000000000000000000000000000000000"),
        ("ed25519", "ed25519", "abcd"), ("dsa", "dsa", "00"), ("ed25519", "rsassa-pss-sha256", "00"),
    ])
    func `weak and unknown keys are refused`(_ type: String, _ scheme: String, _ text: String) async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let key: JSON = [
            "keytype": .string(type), "scheme": .string(scheme), "keyval": ["public": .string(text)],
        ]
        let request = RootDraft.Request(
            fleet: fleet.content.id, profile: .standard, rootKeys: ProposedKeys(keys: [key], threshold: 1),
            online: fleet.sealed, used: [])
        #expect(throws: PublishError(.rootKey, "")) { try RootDraft(request, after: nil, now: noon) }
    }

    @Test func `a root with offline targets does not carry the warning`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let administrators = try newKeys(2).map(object)
        let request = RootDraft.Request(
            fleet: fleet.content.id, profile: .standard,
            rootKeys: ProposedKeys(keys: try fleet.rootKeys.map(object), threshold: 2),
            targets: .offline(ProposedKeys(keys: administrators, threshold: 2)), online: fleet.sealed, used: [])
        let draft = try RootDraft(request, after: fleet.state.roots.last, now: noon)
        #expect(!draft.targetsOnline && draft.difference.allSatisfy { !$0.contains("not protected") })
        #expect(try RootSummary(fleet.state.roots[0]).targetsOnline)
    }
}
