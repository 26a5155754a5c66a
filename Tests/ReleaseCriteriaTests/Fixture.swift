import Codecs
import OCI
import SigningKeys

@testable import ReleaseCriteria

/// Attesters, an artifact, and statements about it that they sign.
struct Fixture {
    static let now = UTCDate(seconds: 1_795_000_000)
    static let recent = now.adding(seconds: -600)
    static let artifact = Digest(of: Array("an image".utf8))
    static let repository = "registry.example.com/team/app"

    let builder: PrivateKey
    let other: PrivateKey
    let people: [String: PrivateKey]

    init(_ type: KeyType = .ed25519) throws {
        builder = try PrivateKey.generate(type)
        other = try PrivateKey.generate(.ec(.p256))
        people = ["ann": try PrivateKey.generate(.ed25519), "bob": try PrivateKey.generate(.ed25519)]
    }

    var attesters: [Attester] {
        [Attester("builder", key: builder.publicKey), Attester("other", key: other.publicKey)]
            + people.sorted { $0.key < $1.key }.map { Attester($0.key, key: $0.value.publicKey) }
    }

    /// A DSSE envelope over a payload with one signature of each key.
    static func envelope(
        _ payload: [UInt8], _ keys: [PrivateKey], payloadType: String = Statement.payloadType
    ) async throws -> JSON {
        let message = DSSEEnvelope(payloadType: payloadType, payload: payload, signatures: []).signedBytes
        var signatures: [JSON] = []
        for key in keys {
            let bytes = try await verifiedSignature(by: key, over: message, scheme: key.publicKey.statementScheme)
            signatures.append(["keyid": "a hint", "sig": .string(Base64.encode(bytes))])
        }
        return [
            "payloadType": .string(payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": .array(signatures),
        ]
    }

    static func statement(
        _ type: String, _ predicate: JSON, about digest: Digest = artifact,
        version: String = "https://in-toto.io/Statement/v1"
    ) -> [UInt8] {
        let subject: JSON = ["name": "app", "digest": [(digest.algorithm.rawValue): .string(digest.hex)]]
        return JSON.object(
            JSONObject([
                ("_type", .string(version)), ("subject", .array([subject])), ("predicateType", .string(type)),
                ("predicate", predicate),
            ])
        ).bytes
    }

    static func provenance(
        builder: String = "https://ci.example.com/builder", repository: String = "https://git.example.com/team/app",
        ref: String = "refs/heads/main", finished: UTCDate = recent
    ) -> JSON {
        [
            "buildDefinition": [
                "buildType": "https://ci.example.com/build/v1",
                "externalParameters": [
                    "workflow": ["repository": .string(repository), "ref": .string(ref), "path": ".ci/release"],
                    "inputs": ["debug": false],
                ],
                "resolvedDependencies": [["uri": "git+https://git.example.com/team/app@refs/heads/main"]],
            ],
            "runDetails": [
                "builder": ["id": .string(builder)], "metadata": ["finishedOn": .string(finished.description)],
            ],
        ]
    }

    static let provenanceRule: JSON = [
        "attesters": ["builder"], "threshold": 1, "builders": ["https://ci.example.com/builder"],
        "repositories": ["git+https://git.example.com/team/app.git"], "refs": ["refs/heads/main", "refs/tags/v*"],
        "buildTypes": ["https://ci.example.com/build/v1"], "parameters": ["inputs.debug": false],
        "maximumAgeSeconds": 3600,
    ]

    func decide(
        _ criteria: JSON, _ evidence: [JSON], caller: String = "ci", repository: String? = repository,
        now: UTCDate = now, record: Record = Record()
    ) throws -> ReleaseDecision {
        try ReleaseCriteria(criteria, attesters: attesters).judge(
            ReleaseRequest(
                key: "release", caller: caller, artifact: Self.artifact, repository: repository, evidence: evidence,
                now: now)
        ).decided(record)
    }
}

/// What was signed before.
struct Record: UseRecord {
    var all: [(at: UTCDate, caller: String)] = []
    var spent: Set<String> = []

    func uses(since: UTCDate, by caller: String?) -> Int {
        all.count { $0.at > since && (caller == nil || caller == $0.caller) }
    }

    func isSpent(_ approval: String) -> Bool { spent.contains(approval) }
}

extension ReleaseDecision {
    /// The criteria that do not hold.
    var missing: Set<String> { Set(findings.filter { !$0.holds }.map(\.criterion)) }
}
