import Foundation
import OCI
import Synchronization
import TestVectors

/// A folder in which the program itself has made a CA, a signing key, an image layout and a Notation configuration.
struct CommandFixture: Sendable {
    /// A folder with a copy of the program and nothing beside it.
    let programs: String
    let folder: URL
    let digest: String

    /// The folder of the programs that were built with the tests.
    static let programs = Bundle.main.bundleURL.path

    private static let manifest =
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#
    private static let policy =
        #"{"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["local/app"],"signatureVerification":{"level":"strict"},"trustStores":["ca:acme"],"trustedIdentities":["x509.subject: C=US, ST=WA, O=Acme"]}]}"#

    /// Made once and copied for every test.
    private static let original = Task { () async throws -> CommandFixture in
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roadstead-cli-\(UUID().uuidString)")
        atexit { removeOriginal() }
        removal.withLock { $0 = folder }
        let bin = programsFolder(beside: folder)
        try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: programs + "/roadstead", toPath: bin.appendingPathComponent("roadstead").path)
        let fixture = CommandFixture(
            programs: bin.path, folder: folder, digest: Digest(of: Array(manifest.utf8)).description)
        try fixture.fill()
        return fixture
    }

    /// A copy of the fixture for one test, removed afterwards.
    static func with<R>(_ body: (CommandFixture) async throws -> R) async throws -> R {
        let original = try await original.value
        return try await TestVectors.withTemporaryFolder { parent in
            let copy = parent.appendingPathComponent("work")
            try FileManager.default.copyItem(at: original.folder, to: copy)
            return try await body(CommandFixture(programs: original.programs, folder: copy, digest: original.digest))
        }
    }

    private static func programsFolder(beside folder: URL) -> URL {
        folder.deletingLastPathComponent().appendingPathComponent(folder.lastPathComponent + "-bin")
    }

    private func fill() throws {
        let hex = digest.dropFirst("sha256:".count)
        try write("layout/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
        try write("layout/blobs/sha256/\(hex)", Self.manifest)
        try write(
            "layout/index.json",
            #"{"schemaVersion":2,"manifests":[{"mediaType":"\#(MediaType.imageManifest)","digest":"\#(digest)","size":\#(Self.manifest.utf8.count)}]}"#
        )
        try write("config/trustpolicy.json", Self.policy)
        try write("pass", "correct horse\n")
        try write("wrong-pass", "battery staple\n")
        let script = """
            set -e
            chmod 600 pass wrong-pass
            roadstead ca init --subject 'C=US, ST=WA, O=Acme, CN=Acme root' --out ca --passphrase-file pass
            roadstead ca issue --ca ca --subject 'C=US, ST=WA, O=Acme, CN=CI' --out ci --passphrase-file pass
            roadstead ca issue --ca ca --subject 'C=US, ST=WA, O=Acme, CN=Plain' --out plain --ca-passphrase-file pass --allow-plaintext-key
            mkdir -p config/truststore/x509/ca/acme && cp ca/ca.crt config/truststore/x509/ca/acme/
            """
        let outcome = try run(script)
        guard outcome.status == 0 else { throw Unprepared(text: outcome.text) }
    }

    struct Unprepared: Error { let text: String }

    private func write(_ name: String, _ text: String) throws {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Runs shell words in the folder, the built programs first in the path, without a terminal.
    func run(_ script: String) throws -> TestVectors.Outcome {
        let head = "cd '\(folder.path)' && export PATH='\(programs)':\"$PATH\" SWIFT_BACKTRACE=enable=no && "
        return try TestVectors.outcome("/usr/bin/setsid", ["-w", "/bin/sh", "-c", head + "\n" + script])
    }
}
