import Codecs
import SigningKeys
import TestSigning
import Testing

@testable import Envelopes

private let scheme = "io.cncf.notary.signingScheme"
private let time = "io.cncf.notary.signingTime"
private let authentic = "io.cncf.notary.authenticSigningTime"
private let expiry = "io.cncf.notary.expiry"
private let plugin = "io.cncf.notary.verificationPlugin"

/// JWS envelopes that are signed by the right key and break one rule each.
@Suite struct JWSRulesTests {
    /// A JWS in its parts, to be changed before it is signed.
    struct Parts {
        var protected: JSONObject
        var header: JSONObject
        var payload: String
        var extra: (String, JSON)?
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: EnvelopeError.Code
        let change: @Sendable (inout Parts) -> Void

        init(_ name: String, _ code: EnvelopeError.Code, _ change: @escaping @Sendable (inout Parts) -> Void) {
            testDescription = name
            self.code = code
            self.change = change
        }
    }

    static let attributes: [Case] = [
        Case("no algorithm", .malformed) { $0.protected["alg"] = nil },
        Case("algorithm none", .algorithm) { $0.protected["alg"] = "none" },
        Case("algorithm of other capitals", .algorithm) { $0.protected["alg"] = "es256" },
        Case("algorithm HS256", .algorithm) { $0.protected["alg"] = "HS256" },
        Case("algorithm of another key", .algorithm) { $0.protected["alg"] = "ES384" },
        Case("no critical list", .malformed) { $0.protected["crit"] = nil },
        Case("empty critical list", .critical) { $0.protected["crit"] = [] },
        Case("critical twice", .critical) { $0.protected["crit"] = [.string(scheme), .string(scheme)] },
        Case("critical and absent", .critical) { $0.protected["crit"] = [.string(scheme), "absent"] },
        Case("critical and unknown", .critical) {
            $0.protected["crit"] = [.string(scheme), "com.example.x"]
            $0.protected["com.example.x"] = 1
        },
        Case("standard header critical", .critical) { $0.protected["crit"] = [.string(scheme), "alg"] },
        Case("expiry not critical", .critical) { $0.protected[expiry] = "2030-01-01T00:00:00Z" },
        Case("verification plugin", .plugin) {
            $0.protected["crit"] = [.string(scheme), .string(plugin)]
            $0.protected[plugin] = "x"
        },
        Case("no scheme", .scheme) { $0.protected[scheme] = nil },
        Case("unknown scheme", .scheme) { $0.protected[scheme] = "notary.x510" },
        Case("no signing time", .scheme) { $0.protected[time] = nil },
        Case("both times", .scheme) { $0.protected[authentic] = "2026-01-01T00:00:00Z" },
        Case("authority without its time", .scheme) { $0.protected[scheme] = "notary.x509.signingAuthority" },
        Case("authority's time not critical", .critical) {
            $0.protected[scheme] = "notary.x509.signingAuthority"
            $0.protected[authentic] = "2026-01-01T00:00:00Z"
            $0.protected[time] = nil
        },
        Case("expires before it was signed", .scheme) {
            $0.protected[expiry] = "2020-01-01T00:00:00Z"
            $0.protected["crit"] = [.string(scheme), .string(expiry)]
        },
        Case("time that is a number", .malformed) { $0.protected[time] = 1 },
        Case("content type of something else", .malformed) { $0.protected["cty"] = "application/json" },
        Case("payload not encoded", .malformed) { $0.protected["b64"] = false },
    ]

    static let rest: [Case] = [
        Case("no chain", .malformed) { $0.header["x5c"] = nil },
        Case("empty chain", .chain) { $0.header["x5c"] = [] },
        Case("chain with rubbish", .chain) { $0.header["x5c"] = ["AAAA"] },
        Case("chain in the URL alphabet", .malformed) { $0.header["x5c"] = ["__8"] },
        Case("chain reversed", .chain) { $0.header["x5c"] = .array(($0.header["x5c"]?.arrayOrNil ?? []).reversed()) },
        Case("root missing", .chain) { $0.header["x5c"] = .array(($0.header["x5c"]?.arrayOrNil ?? []).dropLast()) },
        Case("timestamp that is not bytes", .malformed) { $0.header["io.cncf.notary.timestampSignature"] = "?" },
        Case("label in both headers", .malformed) { $0.header["alg"] = "ES256" },
        Case("member that does not belong", .malformed) { $0.extra = ("signatures", []) },
        Case("payload not JSON", .payload) { $0.payload = "x" },
        Case("payload without artifact", .payload) { $0.payload = "{}" },
        Case("payload with a size in floating point", .payload) {
            $0.payload = #"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:00","size":1.0}}"#
        },
        Case("payload with a negative size", .payload) {
            $0.payload = #"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:00","size":-1}}"#
        },
        Case("payload with a number as annotation", .payload) {
            $0.payload = #"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:00","size":1,"annotations":{"a":1}}}"#
        },
        Case("payload with two artifacts", .payload) {
            $0.payload = #"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:00","size":1},"targetArtifact":{}}"#
        },
    ]

