import Codecs
import Envelopes
import Foundation
import PKI
import Problems
import SigningKeys
import TestVectors
import Testing

@testable import RoadsteadCommand

/// The program under the name of a Notation plugin, asked as notation asks it. [Notary plugin-extensibility]
@Suite struct PluginTests {
    private static let payload =
        #"{"targetArtifact":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","mediaType":"application/vnd.oci.image.manifest.v1+json","size":2}}"#

    struct Spec: CustomTestStringConvertible, Sendable {
        let type: String
        let keySpec: String
        let hash: String
        let algorithm: String
        var testDescription: String { type }
    }

    static let specs = [
        Spec(type: "ec-p256", keySpec: "EC-256", hash: "SHA-256", algorithm: "ES256"),
        Spec(type: "ec-p384", keySpec: "EC-384", hash: "SHA-384", algorithm: "ES384"),
        Spec(type: "ec-p521", keySpec: "EC-521", hash: "SHA-512", algorithm: "ES512"),
        Spec(type: "rsa-2048", keySpec: "RSA-2048", hash: "SHA-256", algorithm: "PS256"),
        Spec(type: "rsa-3072", keySpec: "RSA-3072", hash: "SHA-384", algorithm: "PS384"),
        Spec(type: "rsa-4096", keySpec: "RSA-4096", hash: "SHA-512", algorithm: "PS512"),
    ]

