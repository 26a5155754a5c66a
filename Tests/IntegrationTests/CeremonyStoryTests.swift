import Foundation
import PythonEnvironment
import Testing

@Suite struct CeremonyCommands {
    @Test(.timeLimit(.minutes(5)))
    func `every ceremony runs as its page says, on line, off line and with another tool, and an old client follows`()
        async throws
    {
        let script = PythonEnvironment.root.appendingPathComponent("Tests/Support/stories/ceremonies.sh").path
        let follow = PythonEnvironment.root.appendingPathComponent("Tests/Support/python-tuf/follow.py").path
        var environment = ["ROADSTEAD_PROGRAMS": Bundle.main.bundlePath]
        if try await PythonEnvironment.isAvailable() {
            environment["FOLLOW"] = "\(PythonEnvironment.python.path) \(follow)"
        }
        let (status, output) = try PythonEnvironment.start("/usr/bin/env", ["bash", script], environment: environment)
        #expect(status == 0, "\(output)")
        #expect(output.contains("Done: every step showed what it should."))
    }
}