    @Test(arguments: attributes + rest)
    func `a JWS that breaks one rule is refused`(_ broken: Case) async throws {
        let bytes = try await envelope(try await SigningFixture(), broken.change)
        let error = #expect(throws: EnvelopeError.self) {
            try UnverifiedEnvelope(parsing: bytes, format: .jws).verified()
        }
        #expect(error?.code == broken.code, "\(error?.reason ?? "")")
    }

    @Test func `the unchanged JWS is the control`() async throws {
        let bytes = try await envelope(try await SigningFixture()) { _ in }
        #expect(throws: Never.self) { try UnverifiedEnvelope(parsing: bytes, format: .jws).verified() }
    }

    private func envelope(_ fixture: SigningFixture, _ change: (inout Parts) -> Void) async throws -> [UInt8] {
        let outer = try JSON(parsing: try await fixture.sign()).object("envelope")
        let protectedHeader = try JSON(parsing: try Base64.decode(outer.string("protected", in: ""), .url))
        var parts = Parts(
            protected: try protectedHeader.object("protected"), header: try outer.object("header", in: ""),
            payload: String(decoding: try Base64.decode(outer.string("payload", in: ""), .url), as: UTF8.self))
        change(&parts)
        let protected = Base64.encode(JSON.object(parts.protected).bytes, .url)
        let payload = Base64.encode(Array(parts.payload.utf8), .url)
        let signature = try await fixture.key.signature(
            over: Array("\(protected).\(payload)".utf8), scheme: .ecdsa(.sha256, .fixed))
        var members: [(String, JSON)] = [
            ("payload", .string(payload)), ("protected", .string(protected)), ("header", .object(parts.header)),
            ("signature", .string(Base64.encode(signature, .url))),
        ]
        if let extra = parts.extra { members.append(extra) }
        return JSON.object(JSONObject(members)).bytes
    }
}

/// COSE messages that are signed by the right key and break one rule each.
@Suite struct COSERulesTests {
    struct Parts {
        var protected: [(CBOR, CBOR)]
        var header: [(CBOR, CBOR)]
        var context = "Signature1"
        var tag: UInt64? = 18
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: EnvelopeError.Code
        let change: @Sendable (inout Parts) -> Void

        init(_ name: String, _ code: EnvelopeError.Code, _ change: @escaping @Sendable (inout Parts) -> Void) {
            testDescription = name
            self.code = code
            self.change = change
        }
    }

    static let cases: [Case] = [
        Case("no tag", .malformed) { $0.tag = nil },
        Case("tag of COSE_Sign", .malformed) { $0.tag = 98 },
        Case("context of another structure", .signature) { $0.context = "Signature" },
        Case("algorithm by name", .malformed) { $0.protected[0].1 = .text("ES256") },
        Case("algorithm RS256", .algorithm) { $0.protected[0].1 = .integer(-257) },
        Case("algorithm in the other header", .malformed) { $0.header.append($0.protected.removeFirst()) },
        Case("label in both headers", .malformed) { $0.header.append($0.protected[0]) },
        Case("unknown critical label", .critical) { $0.protected[1].1 = .array([.text(scheme), .integer(99)]) },
        Case("critical list of bytes", .malformed) { $0.protected[1].1 = .array([.bytes([1])]) },
        Case("time without a tag", .malformed) { $0.protected[3].1 = .integer(1_795_000_000) },
        Case("time with the tag of text", .malformed) { $0.protected[3].1 = .tagged(0, .text("2026-11-18T11:06:40Z")) },
        Case("time beyond all calendars", .malformed) { $0.protected[3].1 = .tagged(1, .integer(.max)) },
        Case("chain of one bare certificate", .malformed) {
            if let first = $0.header[0].1.arrayOrNil?.first { $0.header[0].1 = first }
        },
        Case("signing agent that is no text", .malformed) { $0.header[1].1 = .integer(1) },
    ]

    @Test(arguments: cases)
    func `a COSE message that breaks one rule is refused`(_ broken: Case) async throws {
        let bytes = try await message(try await SigningFixture(), broken.change)
        let error = #expect(throws: EnvelopeError.self) {
            try UnverifiedEnvelope(parsing: bytes, format: .cose).verified()
        }
        #expect(error?.code == broken.code, "\(error?.reason ?? "")")
    }

    @Test func `the unchanged message is the control`() async throws {
        let bytes = try await message(try await SigningFixture()) { _ in }
        #expect(throws: Never.self) { try UnverifiedEnvelope(parsing: bytes, format: .cose).verified() }
    }

    private func message(_ fixture: SigningFixture, _ change: (inout Parts) -> Void) async throws -> [UInt8] {
        guard case .tagged(18, .array(let array)) = try CBOR(parsing: try await fixture.sign(as: .cose)) else {
            return []
        }
        let header = try #require(array[0].bytesOrNil)
        let original = try #require(try CBOR(parsing: header).mapOrNil)
        var parts = Parts(
            protected: original.entries.map { ($0.key, $0.value) },
            header: try #require(array[1].mapOrNil).entries.map { ($0.key, $0.value) })
        change(&parts)
        let protected = CBOR.map(CBORMap(parts.protected)).encoded
        let signed = CBOR.array([.text(parts.context), .bytes(protected), .bytes([]), array[2]]).encoded
        let signature = try await fixture.key.signature(over: signed, scheme: .ecdsa(.sha256, .fixed))
        let message = CBOR.array([.bytes(protected), .map(CBORMap(parts.header)), array[2], .bytes(signature)])
        return parts.tag.map { CBOR.tagged($0, message).encoded } ?? message.encoded
    }
}
