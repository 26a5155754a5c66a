import Foundation
import PythonEnvironment
import TestTokens
import Testing

/// A directory in which the programs sign, with what they need to reach their keys.
struct Desk {
    struct Failure: Error, CustomStringConvertible { let description: String }

    private let work: URL
    private let environment: [String: String]

    static func using(
        _ token: RunningToken? = nil, environment: [String: String] = [:], _ body: (Desk) throws -> Void
    ) throws {
        let work = FileManager.default.temporaryDirectory.appendingPathComponent("desk.\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: work, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: work) }
        var variables = environment
        variables["ROADSTEAD_PROGRAMS"] = Bundle.main.bundlePath
        variables["ROADSTEAD_CONFIG_HOME"] = work.path + "/config"
        variables["work"] = work.path
        if let token {
            variables.merge(token.environment) { $1 }
            variables["ROADSTEAD_PKCS11_MODULE"] = token.module
            variables["TOKEN"] = token.uri
            guard
                FileManager.default.createFile(
                    atPath: work.path + "/pin", contents: Data("\(token.pin)\n".utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw Failure(description: "cannot write \(work.path)/pin") }
        }
        try body(Desk(work: work, environment: variables))
    }

    /// Runs a script with the demo's functions; it must end well.
    func run(_ script: String) throws {
        let start = """
            set -euo pipefail
            cd '\(PythonEnvironment.root.path)'
            . deploy/story.sh
            . Tests/Support/stories/backends.sh

            """
        let (status, output) = try PythonEnvironment.start(
            "/usr/bin/env", ["bash", "-c", start + script], environment: environment)
        #expect(status == 0, "\(output)")
    }
}
