package import Foundation

/// OpenSSH's own agent with keys of its own, in a folder that goes with it.
package struct RealAgent: Sendable {
    package let folder: String
    package let process: Process

    package var socket: String { folder + "/agent" }

    /// - Parameter asks: the program that the agent asks for confirmations.
    package static func with<R>(asks: String = "/bin/false", _ body: (RealAgent) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ag-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let agent = Process()
        agent.executableURL = URL(fileURLWithPath: "/usr/bin/ssh-agent")
        agent.arguments = ["-D", "-a", folder.path + "/agent"]
        agent.environment = [
            "SSH_ASKPASS": asks, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0", "PATH": "/usr/bin:/bin",
        ]
        agent.standardOutput = FileHandle.nullDevice
        agent.standardError = FileHandle.nullDevice
        try agent.run()
        defer {
            kill(agent.processIdentifier, SIGCONT)
            kill(agent.processIdentifier, SIGKILL)
            agent.waitUntilExit()
            try? FileManager.default.removeItem(at: folder)
        }
        let running = RealAgent(folder: folder.path, process: agent)
        try running.waitForSocket()
        return try await body(running)
    }

    private func waitForSocket() throws {
        for _ in 0..<500 {
            // It exists a moment before it is listened at; status 1 is an agent without keys.
            if (try? run("ssh-add -l || [ $? = 1 ]")) != nil { return }
            usleep(10_000)
        }
        throw Failure(text: "the agent made no socket within 5 seconds")
    }

    /// Makes a key and adds it.
    package func add(_ type: String, bits: Int? = nil, comment: String, options: String = "") throws {
        let size = bits.map { "-b \($0)" } ?? ""
        try run(
            "ssh-keygen -q -t \(type) \(size) -N '' -C '\(comment)' -f key-$$ </dev/null && ssh-add -q \(options) key-$$ && rm key-$$"
        )
    }

    /// Runs shell words in the agent's folder.
    package func run(_ script: String) throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "cd '\(folder)' && { \(script); } 2>errors >&2"]
        shell.environment = [
            "SSH_AUTH_SOCK": socket, "PATH": "/usr/bin:/bin", "HOME": folder, "SSH_ASKPASS": folder + "/answer",
            "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0",
        ]
        try shell.run()
        shell.waitUntilExit()
        guard shell.terminationStatus == 0 else {
            throw Failure(text: (try? String(contentsOfFile: folder + "/errors", encoding: .utf8)) ?? script)
        }
    }

    package struct Failure: Error { package let text: String }
}
