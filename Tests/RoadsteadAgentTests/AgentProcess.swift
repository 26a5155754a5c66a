import Foundation
import Subprocess
import SystemPackage

/// How a run of the real program ended.
struct AgentRun: Sendable {
    /// The exit status, or 128 and the signal.
    let status: Int
    let output: String
    let errors: String
}

/// The built `roadstead-agent`, run as a process of its own.
enum AgentProcess {
    static let products = Bundle.main.bundlePath

    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> AgentRun {
        var values: [Environment.Key: String?] = ["SWIFT_BACKTRACE": "enable=no", "ROADSTEAD_STATE": nil]
        for (name, value) in environment { values[Environment.Key(rawValue: name) ?? "ROADSTEAD_STATE"] = value }
        let result = try await Subprocess.run(
            .path(FilePath(products + "/roadstead-agent")), arguments: Arguments(arguments),
            environment: .inherit.updating(values), input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return AgentRun(status: status, output: result.standardOutput, errors: result.standardError)
    }
}
