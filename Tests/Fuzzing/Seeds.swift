import Codecs
import Envelopes
import Files
import PKI
import RepositorySimulation
import SigningKeys
import TUF
import TimestampAuthority
import TokenWire
import TrustModel

/// Inputs to start from, made by our own code, so that there are no files of bytes to keep.
enum Seeds {
    static func write(to directory: String) async throws {
        var seeds: [String: [[UInt8]]] = [:]
        seeds["json"] = texts
        seeds["reference"] = references
        seeds["policy"] = policies
        seeds["token"] = try tokens()
        seeds["join"] = try joins()
        seeds["evidence"] = statements
        seeds["metadata"] = (SampleRepository.shared?.files.values).map(Array.init)
        seeds["workflow"] = workflows
        try await addSigned(&seeds)
        seeds["timestamp"] = try await timestamps()
        seeds["cbor"] =
            seeds["envelope", default: []].filter { $0.first == 0xD2 } + [CBOR.array([.integer(-1), .null]).encoded]
        for target in FuzzTarget.all {
            try Files.createDirectory("\(directory)/\(target.name)")
            for (index, bytes) in seeds[target.name, default: []].enumerated() {
                try Files.write(bytes, to: "\(directory)/\(target.name)/seed-\(index)")
            }
        }
    }

    private static var texts: [[UInt8]] {
        [
            #"{"a":[1,-2,true,false,null,"\u00e9\ud83d\ude00\n\\\"/"],"b":{"":{}},"é":9223372036854775807}"#,
            #"[[[[[[]]]]]]"#, #"{"a":1,"a":2}"#, #"[1.0,1e3,-0]"#, #"{"signed":{"version":1},"signatures":[]} x"#,
        ].map { Array($0.utf8) }
    }

