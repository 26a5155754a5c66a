import Files
import Foundation
import OCI
import TestRegistries
import Testing

/// A folder with a CA, a key, a trust policy and Docker's configuration file.
struct SigningPlace {
    let folder: String

    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    static func with(_ body: (SigningPlace) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sign.\(UUID().uuidString)").path
        try Files.createDirectory(folder)
        defer { try? Files.removeTree(folder) }
        let place = SigningPlace(folder: folder)
        let made = try await place.run(
            """
            set -e
            roadstead ca init --subject 'C=US, ST=WA, O=Acme, CN=Acme root' --out ca --allow-plaintext-key
            roadstead ca issue --ca ca --subject 'C=US, ST=WA, O=Acme, CN=CI' --out ci --allow-plaintext-key
            mkdir -p config/truststore/x509/ca/acme docker && cp ca/ca.crt config/truststore/x509/ca/acme/
            """)
        try #require(made.status == 0, "\(made.errors)")
        try await body(place)
    }

    func write(_ name: String, _ text: String) throws { try Files.write(Array(text.utf8), to: "\(folder)/\(name)") }

    /// A policy that wants this root for images of a registry's repository.
    func trust(_ scope: String) throws {
        try write(
            "config/trustpolicy.json",
            #"{"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["\#(scope)"],"signatureVerification":{"level":"strict"},"trustStores":["ca:acme"],"trustedIdentities":["x509.subject: C=US, ST=WA, O=Acme"]}]}"#
        )
    }

    static let key = "--key file:ci/signing.key --allow-plaintext-key --certificate-chain ci/chain.pem"

    func run(_ script: String) async throws -> Outcome {
        let programs = Bundle.main.bundleURL.path
        let (folder, text) = (
            folder, "export PATH='\(programs)':\"$PATH\" DOCKER_CONFIG=docker; cd '\(folder)'\n\(script)"
        )
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Self.runNow(text, in: folder) })
            }
        }
    }

    /// Output goes to files, so that no pipe fills while the other is read.
    private static func runNow(_ script: String, in folder: String) throws -> Outcome {
        let name = "\(folder)/.\(UUID().uuidString)"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [
            "120", "/usr/bin/setsid", "-w", "/bin/sh", "-c", "{ \(script)\n} >\(name).out 2>\(name).err",
        ]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let text: (String) throws -> String = {
            String(decoding: try Files.read(name + $0, limit: 1 << 20), as: UTF8.self)
        }
        return Outcome(status: process.terminationStatus, output: try text(".out"), errors: try text(".err"))
    }
}

/// An index with two platforms and an attestation, as builders make it.
struct SampleImage {
    let config = Array("{}".utf8)
    let manifests: [[UInt8]]
    let index: [UInt8]

    init() {
        manifests = ["amd64", "arm64", "attestation"].map { name in
            Manifest(
                config: Descriptor(of: Array("{}".utf8), mediaType: MediaType.emptyJSON), layers: [],
                annotations: ["name": name]
            ).bytes
        }
        index =
            manifests.reduce(Index()) {
                $0.appending(Descriptor(of: $1, mediaType: MediaType.imageManifest))
            }.bytes
    }

    var digests: [Digest] { (manifests + [index]).map { Digest(of: $0) } }

    func push(to registry: DebianRegistry, _ repository: String) async throws {
        try await registry.push(blob: config, to: repository)
        for manifest in manifests {
            try await registry.push(
                manifest: manifest, type: MediaType.imageManifest, as: "\(Digest(of: manifest))", to: repository)
        }
        try await registry.push(manifest: index, type: MediaType.imageIndex, as: "1.0", to: repository)
    }
}
