import Codecs
import Envelopes
import Files
import PKI
import ReleaseCriteria
import SigningKeys
import Testing

@testable import RoadsteadSigner

/// What raw keys sign, and that nothing of it can be taken for a Notary signature.
@Suite struct RawFormatTests {
    static let timestamp = Array(
        #"{"_type":"timestamp","expires":"2030-01-01T00:00:00Z","spec_version":"1.0.31","version":1}"#.utf8)

    private static func dsse(_ type: String, _ payload: String) -> [UInt8] {
        DSSEEnvelope(payloadType: type, payload: Array(payload.utf8), signatures: []).signedBytes
    }

    @Test(arguments: ["root", "timestamp", "snapshot", "targets"])
    func `metadata of every role is TUF, in its canonical form only`(_ role: String) throws {
        let text =
            #"{"_type":"\#(role)","expires":"2030-01-01T00:00:00Z","pem":"a\nb","spec_version":"1.0.31","version":1}"#
        let canonical = try JSON(parsing: text).canonicalBytes()
        #expect(canonical.contains(0x0A))
        #expect(RawFormat.tuf.fits(canonical))
        #expect(!RawFormat.tuf.fits(Array(text.utf8)))
        #expect(!RawFormat.tuf.fits(canonical + [0x20]))
        #expect(!RawFormat.tuf.fits(try JSON(parsing: text.replacing(role, with: "mirrors")).canonicalBytes()))
        for member in ["expires", "spec_version", "version"] {
            #expect(!RawFormat.tuf.fits(try JSON(parsing: text.replacing(member, with: "other")).canonicalBytes()))
        }
    }

    @Test func `an envelope is told by its type and its lengths`() throws {
        let format = try #require(RawFormat("dsse:application/vnd.in-toto+json"))
        let message = Self.dsse("application/vnd.in-toto+json", "{}")
        #expect(format.fits(message))
        #expect(!format.fits(message + [0x20]))
        #expect(!format.fits(Array(message.dropLast())))
        #expect(!format.fits(Self.dsse("application/json", "{}")))
        #expect(!format.fits(Self.timestamp))
        #expect(!RawFormat.tuf.fits(message))
    }

    @Test(arguments: ["", "raw", "dsse:", "dsse:a b", "TUF", "dsse:" + String(repeating: "a", count: 200)])
    func `a format that says nothing is none`(_ text: String) {
        #expect(RawFormat(text) == nil)
    }

    /// What a reader of envelopes takes and our own writer never writes: the ways round a list of what is forbidden.
    private func lax(_ scene: Scene) async throws -> [[UInt8]] {
        let input = try await scene.toBeSigned(as: .jws)
        let parts = String(decoding: input, as: UTF8.self).split(separator: ".").map(String.init)
        let header = String(decoding: try Base64.decode(parts[0], .url), as: UTF8.self)
        func text(_ header: String) -> [UInt8] {
            Array((Base64.encode(Array(header.utf8), .url) + "." + parts[1]).utf8)
        }
        let cose = try await scene.toBeSigned(as: .cose)
        return [
            input, cose, text(header.replacing("{", with: #"{"x":"y","#, maxReplacements: 1)), text(header + " "),
            text("{}"), [0x85] + cose.dropFirst(), cose + [0],
        ]
    }

    @Test func `no format fits what a Notary signature is over, however it is written`() async throws {
        try await Scene.with { scene in
            let formats = [RawFormat.tuf, .dsse(payloadType: "application/vnd.cncf.notary.payload.v1+json")]
            for message in try await lax(scene) {
                #expect(!KeyChallenge.isOne(message))
                for format in formats { #expect(!format.fits(message)) }
            }
        }
    }

    @Test func `a challenge is signed by every raw key, and is one whole text`() {
        let challenge = KeyChallenge.fresh()
        #expect(KeyChallenge.isOne(challenge))
        #expect(challenge != KeyChallenge.fresh())
        #expect(!KeyChallenge.isOne(challenge + [0x20]))
        #expect(!KeyChallenge.isOne(Array(challenge.dropFirst())))
    }
}

/// What keys are opened for the service, and which are not.
@Suite struct KeyOpenerTests {
    private func settings(
        _ scene: Scene, _ file: String, usage: SigningUsage, certificates: String? = nil
    ) -> KeySettings {
        KeySettings(
            uri: "file:\(scene.directory)/\(file)", usage: usage, callers: ["ci"], certificates: certificates,
            passphraseFile: nil, pinFile: nil, module: nil, allowPlaintextKey: true, queue: 8, scheme: "notary.x509",
            formats: usage == .raw ? [.tuf] : [])
    }

    private func opener(_ scene: Scene) -> KeyOpener {
        KeyOpener(policy: SigningPolicy(allowsPlaintext: true), deadline: .seconds(5), state: scene.directory)
    }

    @Test func `one key has one name, whatever file it lies in`() async throws {
        try await Scene.with { scene in
            let opener = opener(scene)
            let chain = scene.directory + "/release.crt"
            let key = try Files.read(scene.directory + "/release.key", limit: 10_000)
            try Files.write(key, to: scene.directory + "/copy.key", mode: 0o600)
            let release = settings(scene, "release.key", usage: .notation, certificates: chain)
            _ = try await opener.open("release", release)
            _ = try await opener.open("release", release)
            await #expect(throws: SignerError(.configuration, "")) {
                _ = try await opener.open("other", settings(scene, "copy.key", usage: .notation, certificates: chain))
            }
            await #expect(throws: SignerError(.configuration, "")) {
                _ = try await opener.open("blob", settings(scene, "copy.key", usage: .raw))
            }
        }
    }

    @Test func `a key whose certificate signs artifacts is no raw key`() async throws {
        try await Scene.with { scene in
            let raw = settings(scene, "release.key", usage: .raw, certificates: scene.directory + "/release.crt")
            await #expect(throws: SignerError(.configuration, "")) { _ = try await opener(scene).open("blob", raw) }
        }
    }

    static let refused: [(String, JSON)] = [
        ("formats", .null), ("formats", []), ("formats", ["jws"]), ("uri", "pkcs11:token=a;object=b"),
        ("uri", "roadstead://127.0.0.1/other"), ("uri", "elsewhere:a"), ("uri", "file:release.key"),
        ("usage", "notation"),
    ]

    @Test(arguments: refused.indices)
    func `keys that cannot be opened or bound are refused with the configuration`(_ index: Int) async throws {
        try await Scene.with { scene in
            func check(_ change: (inout JSONObject) -> Void) throws {
                var key = JSONObject([
                    ("uri", "file:raw.key"), ("usage", "raw"), ("callers", ["ci"]), ("formats", ["tuf"]),
                    ("allowPlaintextKey", true), ("criteria", ["unrestricted": true]),
                ])
                change(&key)
                _ = try SignerConfiguration(path: try scene.write(scene.configuration(keys: [("raw", .object(key))])))
            }
            try check { _ in }
            let (member, value) = Self.refused[index]
            #expect(throws: SignerError(.configuration, "")) {
                try check { $0[member] = value == .null ? nil : value }
            }
        }
    }
}
