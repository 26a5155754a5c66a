import Codecs
import Files
import Foundation
import OCI
import PythonEnvironment
import ReleaseCriteria
import RoadsteadCommand
import SigningKeys
import SoftHSM
import Testing

@testable import RoadsteadSigner

/// People approve signatures with keys of their own, and the service counts people.
@Suite(.serialized) struct ApprovalProgramTests {
    private static func roadstead(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String) {
        try PythonEnvironment.start(SignerProcess.products + "/roadstead", arguments, environment: environment)
    }

    /// An index with one manifest, in a layout.
    private static func layout(in directory: String) throws -> Digest {
        try Files.createDirectory(directory)
        try Files.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: directory + "/oci-layout")
        let config = Array("{}".utf8)
        let manifest = Manifest(config: Descriptor(of: config, mediaType: MediaType.emptyJSON), layers: []).bytes
        let image = Descriptor(of: manifest, mediaType: MediaType.imageManifest)
        let index = Index().appending(image).bytes
        let store = LayoutDirectory(directory)
        try store.write(manifest, as: image.digest)
        try store.write(index, as: Digest(of: index))
        try Files.write(
            Index().appending(Descriptor(of: index, mediaType: MediaType.imageIndex)).bytes,
            to: directory + "/index.json")
        return Digest(of: index)
    }

    @Test func `two people approve, one with a key on a token, and an index and its manifest are signed once`()
        async throws
    {
        try await Scene.with { scene in
            try await SoftHSM.withToken { softHSM in
                try softHSM.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--label", "bob", "--usage-sign",
                ])
                let folder = scene.directory
                let image = "\(folder)/layout@\(try Self.layout(in: folder + "/layout"))"
                let token = [
                    "pkcs11:token=roadstead;object=bob", "--pkcs11-module", SoftHSM.module, "--pin-file",
                    softHSM.pinFile,
                ]
                let inspected = try Self.roadstead(
                    ["key", "inspect", "--output", "pem"] + token, softHSM.environment)
                try #require(inspected.status == 0, "\(inspected.output)")
                try Files.write(Array(inspected.output.utf8), to: folder + "/bob.pub")
                try Files.write(Array(try scene.person.plaintextPEM.utf8), to: folder + "/ann.key", mode: 0o600)
                func approve(_ name: String, _ key: [String]) throws {
                    let made = try Self.roadstead(
                        ["signature", "approve", "--for", "release", "--out", "\(folder)/\(name).dsse", "--oci-layout"]
                            + [image, "--key"] + key, softHSM.environment)
                    try #require(made.status == 0, "\(made.output)")
                    #expect(made.output.split(separator: "\n").count { $0.contains("may be signed") } == 2)
                }
                try approve("ann", ["file:\(folder)/ann.key", "--allow-plaintext-key"])
                try await Task.sleep(for: .milliseconds(1_100))
                try approve("ann-again", ["file:\(folder)/ann.key", "--allow-plaintext-key"])
                try approve("bob", token)
                let criteria: JSON = ["approvals": ["people": ["ann", "bob"], "threshold": 2]]
                let path = try scene.write(
                    scene.configuration(criteria: criteria, attesters: [("bob", ["publicKey": "bob.pub"])]))
                try await SignerProcess.with(path) { signer in
                    try await signer.wait()
                    try Files.write(Array(Scene.token.utf8), to: folder + "/token", mode: 0o600)
                    func sign(_ evidence: [String]) throws -> (status: Int32, output: String) {
                        let key = "roadstead://127.0.0.1:\(signer.port)/release"
                        return try Self.roadstead(
                            ["sign", "--key", key, "--explain", "--oci-layout", image]
                                + evidence.flatMap { ["--evidence", "\(folder)/\($0).dsse"] },
                            ["ROADSTEAD_SIGNER_TOKEN_FILE": folder + "/token", "ROADSTEAD_SIGNER_PLAIN_LOOPBACK": "1"])
                    }
                    for evidence in [["ann"], ["bob"], ["ann", "ann-again"]] {
                        let refused = try sign(evidence)
                        #expect(refused.status != 0)
                        #expect(refused.output.contains("NOT HELD approvals"), "\(refused.output)")
                    }
                    let signed = try sign(["ann", "bob"])
                    #expect(signed.status == 0, "\(signed.output)")
                    let again = try sign(["ann", "bob"])
                    #expect(again.status != 0)
                    #expect(again.output.contains("others were used before"), "\(again.output)")
                }
            }
        }
    }

    @Test func `an approval is for a digest, and not for long`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("approve.\(UUID().uuidString)").path
        defer { try? Files.removeTree(folder) }
        let image = "\(folder)@\(try Self.layout(in: folder))"
        let command = ["signature", "approve", "--key", "file:\(folder)/absent.key"]
        let tag = try Self.roadstead(command + ["--for", "release", "registry.example.com/team/app:1.0"])
        #expect(tag.status == 2)
        #expect(tag.output.contains("@sha256:"))
        for wrong in [["--for", "release", "--expiry", "31d"], ["--for", "host/release"], ["--for", ""]] {
            #expect(try Self.roadstead(command + wrong + ["--oci-layout", image]).status == 2, "\(wrong)")
        }
    }
}
