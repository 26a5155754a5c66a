import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct QuorumTests {
    let content = Timestamp(header: RepositorySimulator.header(), snapshot: MetaFile(version: 1))

    /// A file signed by raw key and id pairs, whatever they are.
    func file(_ signers: [(PrivateKey, KeyID)]) async throws -> UnverifiedMetadata<Timestamp> {
        let draft = try MetadataDraft(content)
        var signatures: [JSON] = []
        for (key, id) in signers {
            let scheme = try #require(try Key(key.publicKey).signatureScheme)
            let signature = try await key.signature(over: draft.toSign, scheme: scheme)
            signatures.append(["keyid": .string(id.text), "sig": .string(Hex.encode(signature))])
        }
        let file: JSON = ["signatures": .array(signatures), "signed": .object(content.members)]
        return try UnverifiedMetadata(file.bytes, maximumBytes: 1 << 20)
    }

    func quorum(_ keys: [Key], _ threshold: Int) throws -> Quorum {
        Quorum(keys: KeyRing(keys), role: try RoleKeys(keys.map(\.id), threshold: threshold), of: "timestamp")
    }

    @Test(arguments: [KeyType.ed25519, .ec(.p256), .rsa(bits: 2_048)])
    func `each of the three key types signs and verifies`(type: KeyType) async throws {
        let private_ = try PrivateKey.generate(type)
        let key = try Key(private_.publicKey)
        let quorum = try quorum([key], 1)
        #expect(try quorum.verify(await file([(private_, key.id)])).signers == [key.id])
        let other = try PrivateKey.generate(type)
        let forged = try await file([(other, key.id)])
        #expect(throws: TUFError(.unsigned, "")) { try quorum.verify(forged) }
    }

    @Test func `one key under two ids counts once`() async throws {
        let private_ = try PrivateKey.generate(.ed25519)
        let keys = [try Key(private_.publicKey), try disguised(private_, "again")]
        #expect(keys[0].id != keys[1].id)
        let file = try await file(keys.map { (private_, $0.id) })
        #expect(throws: TUFError(.unsigned, "")) { try quorum(keys, 2).verify(file) }
        #expect(try quorum(keys, 1).verify(file).signers.count == 1)
    }

    @Test func `one key in another PEM encoding counts once`() async throws {
        let private_ = try PrivateKey.generate(.ec(.p256))
        let first = try Key(private_.publicKey)
        let pem = private_.publicKey.pem + "\n"
        let second = try Key([
            "keytype": "ecdsa-sha2-nistp256", "scheme": "ecdsa-sha2-nistp256", "keyval": ["public": .string(pem)],
        ])
        #expect(second.material == first.material)
        let file = try await file([(private_, first.id), (private_, second.id)])
        #expect(throws: TUFError(.unsigned, "")) { try quorum([first, second], 2).verify(file) }
        #expect(!second.isCanonical)
        #expect(first.isCanonical)
    }

    @Test func `a key listed under an id that is not its own does not count`() async throws {
        let private_ = try PrivateKey.generate(.ed25519)
        let key = try Key(private_.publicKey)
        let wrong = String(repeating: "a", count: 64)
        let root = try await RepositorySimulator().root
        var members = root.members
        members["keys"] = .object(JSONObject([(wrong, key.json)]))
        let role: JSON = ["keyids": [.string(wrong)], "threshold": 1]
        members["roles"] = ["root": role, "timestamp": role, "snapshot": role, "targets": role]
        let quorum = try Root(members: members).quorum(for: .timestamp)
        let file = try await file([(private_, KeyID(wrong))])
        #expect { try quorum.verify(file) } throws: { error in
            (error as? TUFError)?.reason.contains("has the id \(key.id) when recomputed") == true
        }
    }

    @Test func `unknown members of a key belong to its id`() throws {
        let private_ = try PrivateKey.generate(.ed25519)
        let key = try disguised(private_, "x")
        let digest = HashAlgorithm.sha256.digest(of: try key.json.canonicalBytes())
        #expect(key.id.text == Hex.encode(digest))
    }

    @Test(arguments: [
        #"{"keytype":"sigstore-oidc","scheme":"Fulcio","keyval":{"identity":"a"}}"#,
        #"{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"00"}}"#,
        #"{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":7}}"#,
        #"{"keytype":"ecdsa","scheme":"ecdsa-sha2-nistp256","keyval":{"public":"no PEM"}}"#,
        #"{"keytype":"rsa","scheme":"rsa-pkcs1v15-sha256","keyval":{"public":"x"}}"#,
        #"{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"0100000000000000000000000000000000000000000000000000000000000000"}}"#,
    ])
    func `a foreign, weak or broken key beside a good one is kept and never counts`(text: String) async throws {
        let private_ = try PrivateKey.generate(.ed25519)
        let good = try Key(private_.publicKey)
        let foreign = try Key(try JSON(parsing: text))
        #expect(foreign.material == nil)
        let keys = [foreign, good]
        let file = try await file([(private_, good.id), (private_, foreign.id)])
        #expect(try quorum(keys, 1).verify(file).signers == [good.id])
        #expect(throws: TUFError(.unsigned, "")) { try quorum(keys, 2).verify(file) }
    }

    @Test(arguments: ["", "zz", "0", "00", String(repeating: "0", count: 128)])
    func `a signature that is none does not spoil a good one`(text: String) async throws {
        let (first, second) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519))
        let keys = [try Key(first.publicKey), try Key(second.publicKey)]
        let good = try await file([(second, keys[1].id)])
        var tree = try JSON(parsing: good.bytes).object("file")
        let bad: JSON = ["keyid": .string(keys[0].id.text), "sig": .string(text)]
        tree["signatures"] = .array([bad] + (tree["signatures"]?.arrayOrNil ?? []))
        let file = try UnverifiedMetadata<Timestamp>(JSON.object(tree).bytes, maximumBytes: 1 << 20)
        #expect(try quorum(keys, 1).verify(file).signers == [keys[1].id])
        #expect(throws: TUFError(.unsigned, "")) { try quorum(keys, 2).verify(file) }
    }

    @Test func `a signature in the other ECDSA form does not count`() async throws {
        let private_ = try PrivateKey.generate(.ec(.p256))
        let key = try Key(private_.publicKey)
        let draft = try MetadataDraft(content)
        let fixed = try await private_.signature(over: draft.toSign, scheme: .ecdsa(.sha256, .fixed))
        let signature = MetadataSignature(keyID: key.id, bytes: fixed)
        #expect(try quorum([key], 1).tally([signature], over: draft.toSign).signers.isEmpty)
    }

    @Test func `a key outside the role does not count`() async throws {
        let (ours, other) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519))
        let file = try await file([(other, try Key(other.publicKey).id)])
        #expect(throws: TUFError(.unsigned, "")) { try quorum([try Key(ours.publicKey)], 1).verify(file) }
    }

    @Test func `a threshold of zero and an id listed twice are refused`() throws {
        let id = KeyID("a")
        #expect(throws: TUFError(.value, "")) { try RoleKeys([id], threshold: 0) }
        #expect(throws: TUFError(.malformed, "")) { try RoleKeys([id, id], threshold: 1) }
    }
}
