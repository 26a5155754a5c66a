import Codecs
import Files
import PKI
import SigningKeys
import Testing

@testable import RoadsteadSigner

/// What the check of a configuration finds before the service is started with it.
@Suite struct ConfigurationTests {
    private func check(_ configuration: JSON, in scene: Scene) throws {
        try SignerConfiguration(path: try scene.write(configuration)).checkFiles()
    }

    private func raw(_ members: [(String, JSON)]) -> JSON {
        let base: [(String, JSON)] = [
            ("uri", "file:raw.key"), ("usage", "raw"), ("callers", ["ci"]), ("formats", ["tuf"]),
            ("criteria", ["unrestricted": true]),
        ]
        return .object(JSONObject(base + members))
    }

    @Test func `files that are named and cannot be used are found`() async throws {
        try await Scene.with { scene in
            try check(scene.configuration(), in: scene)
            for member in ["certificates", "passphraseFile", "pinFile"] {
                let key = raw([(member, "absent")])
                #expect(throws: SignerError(.configuration, "")) {
                    try check(scene.configuration(keys: [("raw", key)]), in: scene)
                }
            }
            try Files.write(Array("987654".utf8), to: scene.directory + "/open", mode: 0o644)
            #expect(throws: SignerError(.configuration, "")) {
                try check(scene.configuration(keys: [("raw", raw([("pinFile", "open")]))]), in: scene)
            }
            let listen: JSON = ["host": "127.0.0.1", "port": 0, "certificate": "absent.crt", "key": "absent.key"]
            #expect(throws: SignerError(.configuration, "")) {
                try check(scene.configuration(listen: listen), in: scene)
            }
        }
    }

    @Test func `what others may write is not believed`() async throws {
        try await Scene.with { scene in
            for file in ["builder.pub", "signer.json"] {
                let path = try scene.write(scene.configuration())
                let bytes = try Files.read(scene.directory + "/" + file, limit: 1 << 20)
                try Files.write(bytes, to: scene.directory + "/" + file, mode: 0o666)
                #expect(throws: FileError(.exposed, "")) { _ = try SignerConfiguration(path: path) }
                try Files.write(bytes, to: scene.directory + "/" + file, mode: 0o644)
                _ = try SignerConfiguration(path: path)
            }
        }
    }

    @Test func `two attesters that are known by the same are refused`() async throws {
        try await Scene.with { scene in
            func check(_ second: JSON) throws {
                var configuration = try scene.configuration().object("it")
                configuration["attesters"] = [
                    "builder": ["publicKey": "builder.pub"], "ann": ["publicKey": "ann.pub"],
                    "one": ["certificates": "release.crt", "subject": "CN=A,O=Acme,ST=WA,C=US"], "two": second,
                ]
                _ = try SignerConfiguration(path: try scene.write(.object(configuration)))
            }
            try check(["certificates": "release.crt", "subject": "CN=B,O=Acme,ST=WA,C=US"])
            #expect(throws: SignerError(.configuration, "")) {
                try check(["certificates": "release.crt", "subject": "CN=A,O=Acme,ST=WA,C=US"])
            }
            #expect(throws: SignerError(.configuration, "")) { try check(["publicKey": "ann.pub"]) }
        }
    }

    @Test func `one credential is one caller's`() async throws {
        try await Scene.with { scene in
            let (one, two) = (String(repeating: "0", count: 64), String(repeating: "1", count: 64))
            func check(_ second: String) throws {
                let callers: JSON = ["ci": ["tokenSHA256": .string(one)], "other": ["tokenSHA256": .string(second)]]
                _ = try SignerConfiguration(path: try scene.write(scene.configuration(callers: callers)))
            }
            try check(two)
            #expect(throws: SignerError(.configuration, "")) { try check(one) }
        }
    }
}
