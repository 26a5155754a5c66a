import Codecs
import Foundation
import OCI
import TestVectors
import Testing

@testable import RoadsteadCommand
@testable import TrustModel

/// The corpus of signatures made with the real notation, judged as the Notary Project specification asks.
@Suite struct CorpusTests {
    private static let families = [
        "valid", "tamper", "identity", "expiry", "store", "policy", "metadata", "descriptor", "payload", "alg",
        "authority",
        "cert", "chain", "crit", "form", "header", "multi", "signature", "unprotected",
    ]

    /// Cases whose right verdict needs what is not built yet, with what it is.
    private static let exceptions = [
        "revocation-cache-still-valid-hides-newer-revocation": "revocation lists are not read yet",
        "revocation-ocsp-good-jws": "OCSP is not asked yet",
        "timestamp-jws-revoked-invalidity-date-after-timestamp": "revocation lists are not read yet",
    ]

    private struct Case {
        let name, directory: String
        let isBlob, passes: Bool
        let metadata: [String]

        init(_ directory: URL) throws {
            let bytes = [UInt8](try Data(contentsOf: directory.appendingPathComponent("expected.json")))
            let json = try JSON(parsing: bytes).object("expected.json")
            name = try json.string("case", in: "")
            self.directory = directory.path
            isBlob = try json.string("kind", in: "") == "blob"
            passes = try json.string("expect", in: "") == "pass"
            metadata = try json.array("args", in: "").map { try $0.string("args") }
        }

        var family: String { String(name.prefix { $0 != "-" }) }

        var digest: String {
            get throws {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: directory + "/descriptor.json"))
                return try JSON(parsing: [UInt8](bytes)).object("").string("digest", in: "")
            }
        }
    }

    private func withCorpus(_ body: ([Case]) async throws -> Void) async throws {
        guard let tarball = TestVectors.file("notation/corpus.tar.gz") else { return }
        try await TestVectors.withTemporaryFolder { folder in
            _ = try TestVectors.run("/bin/tar", ["-xzf", tarball, "-C", folder.path])
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            let cases = try names.filter { $0 != "_pki" && $0 != "index.json" }
                .map { try Case(folder.appendingPathComponent($0)) }
            try #require(cases.count == 150)
            try await body(cases)
        }
    }

    @Test func `every case of an image that needs no revocation agrees`() async throws {
        try await withCorpus { cases in
            var agreed = 0
            for item in cases where !item.isBlob {
                let accepted = isAccepted(item)
                if accepted == item.passes { agreed += 1 }
                guard let reason = Self.exceptions[item.name] else {
                    #expect(accepted == item.passes, "\(item.name)")
                    continue
                }
                print("EXCEPTED: \(item.name): \(reason)")
                #expect(!accepted, "\(item.name) passes without the check that it needs")
            }
            print("CORPUS: \(agreed) of \(cases.count) cases agree; \(cases.filter(\.isBlob).count) are of blobs")
            #expect(agreed == cases.filter { !$0.isBlob }.count - Self.exceptions.count)
            let required = cases.filter { Self.families.contains($0.family) }
            #expect(required.allSatisfy { Self.exceptions[$0.name] == nil } && required.count == 110)
        }
    }

    @Test func `the timestamp of a signature is shown as its token says`() async throws {
        let expected = [
            "timestamp-jws-crafted-control": "2026-11-22T10:38:31Z", "timestamp-cose-tampered-token": "TSA Unit",
            "timestamp-jws-sha512-imprint": "not verified here",
        ]
        try await withCorpus { cases in
            for item in cases {
                guard let words = expected[item.name] else { continue }
                let outcome = try TestVectors.outcome(
                    CommandFixture.programs + "/roadstead",
                    ["inspect", "--oci-layout", "\(item.directory)/layout@\(item.digest)"])
                let output = String(decoding: outcome.output, as: UTF8.self)
                #expect(outcome.status == 0 && output.contains(words), "\(item.name): \(output)")
            }
        }
    }

    @Test func `every case of a blob agrees`() async throws {
        try await withCorpus { cases in
            let blobs = cases.filter(\.isBlob)
            #expect(blobs.count == 11)
            for item in blobs {
                let blob = item.directory + "/blob.bin"
                let outcome = try TestVectors.outcome(
                    CommandFixture.programs + "/roadstead",
                    ["blob", "verify", "--config", item.directory + "/config"] + item.metadata + [blob])
                #expect((outcome.status == 0) == item.passes, "\(item.name): \(outcome.text)")
                #expect([0, 1].contains(outcome.status), "\(item.name): \(outcome.text)")
            }
        }
    }

    /// What the program decides, without the program: a policy that cannot be used rejects.
    private func isAccepted(_ item: Case) -> Bool {
        do {
            let layout = try Layout(LayoutDirectory("\(item.directory)/layout"))
            let artifact = try layout.resolve(try Digest(item.digest))
            let configuration = NotationConfiguration(item.directory + "/config")
            guard let statement = try configuration.trustPolicy().statement(for: "local/app") else { return false }
            var metadata: [String: String] = [:]
            for pair in item.metadata where pair != "-m" {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                metadata[parts[0]] = parts[1]
            }
            return ArtifactVerifier(
                policy: statement.policy(load: configuration.trustStore), now: Console.current.now
            ).verify(
                artifact, signatures: try layout.signatures(of: artifact), metadata: metadata
            ) { (try layout.envelope(of: $0), try $0.envelope.mediaType) }.isAccepted
        } catch {
            return false
        }
    }

    @Test func `the program decides as the library does`() async throws {
        let sample = [
            "valid-jws-EC-521", "valid-cose-RSA-4096", "valid-jws-notation2-oci11", "tamper-cose-protected",
            "identity-jws-mismatch-ou", "expiry-jws-past-strict", "store-symlinked-cert",
            "store-symlinked-truststore-dir",
            "policy-duplicate-scope", "policy-symlinked-file", "metadata-cose-required-and-present",
            "metadata-jws-required-wrong-value", "descriptor-jws-wrong-size", "payload-cose-not-json", "signature-none",
        ]
        try await withCorpus { cases in
            for item in cases where sample.contains(item.name) {
                let outcome = try TestVectors.outcome(
                    CommandFixture.programs + "/roadstead",
                    [
                        "verify", "--oci-layout", "\(item.directory)/layout@\(item.digest)", "--scope", "local/app",
                        "--config", item.directory + "/config",
                    ] + item.metadata)
                #expect((outcome.status == 0) == item.passes, "\(item.name): \(outcome.text)")
                #expect([0, 1, 3].contains(outcome.status), "\(item.name)")
            }
        }
    }
}
