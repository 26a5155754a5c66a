import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct TeamRoleDrafts {
    private let acme: TeamName
    private let former: [PrivateKey]
    private let present: [PrivateKey]

    init() throws {
        acme = try TeamName("acme")
        former = try (0..<2).map { _ in try PrivateKey.generate(.ed25519) }
        present = try [PrivateKey.generate(.ed25519), PrivateKey.generate(.ec(.p256)), PrivateKey.generate(.ed25519)]
    }

    private func quorum(_ keys: [PrivateKey], _ threshold: Int) throws -> TeamQuorum {
        try TeamQuorum(ProposedKeys(keys: try keys.map { try Key($0.publicKey).json }, threshold: threshold))
    }

    private func draft(_ anchors: [[UInt8]] = [anchor(1)], version: Int64 = 3, bridging: Bool = false) throws
        -> TeamRoleDraft
    {
        try TeamRoleDraft(
            TeamRoleDraft.Request(
                content: try team("acme", anchors), version: version, quorum: try quorum(present, 2),
                former: bridging ? try quorum(former, 2) : nil), now: noon)
    }

    private func sign(_ draft: inout TeamRoleDraft, _ keys: some Sequence<PrivateKey>) async throws {
        for key in keys { try draft.add(signature: try await signature(key, draft.toSign), keyID: try id(key)) }
    }

    private func signature(_ key: PrivateKey, _ bytes: [UInt8]) async throws -> String {
        let scheme = try #require(try Key(key.publicKey).signatureScheme)
        return Hex.encode(try await key.signature(over: bytes, scheme: scheme))
    }

    private func id(_ key: PrivateKey) throws -> String { try Key(key.publicKey).id.text }

    @Test func `the same request gives the same bytes`() throws {
        #expect(try draft().toSign == draft().toSign)
        #expect(try draft().toSign != draft(version: 4).toSign && draft().toSign != draft([anchor(2)]).toSign)
    }

    @Test func `a role in the team's custody lives for 400 days and names no fleet`() throws {
        let draft = try draft()
        #expect(draft.expires == noon.adding(days: 400))
        #expect(!String(decoding: draft.toSign, as: UTF8.self).contains("x-roadstead"))
    }

    @Test func `the quorum's signatures make the role`() async throws {
        var draft = try draft()
        #expect(draft.missing == ["2 more of the keys of team acme"])
        try await sign(&draft, present.prefix(1))
        #expect(draft.missing == ["1 more of the keys of team acme"])
        #expect(throws: PublishError(.roleDraft, "")) { try draft.close() }
        try await sign(&draft, present.prefix(2))
        let role = try draft.close()
        #expect(role.version == 3 && role.team == acme)
        let file = try UnverifiedMetadata<Targets>(role.bytes, maximumBytes: 1 << 20)
        #expect(try quorum(present, 2).quorum(of: "acme").verify(file).signers.count == 2)
    }

    @Test func `while the former quorum exists both sign`() async throws {
        var draft = try draft(bridging: true)
        #expect(draft.missing == ["2 more of the former keys of team acme", "2 more of the keys of team acme"])
        try await sign(&draft, present)
        #expect(draft.missing == ["2 more of the former keys of team acme"])
        try await sign(&draft, former)
        let file = try UnverifiedMetadata<Targets>(try draft.close().bytes, maximumBytes: 1 << 20)
        #expect(try quorum(former, 2).quorum(of: "acme").verify(file).signers.count == 2)
        #expect(try quorum(present, 2).quorum(of: "acme").verify(file).signers.count == 3)
    }

    @Test func `the server signs for the custody that it gives up, and for no other team`() async throws {
        let master = try MasterKey.generate()
        let own = try ServerKey.generate(for: .team(acme), under: master).open(under: master)
        let other = try ServerKey.generate(for: .team(try TeamName("beta")), under: master).open(under: master)
        var draft = try TeamRoleDraft(
            TeamRoleDraft.Request(
                content: try team("acme", []), version: 2, quorum: try quorum(present, 1),
                former: try TeamQuorum(own.key)), now: noon)
        try await draft.sign(with: own)
        #expect(draft.missing == ["1 more of the keys of team acme"])
        do {
            try await draft.sign(with: other)
            Issue.record("another team's key signed")
        } catch { #expect((error as? PublishError)?.code == .roleDraft) }
    }

    @Test func `a signature over other bytes, of a stranger or in another form is refused`() async throws {
        var draft = try draft()
        let stranger = try PrivateKey.generate(.ed25519)
        let cases = [
            (try await signature(present[0], draft.toSign + [0]), try id(present[0])),
            (try await signature(stranger, draft.toSign), try id(stranger)),
            (try await signature(stranger, draft.toSign), try id(present[0])),
            (try await signature(former[0], draft.toSign), try id(former[0])), ("XY", try id(present[0])),
            ("", try id(present[0])),
        ]
        for (signature, keyID) in cases {
            #expect(throws: PublishError(.roleDraft, "")) { try draft.add(signature: signature, keyID: keyID) }
        }
        #expect(draft.signedBy.isEmpty)
    }

    @Test func `a stored draft is taken up with its signatures and says the same`() async throws {
        var draft = try draft(bridging: true)
        try await sign(&draft, present.prefix(1))
        let key = present[0]
        let again = try TeamRoleDraft(
            toSign: draft.toSign, team: acme, quorum: try quorum(present, 2), former: try quorum(former, 2),
            signatures: [(keyID: try id(key), signature: try await signature(key, draft.toSign))], files: draft.files)
        #expect(again.signedBy == draft.signedBy && again.missing == draft.missing)
        #expect(again.difference == draft.difference && again.version == 3)
    }

    @Test func `a draft of another team, with a foreign file or with changed bytes is not taken up`() throws {
        let draft = try draft()
        var foreign = draft.files
        foreign[0] = BuiltFile(
            kind: .target, path: foreign[0].path, bytes: [1, 2, 3], role: nil, version: nil, sha256: foreign[0].sha256)
        let attempts: [(TeamName, [UInt8], [BuiltFile])] = [
            (try TeamName("beta"), draft.toSign, []), (acme, draft.toSign + [0x20], []), (acme, draft.toSign, foreign),
        ]
        for (team, bytes, files) in attempts {
            #expect(throws: PublishError(.roleDraft, "")) {
                try TeamRoleDraft(
                    toSign: bytes, team: team, quorum: try quorum(present, 2), former: nil, signatures: [],
                    files: files)
            }
        }
    }

    @Test func `the difference names anchors, stores and statements`() async throws {
        var first = try draft([anchor(1), anchor(2)])
        #expect(first.difference.first == "version 3 of team acme, the first one")
        #expect(first.difference.contains("store ca:acme.prod: added"))
        try await sign(&first, present)
        let next = try TeamRoleDraft(
            TeamRoleDraft.Request(
                content: try team("acme", [anchor(2), anchor(3)], scope: "registry.example.com/other"), version: 4,
                quorum: try quorum(present, 2), base: try first.close(), oldFiles: first.files.byPath), now: noon)
        #expect(
            next.difference == [
                "version 4 of team acme follows version 3",
                "store ca:acme.prod: anchor removed: \(ReleaseDifference.digestLabel(anchor(1)))",
                "store ca:acme.prod: anchor added: \(ReleaseDifference.digestLabel(anchor(3)))",
                "team acme: trust policy statement acme changed: strict for registry.example.com/other, "
                    + "stores ca:prod, identities *",
                "expires \(noon.adding(days: 400))",
            ])
    }

    @Test func `renewing without a change says so`() async throws {
        var first = try draft()
        try await sign(&first, present)
        let next = try TeamRoleDraft(
            TeamRoleDraft.Request(
                content: try team("acme", [anchor(1)]), version: 4, quorum: try quorum(present, 2),
                base: try first.close()), now: noon.adding(days: 300))
        #expect(next.difference[1] == "renewed, nothing else changes")
        #expect(next.says(try team("acme", [anchor(1)])))
        #expect(!next.says(try team("acme", [])))
    }

    @Test func `a version that was given out before is refused`() async throws {
        var first = try draft()
        try await sign(&first, present)
        let role = try first.close()
        #expect(throws: PublishError(.version, "")) {
            try TeamRoleDraft(
                TeamRoleDraft.Request(
                    content: try team("acme", []), version: 3, quorum: try quorum(present, 2), base: role), now: noon)
        }
    }

    @Test func `files above what a host takes from one team are refused`() throws {
        let large = (0..<3).map { [UInt8](repeating: $0, count: 400_000) }
        #expect(throws: PublishError(.size, "")) { try draft(large) }
    }

    @Test(arguments: [0, 3])
    func `a quorum whose threshold is zero or cannot be met is refused`(_ threshold: Int) throws {
        #expect(throws: PublishError(.rootKey, "")) { try quorum(former, threshold) }
    }

    @Test func `one key in two encodings is no quorum of two`() throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let other: JSON = [
            "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256",
            "keyval": ["public": .string(key.publicKey.pem + "\n")],
        ]
        let keys = [try Key(key.publicKey).json, other]
        #expect(throws: PublishError(.rootKey, "")) { try TeamQuorum(ProposedKeys(keys: keys, threshold: 2)) }
    }
}
