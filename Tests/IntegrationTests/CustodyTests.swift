import Foundation
import PythonEnvironment
import Testing

@Suite struct CustodyCommands {
    @Test(.timeLimit(.minutes(5)))
    func `members sign their own role with the command line or another tool, and one officer's removal stops a host`()
        throws
    {
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env",
            ["bash", PythonEnvironment.root.appendingPathComponent("Tests/Support/stories/custody.sh").path],
            environment: ["ROADSTEAD_PROGRAMS": Bundle.main.bundlePath])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
    }
}
