import Foundation
import PythonEnvironment
import Testing

@Suite struct AuditCommands {
    @Test(.timeLimit(.minutes(5)))
    func `an auditor finds refusals, verifies what was exported, and a rewritten log disagrees with a release`() throws
    {
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env",
            ["bash", PythonEnvironment.root.appendingPathComponent("Tests/Support/stories/audit.sh").path],
            environment: ["ROADSTEAD_PROGRAMS": Bundle.main.bundlePath])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
    }
}
