import Foundation
import PythonEnvironment
import Testing

@Suite struct CustodyCommands {
    @Test(
        .enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() },
        .timeLimit(.minutes(5)))
    func `members sign their own role, one officer's removal stops a host, and stock python-tuf follows`() throws {
        let follow = PythonEnvironment.root.appendingPathComponent("Tests/Support/python-tuf/follow.py").path
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env",
            ["bash", PythonEnvironment.root.appendingPathComponent("Tests/Support/stories/custody.sh").path],
            environment: [
                "ROADSTEAD_PROGRAMS": Bundle.main.bundlePath,
                "ROADSTEAD_DEMO_AFTER_RELEASE": "\(PythonEnvironment.python.path) \(follow)",
            ])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
        #expect(output.split(separator: "\n").count { $0.contains("python-tuf trusts") } == 4)
    }
}
