package import Foundation

/// Stock python-tuf in a virtual environment of its own, made once by the first test that wants it and kept in
/// `.build-python` beside the other build products.
package enum PythonEnvironment {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    package static let python = place.appendingPathComponent("bin/python")

    private static let place = root.appendingPathComponent(".build-python")
    /// Whether a part that cannot be had is a failure, as it is where changes are judged.
    private static let needsAll = ProcessInfo.processInfo.environment["ROADSTEAD_TEST_ALL"] == "1"
    private static let environment = Task { try make(at: place, ["tuf==7.0.1", "securesystemslib[crypto]"]) }

    /// Whether the environment is there or could be made; false, said aloud, only when pip cannot reach its index.
    package static func isAvailable() async throws -> Bool { try await environment.value }

    /// Runs one of the scripts in `Tests/Support/python-tuf` and returns what it printed.
    package static func run(_ script: String, _ arguments: [String]) throws -> String {
        let path = root.appendingPathComponent("Tests/Support/python-tuf/\(script)").path
        let (status, output) = try start(python.path, [path] + arguments)
        guard status == 0 else { throw Failure(description: "\(script) ended with \(status): \(output)") }
        return output
    }

    /// Runs a program to its end; its standard output and error come as one text.
    package static func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = directory }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// The Python of a second environment, `.build-python-NAME`, which holds exactly what a file of pinned requirements
    /// names; nil, said aloud, when pip cannot reach its index.
    package static func python(of name: String, requirements: String) throws -> URL? {
        let place = root.appendingPathComponent(".build-python-\(name)")
        let file = root.appendingPathComponent(requirements).path
        return try make(at: place, ["--no-deps", "-r", file]) ? place.appendingPathComponent("bin/python") : nil
    }

    /// Makes an environment apart and renames it into place, so that no other test run sees half of it. Programs in it
    /// are run as modules, `python -m NAME`, because pip wrote the first place into their scripts.
    private static func make(at place: URL, _ packages: [String]) throws -> Bool {
        let files = FileManager.default
        let python = place.appendingPathComponent("bin/python")
        if files.isExecutableFile(atPath: python.path) { return true }
        let draft = URL(fileURLWithPath: "\(place.path)-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? files.removeItem(at: draft) }
        let (made, why) = try start("/usr/bin/env", ["python3", "-m", "venv", draft.path])
        guard made == 0 else { throw Failure(description: "python3 -m venv failed: \(why)") }
        let install = ["install", "--quiet", "--disable-pip-version-check"] + packages
        let (status, output) = try start(draft.appendingPathComponent("bin/python").path, ["-m", "pip"] + install)
        guard status == 0 else {
            guard !needsAll, output.contains("connection") || output.contains("No matching distribution") else {
                throw Failure(description: "pip install failed: \(output)")
            }
            print(
                "SKIPPED: \(place.lastPathComponent) is not there and pip cannot reach its index: \(output.prefix(300))"
            )
            return false
        }
        do { try files.moveItem(at: draft, to: place) } catch {
            guard files.isExecutableFile(atPath: python.path) else { throw error }
        }
        return true
    }
}
