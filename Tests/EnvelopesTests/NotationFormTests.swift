import Codecs
import Foundation
import PKI
import SigningKeys
import TestSigning
import TestVectors
import Testing
import TimestampAuthority

@testable import Envelopes

/// Our envelopes beside those that notation itself wrote: what stands where is the same, only the values differ.
@Suite struct `The form of envelopes` {
    @Test func `every envelope that notation made has the form of ours`() async throws {
        guard let tarball = TestVectors.file("notation/corpus.tar.gz") else { return }
        try await TestVectors.withTemporaryFolder { folder in
            _ = try TestVectors.run("/bin/tar", ["-xzf", tarball, "-C", folder.path])
            var compared: [String] = []
            var signers = Signers()
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
                let directory = folder.appendingPathComponent(name)
                guard isWhole(name), try madeByNotation(directory) else { continue }
                for format in EnvelopeFormat.allCases {
                    guard let data = try? Data(contentsOf: directory.appendingPathComponent("envelope.\(format)"))
                    else { continue }
                    let theirs = [UInt8](data)
                    let ours = try await counterpart(of: theirs, format, &signers)
                    #expect(try skeleton(of: ours, format) == skeleton(of: theirs, format), "\(name)")
                    compared.append(name)
                }
            }
            #expect(compared.count >= 30, "\(compared)")
            for family in ["valid", "blob", "metadata", "timestamp"] {
                #expect(compared.contains { $0.hasPrefix(family) }, "\(family)")
            }
        }
    }

    /// One signer for each type of key: large keys take long to make.
    private struct Signers {
        private var made: [KeyType: SigningFixture] = [:]

        mutating func signer(_ type: KeyType) async throws -> SigningFixture {
            if let fixture = made[type] { return fixture }
            let fixture = try await SigningFixture(type)
            made[type] = fixture
            return fixture
        }
    }

    /// Envelopes as notation left them; nothing was done to these afterwards.
    private func isWhole(_ name: String) -> Bool {
        ["valid-", "blob-", "metadata-", "timestamp-", "identity-", "store-"].contains { name.hasPrefix($0) }
            && !name.contains("tampered-token")
    }

    private func madeByNotation(_ directory: URL) throws -> Bool {
        let data = try Data(contentsOf: directory.appendingPathComponent("expected.json"))
        let maker = try JSON(parsing: [UInt8](data)).object("")["made_by"]?.stringOrNil
        return maker?.hasPrefix("notation") == true
    }

    /// An envelope of our own with a key of the same type over the same artifact.
    private func counterpart(
        of bytes: [UInt8], _ format: EnvelopeFormat, _ signers: inout Signers
    ) async throws -> [UInt8] {
        let theirs = try UnverifiedEnvelope(parsing: bytes, format: format)
        let fixture = try await signers.signer(theirs.algorithm.keyType)
        let authority = try await TimestampAuthority(from: SigningFixture.now.adding(days: -1))
        return try await EnvelopeWriter(
            format: format, signingAgent: "test/1", scheme: theirs.attributes.scheme,
            timestamps: theirs.timestampSignature == nil ? nil : AuthorityAtHand(authority, at: SigningFixture.now)
        ).sign(
            try TargetArtifact(payload: theirs.payload), chain: fixture.chain, signer: fixture.key,
            at: SigningFixture.now, expiry: theirs.attributes.expiry.map { _ in SigningFixture.now.adding(days: 1) })
    }

    // MARK: Skeletons

    private func skeleton(of bytes: [UInt8], _ format: EnvelopeFormat) throws -> String {
        format == .jws ? try jws(bytes) : try cose(bytes)
    }

    private func jws(_ bytes: [UInt8]) throws -> String {
        let outer = try JSON(parsing: bytes).object("")
        let header = try outer.object("header", in: "")
        var protected = String(decoding: try Base64.decode(outer.string("protected", in: ""), .url), as: UTF8.self)
        protected.replace(/\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/, with: "TIME")
        let payload = String(decoding: try Base64.decode(outer.string("payload", in: ""), .url), as: UTF8.self)
        let signature = try Base64.decode(outer.string("signature", in: ""), .url)
        _ = try header.array("x5c", in: "").map { try Base64.decode(try $0.string("")) }
        return "\(outer.names) \(header.names) \(protected) \(payload) \(signature.count)"
    }

    private func cose(_ bytes: [UInt8]) throws -> String {
        guard case .tagged(18, .array(let parts)) = try CBOR(parsing: bytes), parts.count == 4,
            let protected = parts[0].bytesOrNil, let header = parts[1].mapOrNil,
            let payload = parts[2].bytesOrNil, let signature = parts[3].bytesOrNil
        else { throw Malformed() }
        let entries = try #require(try CBOR(parsing: protected).mapOrNil).entries.map { key, value in
            if case .tagged(let tag, .integer) = value { return "\(key): tag \(tag)" }
            return "\(key): \(value)"
        }
        let names = header.entries.map { "\($0.key): \($0.value.kind)" }
        return "\(entries) \(names) \(String(decoding: payload, as: UTF8.self)) \(signature.count)"
    }

    private struct Malformed: Error {}
}
