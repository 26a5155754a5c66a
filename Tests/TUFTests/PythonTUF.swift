import Codecs
import Foundation
import Synchronization

/// Stock python-tuf in a virtual environment of its own, made once by the test run and kept in `.build-python`.
enum PythonTUF {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Whether the environment is there or could be made; false, said aloud, only when pip cannot reach its index.
    static func isAvailable() async throws -> Bool { try await environment.value }

    /// Runs one of the scripts in `Tests/Support/python-tuf` and returns what it printed.
    static func run(_ script: String, _ arguments: [String]) throws -> String {
        let path = root.appendingPathComponent("Tests/Support/python-tuf/\(script)").path
        let (status, output) = try start(python.path, [path] + arguments)
        guard status == 0 else { throw Failure(description: "\(script) ended with \(status): \(output)") }
        return output
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let place = root.appendingPathComponent(".build-python")
    private static let python = place.appendingPathComponent("bin/python")
    private static let environment = Task { try makeEnvironment() }

    private static func makeEnvironment() throws -> Bool {
        let files = FileManager.default
        if files.isExecutableFile(atPath: python.path) { return true }
        let draft = root.appendingPathComponent(".build-python-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? files.removeItem(at: draft) }
        let (made, why) = try start("/usr/bin/env", ["python3", "-m", "venv", draft.path])
        guard made == 0 else { throw Failure(description: "python3 -m venv failed: \(why)") }
        let (status, output) = try start(
            draft.appendingPathComponent("bin/python").path,
            [
                "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "tuf==7.0.1",
                "securesystemslib[crypto]",
            ])
        guard status == 0 else {
            guard output.contains("connection") || output.contains("No matching distribution") else {
                throw Failure(description: "pip install tuf failed: \(output)")
            }
            print("SKIPPED: python-tuf is not there and pip cannot reach its index: \(output.prefix(300))")
            return false
        }
        do { try files.moveItem(at: draft, to: place) } catch {
            guard files.isExecutableFile(atPath: python.path) else { throw error }
        }
        return true
    }

    private static func start(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

/// A directory that goes away with its value.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("roadstead-tuf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ files: [String: [UInt8]]) throws {
        for (path, bytes) in files {
            let file = url.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
    }

    /// Every file below the directory, by its path.
    func read() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: url.path) {
            var isDirectory: ObjCBool = false
            let file = url.appendingPathComponent(path)
            if FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory), !isDirectory.boolValue {
                files[path] = Array(try Data(contentsOf: file))
            }
        }
        return files
    }
}
