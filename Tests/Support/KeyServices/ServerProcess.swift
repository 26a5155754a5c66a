package import Foundation
import Synchronization

/// A server on loopback that ends with its test: a shell holds it, and ends it and its directory when the pipe to this
/// process closes, for whatever reason.
package final class ServerProcess: Sendable {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    private struct Parts: @unchecked Sendable {
        let process = Process()
        let leash = Pipe()
    }

    package let directory: URL
    private let parts: Mutex<Parts>

    private static let keeper = """
        directory=$1; shift
        cd "$directory"
        "$@" </dev/null >>"$directory/log" 2>&1 &
        child=$!
        echo "$child" >"$directory/pid"
        cat >/dev/null
        kill -CONT "$child" 2>/dev/null
        kill "$child" 2>/dev/null
        for wait in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$child" 2>/dev/null || break; sleep 0.2; done
        kill -9 "$child" 2>/dev/null
        rm -rf "$directory"
        """

    /// Makes a private directory for a server that is not started yet.
    package static func directory(_ name: String) throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("\(name).\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return directory
    }

    /// Starts a program in its directory, which goes away with it.
    package init(_ program: [String], in directory: URL, environment: [String: String] = [:]) throws {
        self.directory = directory
        let parts = Parts()
        parts.process.executableURL = URL(fileURLWithPath: "/bin/sh")
        parts.process.arguments = ["-c", Self.keeper, "keeper", directory.path] + program
        parts.process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        parts.process.standardInput = parts.leash
        try parts.process.run()
        self.parts = Mutex(parts)
    }

    /// Waits until the server answers, or says what it wrote.
    package func waitUntil(_ what: String, seconds: Double = 60, _ isReady: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try !isReady() {
            guard ContinuousClock.now < end, parts.withLock({ $0.process.isRunning }) else {
                throw Failure(description: "\(what) did not come up: \(log.suffix(2_000))")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    package var log: String {
        (try? String(contentsOf: directory.appendingPathComponent("log"), encoding: .utf8)) ?? ""
    }

    /// Writes a file that only this user can read, in the directory that goes away with the server.
    package func secretFile(_ text: String) throws -> String {
        let path = directory.appendingPathComponent(UUID().uuidString).path
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else { throw Failure(description: "cannot write \(path)") }
        return path
    }

    /// Stops the server where it stands: it takes connections and answers none.
    package func pause() throws { try signal(SIGSTOP) }

    package func resume() throws { try signal(SIGCONT) }

    private func signal(_ number: Int32) throws {
        let text = try String(contentsOf: directory.appendingPathComponent("pid"), encoding: .utf8)
        guard let child = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), kill(child, number) == 0 else {
            throw Failure(description: "the server is not there to be stopped")
        }
    }

    /// Ends the server and removes its directory.
    package func stop() {
        parts.withLock {
            try? $0.leash.fileHandleForWriting.close()
            $0.process.waitUntilExit()
        }
    }

    deinit { stop() }

    /// A port of loopback that is free now.
    package static func freePort() throws -> Int {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw Failure(description: "no socket") }
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        guard bound else { throw Failure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    package static func isListening(_ port: Int) -> Bool {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { return false }
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
