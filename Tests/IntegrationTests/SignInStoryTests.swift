import Foundation
import PythonEnvironment
import Testing

@Suite struct SignInStory {
    @Test(
        .enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() },
        .timeLimit(.minutes(5)))
    func `people sign in by code, browser and certificate, and leave, as the page says`() throws {
        let root = PythonEnvironment.root
        let provider = root.appendingPathComponent("Tests/Support/TestProvider/provider.py").path
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env", ["bash", root.appendingPathComponent("Tests/Support/stories/sign-in.sh").path],
            environment: [
                "ROADSTEAD_PROGRAMS": Bundle.main.bundlePath,
                "PROVIDER": "\(PythonEnvironment.python.path) \(provider)",
            ])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
    }
}
