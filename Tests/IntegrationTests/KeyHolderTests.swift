import Foundation
import KeyServices
import PythonEnvironment
import Testing

@Suite struct KeyHolders {
    @Test(.timeLimit(.minutes(8)))
    func `fleet keys and team keys that people hold are good wherever keys can live`() async throws {
        var lines: [String] = []
        var environment: [String: String] = [:]
        func add(_ name: String, _ root: String, _ team: String, _ variables: [String: String]) {
            lines.append("\(name)|\(root)|\(team)")
            environment.merge(variables) { $1 }
        }
        let (bao, aws, clouds) = (try await OpenBao.shared(), try await MiniStack.shared(), try await Clouds.start())
        if let bao {
            add("hashivault", try bao.makeKey("ed25519"), try bao.makeKey("rsa-3072"), bao.environment)
        }
        if let aws {
            let keys = try ["ECC_NIST_P256", "ECC_NIST_P384"].map { "awskms:///\(try aws.makeKey($0))" }
            add("awskms", keys[0], keys[1], try aws.environment)
        }
        if let clouds {
            add("azurekms", clouds.azureURI("ec-p256"), clouds.azureURI("ec-p384"), clouds.azureEnvironment)
            add("gcpkms", clouds.googleURI("ec-p256"), clouds.googleURI("ec-p384"), clouds.googleEnvironment)
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("holders.\(UUID().uuidString)")
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        environment["HOLDERS"] = file.path
        environment["ROADSTEAD_PROGRAMS"] = Bundle.main.bundlePath
        environment["HOME"] = nil
        let script = PythonEnvironment.root.appendingPathComponent("Tests/Support/stories/key-holders.sh").path
        let (status, output) = try PythonEnvironment.start("/usr/bin/env", ["bash", script], environment: environment)
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
        withExtendedLifetime((bao, aws, clouds)) {}
    }
}
