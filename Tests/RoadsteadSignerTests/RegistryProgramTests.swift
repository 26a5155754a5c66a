import Codecs
import Files
import Foundation
import OCI
import PythonEnvironment
import ReleaseCriteria
import TestRegistries
import Testing

@testable import RoadsteadSigner

/// Evidence that a program which we did not write signs and puts into a registry which we did not write.
@Suite(.serialized) struct RegistryProgramTests {
    private static let repository = "team/app"

    /// Signs a statement with securesystemslib, and puts it beside an image with nothing but HTTP, as oras would for a
    /// registry without the referrers API.
    private static let script = """
        import hashlib, json, sys, urllib.request
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import CryptoSigner
        base, subject, payload = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode()
        signer = CryptoSigner.generate_ecdsa()
        envelope = Envelope(payload, "application/vnd.in-toto+json", {})
        envelope.sign(signer)
        layer = json.dumps(envelope.to_dict()).encode()

        def send(method, url, body, kind):
            request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
            return urllib.request.urlopen(request, timeout=20)

        def describe(data, kind):
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            return {"mediaType": kind, "digest": digest, "size": len(data)}

        def blob(data, kind):
            place = send("POST", base + "/blobs/uploads/", b"", "application/octet-stream").headers["Location"]
            where = describe(data, kind)
            send("PUT", place + ("&" if "?" in place else "?") + "digest=" + where["digest"], data, "application/octet-stream")
            return where

        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": kind, "artifactType": "application/vnd.in-toto+json",
            "config": blob(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [blob(layer, "application/vnd.in-toto+json")], "subject": subject}).encode()
        entry = describe(manifest, kind)
        send("PUT", base + "/manifests/" + entry["digest"], manifest, kind)
        index = "application/vnd.oci.image.index.v1+json"
        entry["artifactType"] = "application/vnd.in-toto+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": index, "manifests": [entry]}).encode()
        send("PUT", base + "/manifests/" + subject["digest"].replace(":", "-"), body, index)
        print(json.dumps({"public": signer.public_key.keyval["public"], "manifest": entry["digest"]}))
        """

    @Test func `what securesystemslib signed and Debian's registry keeps lets an image be signed`() async throws {
        guard try await PythonEnvironment.isAvailable() else { return }
        try await Scene.with { scene in
            try await DebianRegistry.run { registry in
                let image = try await Self.pushImage(to: registry)
                let base = "http://\(registry.host)/v2/\(Self.repository)"
                let (status, output) = try PythonEnvironment.start(
                    PythonEnvironment.python.path,
                    ["-c", Self.script, base, image.json.text, Self.statement(about: image.digest, scene).text])
                try #require(status == 0, "\(output)")
                let made = try JSON(parsing: output).object("answer")
                let publicKey = try made.string("public", in: "answer")
                try Files.write(Array(publicKey.utf8), to: scene.directory + "/builder.pub")
                var criteria = Scene.provenance.objectOrNil ?? JSONObject()
                criteria["scopes"] = [.string("\(registry.host)/team")]
                let path = try scene.write(
                    scene.configuration(
                        criteria: .object(criteria), registries: [registry.host: ["plainLoopback": true]]))
                try await SignerProcess.with(path) { signer in
                    try await signer.wait()
                    let name = "\(registry.host)/\(Self.repository):1.0"
                    func sign(_ more: String...) throws -> (status: Int32, output: String) {
                        try Self.roadstead(
                            ["sign", "--key", "roadstead://127.0.0.1:\(signer.port)/release", "--insecure-registry"]
                                + more + [name], scene)
                    }
                    let without = try sign()
                    #expect(without.status != 0)
                    #expect(without.output.contains("provenance.attesters"))
                    let with = try sign("--evidence-from-registry", "--explain")
                    #expect(with.status == 0, "\(with.output)")
                    let manifest = try made.string("manifest", in: "answer")
                    let origin = "counted: \(registry.host)/\(Self.repository)@\(manifest): \(Provenance.versionOne)"
                    #expect(with.output.contains(origin), "\(with.output)")
                }
            }
        }
    }

    private static func pushImage(to registry: DebianRegistry) async throws -> Descriptor {
        let config = Array("{}".utf8)
        try await registry.push(blob: config, to: repository)
        let manifest = Manifest(config: Descriptor(of: config, mediaType: MediaType.emptyJSON), layers: []).bytes
        try await registry.push(manifest: manifest, type: MediaType.imageManifest, as: "1.0", to: repository)
        return Descriptor(of: manifest, mediaType: MediaType.imageManifest)
    }

    private static func statement(about digest: Digest, _ scene: Scene) -> JSON {
        [
            "_type": "https://in-toto.io/Statement/v1", "predicateType": .string(Provenance.versionOne),
            "subject": [["name": "app", "digest": ["sha256": .string(digest.hex)]]],
            "predicate": scene.provenancePredicate(),
        ]
    }

    private static func roadstead(_ arguments: [String], _ scene: Scene) throws -> (status: Int32, output: String) {
        let token = scene.directory + "/token"
        try Files.write(Array(Scene.token.utf8), to: token, mode: 0o600)
        return try PythonEnvironment.start(
            SignerProcess.products + "/roadstead", arguments,
            environment: [
                "ROADSTEAD_SIGNER_TOKEN_FILE": token, "ROADSTEAD_SIGNER_PLAIN_LOOPBACK": "1",
                "DOCKER_CONFIG": scene.directory,
            ])
    }
}
