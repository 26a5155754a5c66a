import Foundation
import PythonEnvironment
import Testing

/// The programs beside the test bundle, as a person would run them.
private let programs = Bundle.main.bundlePath

@Suite struct DemoTests {
    @Test(
        .enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() },
        .timeLimit(.minutes(10)))
    func `the whole story runs, and stock python-tuf follows every release of it`() throws {
        let follow = PythonEnvironment.root.appendingPathComponent("Tests/Support/python-tuf/follow.py").path
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env", ["bash", PythonEnvironment.root.appendingPathComponent("deploy/demo.sh").path],
            environment: [
                "ROADSTEAD_PROGRAMS": programs,
                "ROADSTEAD_DEMO_AFTER_RELEASE": "\(PythonEnvironment.python.path) \(follow)",
            ])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
        let followed = output.split(separator: "\n").filter { $0.contains("python-tuf trusts") }
        #expect(followed.count == 6)
        #expect(followed.allSatisfy { $0.contains("fleet/settings.json") && $0.contains("acme/ca.prod.pem") })
    }
}
