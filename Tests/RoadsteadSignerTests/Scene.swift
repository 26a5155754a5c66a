import Codecs
import Envelopes
import Files
import Foundation
import OCI
import PKI
import ReleaseCriteria
import SigningKeys
import Synchronization

@testable import RoadsteadSigner

/// A directory with keys, certificates and attesters, and what they sign, all made now.
struct Scene: Sendable {
    let directory: String
    let now = UTCDate(seconds: Int64(Date().timeIntervalSince1970))
    let key: PrivateKey
    let chain: [Certificate]
    let builder: PrivateKey
    let person: PrivateKey

    static let token = "a token of a test, long enough"
    static let image = "registry.example.com/team/app"

    static func with<Value>(_ body: (Scene) async throws -> Value) async throws -> Value {
        let scene = try await Scene()
        do {
            let value = try await body(scene)
            try Files.removeTree(scene.directory)
            return value
        } catch {
            try? Files.removeTree(scene.directory)
            throw error
        }
    }

    init() async throws {
        directory = "/tmp/roadstead-signer-tests.\(UInt64.random(in: 0 ... .max))"
        try Files.createDirectory(directory, mode: 0o700)
        (key, builder) = (try PrivateKey.generate(.ec(.p256)), try PrivateKey.generate(.ed25519))
        person = try PrivateKey.generate(.ed25519)
        let root = try PrivateKey.generate(.ec(.p256))
        chain = try await Self.chain(of: key.publicKey, root, now)
        try Files.write(Array(try key.plaintextPEM.utf8), to: directory + "/release.key", mode: 0o600)
        try Files.write(Array(chain.map(\.pem).joined().utf8), to: directory + "/release.crt")
        try Files.write(Array(builder.publicKey.pem.utf8), to: directory + "/builder.pub")
        try Files.write(Array(person.publicKey.pem.utf8), to: directory + "/ann.pub")
    }

    /// A signing certificate below a root, good now.
    static func chain(of key: PublicKey, _ root: PrivateKey, _ now: UTCDate) async throws -> [Certificate] {
        let start = now.adding(days: -1)
        let anchor = try await CertificateBuilder.root(
            subject: try DistinguishedName("CN=Root,O=Acme,C=US"), signer: root,
            validity: try CertificateBuilder.Validity(from: start, days: 3_650))
        let leaf = try await CertificateBuilder.leaf(
            .codeSigning, subject: try DistinguishedName("CN=Release,O=Acme,ST=WA,C=US"), publicKey: key,
            issuer: try CertificateBuilder.Authority(certificate: anchor, signer: root),
            validity: try CertificateBuilder.Validity(from: start, days: 30), crlURLs: [])
        return [leaf, anchor]
    }

    var log: String { directory + "/decisions.jsonl" }

    static let provenance: JSON = [
        "provenance": [
            "attesters": ["builder"], "threshold": 1, "builders": ["https://ci.example.com/builder"],
            "repositories": ["https://git.example.com/team/app"], "refs": ["refs/heads/main"],
            "maximumAgeSeconds": 3_600,
        ], "scopes": ["registry.example.com/team"],
    ]

    /// A configuration with one caller, who has a token, and one key in a file.
    func configuration(
        criteria: JSON = provenance, listen: JSON = ["host": "127.0.0.1", "port": 0], callers: JSON? = nil,
        keys: [(String, JSON)] = [], limits: JSON = ["keyDeadlineMilliseconds": 10_000], keyCallers: JSON = ["ci"],
        registries: JSON = [:], attesters: [(String, JSON)] = [], operators: JSON? = nil
    ) -> JSON {
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array(Self.token.utf8)))
        let release: JSON = [
            "uri": "file:release.key", "certificates": "release.crt", "usage": "notation", "callers": keyCallers,
            "allowPlaintextKey": true, "criteria": criteria,
        ]
        let known: [(String, JSON)] = [
            ("builder", ["publicKey": "builder.pub"]), ("ann", ["publicKey": "ann.pub"]),
        ]
        var all = JSONObject([
            ("listen", listen), ("log", .string(log)), ("policy", ["plaintextKeys": true]), ("limits", limits),
            ("registries", registries), ("callers", callers ?? ["ci": ["tokenSHA256": .string(digest)]]),
            ("attesters", .object(JSONObject(known + attesters))),
            ("keys", .object(JSONObject([("release", release)] + keys))),
        ])
        all["operator"] = operators
        return .object(all)
    }

    @discardableResult
    func write(_ configuration: JSON) throws -> String {
        let path = directory + "/signer.json"
        try Files.write(configuration.bytes, to: path, mode: 0o600)
        return path
    }

    // MARK: evidence

    func envelope(_ type: String, _ predicate: JSON, by signer: PrivateKey, about artifact: TargetArtifact) async throws
        -> JSON
    {
        let digest = try Digest(artifact.digest)
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1", "predicateType": .string(type), "predicate": predicate,
            "subject": [["name": "app", "digest": ["sha256": .string(digest.hex)]]],
        ]
        let payload = statement.bytes
        let message = DSSEEnvelope(
            payloadType: Statement.payloadType, payload: payload, signatures: []
        ).signedBytes
        let signature = try await verifiedSignature(
            by: signer, over: message, scheme: signer.publicKey.statementScheme)
        return [
            "payloadType": .string(Statement.payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": [["sig": .string(Base64.encode(signature))]],
        ]
    }

    func provenance(_ artifact: TargetArtifact, ref: String = "refs/heads/main") async throws -> JSON {
        try await envelope(Provenance.versionOne, provenancePredicate(ref: ref), by: builder, about: artifact)
    }

    func provenancePredicate(ref: String = "refs/heads/main") -> JSON {
        [
            "buildDefinition": [
                "buildType": "https://ci.example.com/build/v1",
                "externalParameters": [
                    "workflow": ["repository": "https://git.example.com/team/app", "ref": .string(ref)]
                ],
            ],
            "runDetails": [
                "builder": ["id": "https://ci.example.com/builder"],
                "metadata": ["finishedOn": .string(now.adding(seconds: -60).description)],
            ],
        ]
    }

    func approval(_ artifact: TargetArtifact, note: Int64 = 0) async throws -> JSON {
        let predicate: JSON = [
            "key": "release", "approvedOn": .string(now.adding(seconds: -60).description),
            "expires": .string(now.adding(seconds: 3_600).description), "note": .integer(note),
        ]
        return try await envelope(ApprovalStatement.type, predicate, by: person, about: artifact)
    }

    static func artifact(_ name: String = "an image") -> TargetArtifact {
        TargetArtifact(
            mediaType: "application/vnd.oci.image.manifest.v1+json", digest: Digest(of: Array(name.utf8)).description,
            size: Int64(name.utf8.count))
    }

    /// The bytes that a Notary signature of an artifact is over, as our own writer makes them.
    func toBeSigned(
        _ artifact: TargetArtifact = artifact(), as format: EnvelopeFormat = .jws, at time: UTCDate? = nil
    ) async throws -> [UInt8] {
        let envelope = try await EnvelopeWriter(format: format, signingAgent: "test/1")
            .sign(artifact, chain: chain, signer: key, at: time ?? now, expiry: nil)
        return try UnverifiedEnvelope(parsing: envelope, format: format).signedBytes
    }
}