    @Test func `metadata names the plugin and offers raw signatures, or envelopes where the user asks for them`()
        async throws
    {
        try await PluginFixture.with { plugin in
            let metadata = try plugin.answer("get-plugin-metadata", "{}")
            #expect(metadata["name"] == "roadstead")
            #expect(metadata["supportedContractVersions"] == ["1.0"])
            #expect(metadata["capabilities"] == ["SIGNATURE_GENERATOR.RAW"])
            for name in ["description", "version", "url"] {
                #expect(metadata[name]?.stringOrNil?.isEmpty == false, "\(name)")
            }
            let asked = try plugin.answer("get-plugin-metadata", #"{"pluginConfig":{"envelope":"true"}}"#)
            #expect(asked["capabilities"] == ["SIGNATURE_GENERATOR.ENVELOPE"])
            let around = try plugin.answer("get-plugin-metadata", "{}", environment: "ROADSTEAD_PLUGIN_ENVELOPE=1")
            #expect(around["capabilities"] == ["SIGNATURE_GENERATOR.ENVELOPE"])
        }
    }

    @Test(arguments: specs)
    func `each key specification signs envelopes of both formats that verify`(_ spec: Spec) async throws {
        try await PluginFixture.with { plugin in
            try plugin.makeKey(spec.type)
            let described = try plugin.answer("describe-key", plugin.request([]))
            #expect(described["keyId"] == "file:team/signing.key")
            #expect(described["keySpec"] == .string(spec.keySpec))
            for format in EnvelopeFormat.allCases {
                let parts = EnvelopeParts(spec.algorithm, Array(Self.payload.utf8), format)
                let answer = try plugin.answer(
                    "generate-signature",
                    plugin.request([
                        ("keySpec", .string(spec.keySpec)), ("hashAlgorithm", .string(spec.hash)),
                        ("payload", .string(Base64.encode(parts.signedBytes))),
                    ]))
                #expect(answer["keyId"] == "file:team/signing.key")
                let kind = spec.keySpec.hasPrefix("RSA") ? "RSASSA-PSS" : "ECDSA"
                #expect(answer["signingAlgorithm"] == .string("\(kind)-\(spec.hash)"))
                let chain = try answer.array("certificateChain", in: "answer").map {
                    try Base64.decode(try $0.string("certificate"))
                }
                #expect(chain.count == 2)
                let signature = try Base64.decode(try answer.string("signature", in: "answer"))
                let envelope = parts.envelope(signature, chain)
                let verified = try UnverifiedEnvelope(parsing: envelope, format: format).verified()
                #expect(verified.algorithm.rawValue == spec.algorithm)
                #expect(verified.artifact.size == 2)

                let whole = try plugin.answer(
                    "generate-envelope",
                    plugin.request(
                        [
                            ("payloadType", .string(TargetArtifact.contentType)),
                            ("signatureEnvelopeType", .string(format.mediaType)),
                            ("payload", .string(Base64.encode(Array(Self.payload.utf8)))),
                            ("expiryDurationInSeconds", 3600),
                        ], config: [("envelope", "true")]))
                #expect(whole["signatureEnvelopeType"] == .string(format.mediaType))
                let made = try Base64.decode(try whole.string("signatureEnvelope", in: "answer"))
                let read = try UnverifiedEnvelope(parsing: made, format: format).verified()
                #expect(read.attributes.expiry != nil)
                #expect(read.artifact == verified.artifact)
            }
        }
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let command: String
        let request: String
        let code: String
        let says: String
        var testDescription: String { "\(command): \(says)" }

        init(_ command: String, _ request: String, _ says: String, code: String = "VALIDATION_ERROR") {
            (self.command, self.request, self.says, self.code) = (command, request, says, code)
        }
    }

    private static let id = #""keyId":"file:team/signing.key""#
    private static let config = #""pluginConfig":{"certificate-chain":"team/chain.pem","passphrase-file":"pass"}"#
    private static let sound =
        #""contractVersion":"1.0",\#(id),"keySpec":"EC-256","hashAlgorithm":"SHA-256","payload":"YQ==""#

    static let refusals = [
        Refusal("describe-key", "", "JSON"), Refusal("describe-key", "[]", "not an object"),
        Refusal("describe-key", "{", "JSON"), Refusal("describe-key", "{} {}", "follows"),
        Refusal("describe-key", #"{"contractVersion":"1.0","contractVersion":"1.0",\#(id)}"#, "contractVersion"),
        Refusal("describe-key", "{\(id)}", "contractVersion"),
        Refusal("describe-key", #"{"contractVersion":1,\#(id)}"#, "not a string"),
        Refusal(
            "describe-key", #"{"contractVersion":"2.0",\#(id)}"#, "1.0", code: "UNSUPPORTED_CONTRACT_VERSION"),
        Refusal("describe-key", #"{"contractVersion":"1.0"}"#, "keyId"),
        Refusal("describe-key", #"{"contractVersion":"1.0","keyId":""}"#, "empty"),
        Refusal("describe-key", #"{"contractVersion":"1.0","keyId":7}"#, "not a string"),
        Refusal("describe-key", #"{"contractVersion":"1.0","keyId":"nobody"}"#, "neither a key's URI nor a name"),
        Refusal("describe-key", #"{"contractVersion":"1.0","keyId":"floppy:a"}"#, "URI"),
        Refusal("describe-key", #"{"contractVersion":"1.0",\#(id),"pluginConfig":[]}"#, "not an object"),
        Refusal("describe-key", #"{"contractVersion":"1.0",\#(id),"pluginConfig":{"pin":"1234"}}"#, "not known"),
        Refusal(
            "describe-key", #"{"contractVersion":"1.0",\#(id),"pluginConfig":{"envelope":"yes"}}"#, "neither true"),
        Refusal("describe-key", #"{"contractVersion":"1.0","keyId":"file:none"}"#, "no such file", code: "ERROR"),
        Refusal(
            "describe-key",
            #"{"contractVersion":"1.0",\#(id),"pluginConfig":{"passphrase-file":"wrong-pass"}}"#, "passphrase",
            code: "ERROR"),
        Refusal(
            "describe-key",
            #"{"contractVersion":"1.0","keyId":"file:ed.key","pluginConfig":{"passphrase-file":"pass"}}"#,
            "cannot sign for the Notary Project"),
        Refusal(
            "describe-key", #"{"contractVersion":"1.0","keyId":"file:plain/signing.key"}"#, "not protected",
            code: "ACCESS_DENIED"),
        Refusal(
            "generate-signature", #"{\#(sound.replacing(#""keySpec":"EC-256","#, with: "")),\#(config)}"#, "keySpec"),
        Refusal("generate-signature", #"{\#(sound.replacing("EC-256", with: "EC-255")),\#(config)}"#, "not known"),
        Refusal("generate-signature", #"{\#(sound.replacing("SHA-256", with: "SHA-384")),\#(config)}"#, "SHA-256"),
        Refusal(
            "generate-signature",
            #"{\#(sound.replacing("EC-256", with: "EC-384").replacing("SHA-256", with: "SHA-384")),\#(config)}"#,
            "not of EC-384"),
        Refusal("generate-signature", #"{\#(sound.replacing("YQ==", with: "YQ")),\#(config)}"#, "Base64"),
        Refusal(
            "generate-signature", #"{\#(sound),"pluginConfig":{"passphrase-file":"pass"}}"#, "no certificates"),
        Refusal(
            "generate-signature",
            #"{\#(sound),"pluginConfig":{"passphrase-file":"pass","certificate-chain":"plain/chain.pem"}}"#,
            "another key"),
        Refusal("generate-envelope", #"{\#(sound),\#(config)}"#, "payloadType"),
        Refusal(
            "generate-envelope",
            #"{\#(sound),"payloadType":"text/plain","signatureEnvelopeType":"application/cose",\#(config)}"#,
            "unless that is asked for"),
        Refusal("verify-signature", "{}", "command of the protocol"),
        Refusal("generate-signature extra", "{}", "one argument"),
    ]

    @Test func `what is not a sound request is refused in the words of the protocol`() async throws {
        try await PluginFixture.with { plugin in
            try plugin.makeKey("ec-p256")
            try plugin.prepare("roadstead key generate --out ed.key --key-type ed25519 --passphrase-file pass")
            for refusal in Self.refusals {
                let (code, message) = try plugin.refusal(refusal.command, refusal.request)
                #expect(code == refusal.code, "\(refusal.testDescription): \(message)")
                #expect(message.contains(refusal.says), "\(refusal.testDescription): \(message)")
            }
        }
    }

    private struct TokenProblem: Problem {
        enum Code: String { case pinTries = "pin-tries" }
        static let module = "token"
        let code = Code.pinTries
        let reason = "few tries are left"
    }

    @Test func `a token that takes no PIN now denies access`() {
        #expect(PluginError(TokenProblem()).code == .accessDenied)
    }

    @Test func `a request above 64 MiB is refused and not kept`() async throws {
        try await PluginFixture.with { plugin in
            try plugin.prepare(
                "{ printf '{\"a\":\"'; head -c 67108864 /dev/zero | tr '\\0' a; printf '\"}'; } >request")
            let (code, message) = try plugin.refusal("describe-key", nil)
            #expect(code == "VALIDATION_ERROR")
            #expect(message.contains("67108864"))
        }
    }

    @Test func `a name from the user's file of keys stands for a key with all that belongs to it`() async throws {
        try await PluginFixture.with { plugin in
            try plugin.makeKey("ec-p256")
            try plugin.prepare(
                """
                mkdir -p config-home
                printf '{"keys":{"team":{"key":"file:team/signing.key","passphraseFile":"pass","certificateChain":"team/chain.pem"}}}' >config-home/keys.json
                """)
            let request = #"{"contractVersion":"1.0","keyId":"team"}"#
            let described = try plugin.answer("describe-key", request)
            #expect(described["keyId"] == "team")
            #expect(described["keySpec"] == "EC-256")
            try plugin.prepare("chmod 666 config-home/keys.json")
            #expect(try plugin.refusal("describe-key", request).message.contains("others can reach it"))
            try plugin.prepare("chmod 644 config-home/keys.json; echo '{\"kyes\":{}}' >config-home/keys.json")
            #expect(try plugin.refusal("describe-key", request).message.contains("kyes"))
        }
    }

    @Test func `a key beyond files is asked of the larger program, with the same request`() async throws {
        try await PluginFixture.with { plugin in
            let request = #"{"contractVersion":"1.0","keyId":"pkcs11:token=a;object=b"}"#
            let alone = try plugin.refusal("describe-key", request)
            #expect(alone.message.contains("roadstead-remote"))
            try plugin.prepare(
                """
                mkdir more && cat >more/roadstead-remote <<'END'
                #!/bin/sh
                printf '{"words":"%s","request":' "$*"; cat; printf '}'
                END
                chmod 755 more/roadstead-remote
                """)
            let answer = try plugin.answer("describe-key", request, environment: "PATH=\"$PWD/more:$PATH\"")
            #expect(answer["words"] == "notation-plugin describe-key")
            #expect(answer["request"] == (try JSON(parsing: request)))
        }
    }
}

/// What goes into an envelope as notation puts it together around a raw signature.
private struct EnvelopeParts {
    let signedBytes: [UInt8]
    private let payload: [UInt8]
    private let protected: [UInt8]
    private let format: EnvelopeFormat

    init(_ algorithm: String, _ payload: [UInt8], _ format: EnvelopeFormat) {
        let labels: [String: Int64] = [
            "PS256": -37, "PS384": -38, "PS512": -39, "ES256": -7, "ES384": -35, "ES512": -36,
        ]
        self.payload = payload
        self.format = format
        switch format {
        case .jws:
            let header =
                #"{"alg":"\#(algorithm)","crit":["io.cncf.notary.signingScheme"],"cty":"\#(TargetArtifact.contentType)","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"2026-11-22T10:00:00Z"}"#
            protected = Array(header.utf8)
            signedBytes = Array("\(Base64.encode(protected, .url)).\(Base64.encode(payload, .url))".utf8)
        case .cose:
            protected =
                CBOR.map(
                    CBORMap([
                        (.integer(1), .integer(labels[algorithm] ?? 0)),
                        (.integer(2), .array([.text("io.cncf.notary.signingScheme")])),
                        (.integer(3), .text(TargetArtifact.contentType)),
                        (.text("io.cncf.notary.signingScheme"), .text("notary.x509")),
                        (.text("io.cncf.notary.signingTime"), .tagged(1, .integer(1_795_341_600))),
                    ])
                ).encoded
            signedBytes =
                CBOR.array([.text("Signature1"), .bytes(protected), .bytes([]), .bytes(payload)]).encoded
        }
    }

    func envelope(_ signature: [UInt8], _ chain: [[UInt8]]) -> [UInt8] {
        switch format {
        case .jws:
            JSON.object(
                JSONObject([
                    ("payload", .string(Base64.encode(payload, .url))),
                    ("protected", .string(Base64.encode(protected, .url))),
                    ("header", .object(JSONObject([("x5c", .array(chain.map { .string(Base64.encode($0)) }))]))),
                    ("signature", .string(Base64.encode(signature, .url))),
                ])
            ).bytes
        case .cose:
            CBOR.tagged(
                18,
                .array([
                    .bytes(protected), .map(CBORMap([(.integer(33), .array(chain.map(CBOR.bytes)))])),
                    .bytes(payload), .bytes(signature),
                ])
            ).encoded
        }
    }
}

/// The program, copied under the name of the plugin, in a folder with keys.
private struct PluginFixture {
    let command: CommandFixture

    static func with(_ body: (PluginFixture) async throws -> Void) async throws {
        try await CommandFixture.with { command in
            let fixture = PluginFixture(command: command)
            try fixture.prepare("mkdir plugin && cp \"$(command -v roadstead)\" plugin/notation-roadstead")
            try await body(fixture)
        }
    }

    func prepare(_ script: String) throws {
        let outcome = try command.run("set -e\n" + script)
        try #require(outcome.status == 0, "\(outcome.text)")
    }

    func makeKey(_ type: String) throws {
        try prepare(
            "roadstead ca issue --ca ca --subject 'C=US, ST=WA, O=Acme, CN=Team' --out team --key-type \(type) --passphrase-file pass"
        )
    }

    /// A request about the team's key.
    func request(_ members: [(String, JSON)], config: [(String, JSON)] = []) -> String {
        let config = [("certificate-chain", "team/chain.pem"), ("passphrase-file", "pass")] + config
        return JSON.object(
            JSONObject(
                [
                    ("contractVersion", "1.0"), ("keyId", "file:team/signing.key"),
                    ("pluginConfig", .object(JSONObject(config))),
                ] + members)
        ).text
    }

    func answer(_ name: String, _ request: String, environment: String = "A=B") throws -> JSONObject {
        let outcome = try run(name, request, environment)
        try #require(outcome.status == 0, "\(outcome.text)")
        #expect(outcome.text.isEmpty)
        return try JSON(parsing: outcome.output).object("the answer")
    }

    func refusal(_ name: String, _ request: String?) throws -> (code: String, message: String) {
        let outcome = try run(name, request, "A=B")
        try #require(outcome.status != 0)
        #expect(outcome.output.isEmpty)
        let error = try JSON(parsing: outcome.text).object("the error")
        #expect(error["errorMetadata"]?.objectOrNil != nil)
        return (try error.string("errorCode", in: "error"), try error.string("errorMessage", in: "error"))
    }

    private func run(_ name: String, _ request: String?, _ environment: String) throws -> TestVectors.Outcome {
        if let request {
            try Data(request.utf8).write(to: command.folder.appendingPathComponent("request"))
        }
        return try command.run(
            "export ROADSTEAD_CONFIG_HOME=config-home \(environment); plugin/notation-roadstead \(name) <request")
    }
}