    /// A statement, the same in an envelope, and bytes to be signed.
    private static var statements: [[UInt8]] {
        let statement = Array(
            #"""
            {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"0a"}}],\#
            "predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"buildType":"t",\#
            "externalParameters":{"source":"git+https://h/p@refs/heads/main"}},"runDetails":{"builder":{"id":"b"},\#
            "metadata":{"finishedOn":"2026-11-22T10:00:00Z"}}}}
            """#.utf8)
        let envelope: JSON = [
            "payloadType": "application/vnd.in-toto+json", "payload": .string(Base64.encode(statement)),
            "signatures": [["keyid": "k", "sig": "AAAA"]],
        ]
        return [statement, envelope.bytes]
    }

    /// Key URIs, and messages without their frames.
    private static func tokens() throws -> [[UInt8]] {
        let uri = "pkcs11:token=Ops%20Room;serial=1;object=root;id=%01%ff;type=private;x-a=b"
        let key = TokenKeyDescription(
            label: "k", id: [1], kind: .p256, spki: [0x30], isPrivate: true, wantsPINEachTime: false)
        let certificate = TokenCertificate(label: "c", id: [1], der: [0x30], subject: [0x30], issuer: [0x30])
        let requests: [TokenRequest] = [
            .open(uri), .logIn(pin: [0x31], allowsLastTries: true), .generate(.p256, label: "k", id: nil),
            .sign(TokenSignatureRequest(uri: uri, spki: [1], mechanism: .pssSHA256, bytes: [2], pin: nil)),
            .generate(.rsa(bits: 3_072), label: "k", id: [1]), .certificates(id: [1], subject: [0x30]),
            .storeCertificate(certificate), .storeKey(.p384, label: "k", id: [1], numbers: [[1], [2]]),
        ]
        let responses: [TokenResponse] = [
            .done, .keys([key], skipped: ["x"]), .signature([1]), .failure(code: "key", reason: "none", hint: "add"),
            .certificates([certificate], skipped: ["x"]),
        ]
        let frames = try requests.map { try $0.frame() } + responses.map { try $0.frame() }
        return [Array(uri.utf8), Array("\(uri)?pin-source=file:/pin".utf8)]
            + frames.map { Array($0.dropFirst(Frame.headerBytes)) }
    }

    private static var references: [[UInt8]] {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        return [
            "registry.example.com/acme/app:v1@\(digest)", "localhost:5000/a/b_c", "[::1]:5000/x", digest,
            "registry.example.com/*", "*",
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"\(digest)","size":2},\
            "layers":[{"mediaType":"application/jose+json","digest":"\(digest)","size":9,"annotations":{"a":"b"}}],\
            "subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\(digest)","size":1}}
            """,
        ].map { Array($0.utf8) }
    }

    private static var policies: [[UInt8]] {
        [
            """
            {"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["registry.example.com/acme/app"],\
            "signatureVerification":{"level":"strict","override":{"expiry":"log"}},"trustStores":["ca:acme","tsa:t"],\
            "trustedIdentities":["x509.subject: C=US, ST=WA, O=Acme, CN=a\\\\,b","*"]}]}
            """,
            "x509.subject: C=US, ST=WA, O=Acme, CN=Signer", "ca:acme-builds",
            #"{"schema":1,"critical":[],"team":"acme","statements":[]}"#,
            #"{"schema":1,"critical":[],"entries":[]}"#,
        ].map { Array($0.utf8) }
    }

    private static func joins() throws -> [[UInt8]] {
        let join = JoinString(
            server: "https://trust.example.com", fleet: try FleetName("prod-eu"),
            fleetID: try FleetID(String(repeating: "0a", count: 16)),
            rootSHA256: String(repeating: "ab", count: 32), rootVersion: 1,
            minimumVersions: ["timestamp": 3, "snapshot": 2], token: "secret")
        return [Array(try join.text.utf8), Array("rsjoin1.e30".utf8)]
    }

    /// One for each kind of answer at each of the first steps.
    private static var workflows: [[UInt8]] {
        (0..<20).flatMap { step in
            (0..<8).map { answer in [UInt8](repeating: 0, count: step) + [UInt8(answer), 0, 40, 1, 65, 2, 3, 4] }
        }
    }

    /// Tokens and answers, one of each with everything in it that may be there.
    private static func timestamps() async throws -> [[UInt8]] {
        let start = UTCDate(seconds: 1_767_225_600)
        let authority = try await TimestampAuthority(from: start)
        let token = try await authority.token(over: FuzzTarget.stamped, at: start.adding(days: 1))
        let request = try TimestampRequest(over: FuzzTarget.stamped, hash: .sha512, policy: "1.2.3.4")
        let answer = try await authority.answer(to: request.der, at: start.adding(days: 1)) { draft in
            draft.time = String(draft.time.dropLast()) + ".25Z"
            draft.accuracy = DER.sequence(DER.integer(1), DER.element(.context(0, constructed: false), [0x01, 0xF4]))
            draft.tail = [DER.explicit(0, DER.explicit(4, authority.certificate.subject.der))]
        }
        return [token, answer, TimestampAuthority.refusal("no")]
    }

    private static func addSigned(_ seeds: inout [String: [[UInt8]]]) async throws {
        let start = UTCDate(seconds: 1_767_225_600)
        for type in [KeyType.ec(.p256), .rsa(bits: 2_048)] {
            let (rootKey, key) = (try PrivateKey.generate(type), try PrivateKey.generate(type))
            let root = try await CertificateBuilder.root(
                subject: DistinguishedName("CN=Root,O=Example,C=US"), signer: rootKey,
                validity: .init(from: start, days: 3_650), pathLength: 1)
            let leaf = try await CertificateBuilder.leaf(
                .codeSigning, subject: DistinguishedName("CN=Signer,O=Example,ST=WA,C=US"), publicKey: key.publicKey,
                issuer: .init(certificate: root, signer: rootKey), validity: .init(from: start, days: 365),
                crlURLs: ["http://crl.example/a.crl"])
            seeds["certificate", default: []] += [root.der, leaf.der, Array("CN=a\\,b+OU=c, O=#0403".utf8)]
            let list = try await CertificateBuilder.revocationList(
                of: [
                    RevokedCertificate(
                        serialNumber: leaf.serialNumber, revokedAt: start, reason: .keyCompromise, invalidityDate: start
                    ),
                    RevokedCertificate(serialNumber: root.serialNumber, revokedAt: start),
                ], issuer: .init(certificate: root, signer: rootKey), number: 7, thisUpdate: start,
                nextUpdate: start.adding(days: 7))
            seeds["crl", default: []] += [list.der, Array(list.pem.utf8)]
            let artifact = TargetArtifact(
                mediaType: "application/vnd.oci.image.manifest.v1+json",
                digest: "sha256:" + String(repeating: "0a", count: 32), size: 7, annotations: ["a": "b"])
            for format in [EnvelopeFormat.jws, .cose] {
                let writer = EnvelopeWriter(format: format, signingAgent: "fuzz/1")
                seeds["envelope", default: []].append(
                    try await writer.sign(
                        artifact, chain: [leaf, root], signer: key, at: start.adding(days: 1),
                        expiry: start.adding(days: 20)))
            }
        }
    }
}
