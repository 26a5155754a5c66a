import Files
import Foundation
import PKI
import SigningKeys
import Testing

@testable import RoadsteadSigner

/// The configuration that operators begin with.
@Suite struct ExampleTests {
    @Test func `the example can be used as it stands, beside the files that it names`() async throws {
        try await Scene.with { scene in
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let example = try Files.read(root.path + "/deploy/examples/signer.json", limit: 1 << 20)
            let path = scene.directory + "/example.json"
            try Files.write(example, to: path)
            for name in ["scanner", "forge", "bob"] {
                let key = try PrivateKey.generate(.ed25519)
                try Files.write(Array(key.publicKey.pem.utf8), to: "\(scene.directory)/\(name).pub")
            }
            try Files.write(Array("{}".utf8), to: scene.directory + "/docker-config.json", mode: 0o600)
            try Files.write(Array(scene.chain[1].pem.utf8), to: scene.directory + "/registry-ca.crt")
            let configuration = try SignerConfiguration(path: path)
            #expect(configuration.keys.map(\.name) == ["release", "timestamp"])
            #expect(configuration.registries.map(\.registry) == ["registry.example.com"])
            #expect(configuration.callers.names == ["ci", "release-bot", "workflow"])
        }
    }
}
