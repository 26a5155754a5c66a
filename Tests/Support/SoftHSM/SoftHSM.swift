package import Foundation

/// Tokens in software, in a private directory that goes away with the test.
package struct SoftHSM: Sendable {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package static let module = "/usr/lib/softhsm/libsofthsm2.so"
    package static let pin = "987654"

    /// Holds the tokens, their configuration and the PIN file.
    package let directory: URL

    /// Tells the module where its tokens are.
    package var environment: [String: String] {
        ["SOFTHSM2_CONF": directory.appendingPathComponent("softhsm2.conf").path]
    }

    /// A file of mode 0600 with the PIN of every token.
    package var pinFile: String { directory.appendingPathComponent("pin").path }

    /// Makes a directory with one token, runs the body, and removes everything.
    package static func withToken<Value>(
        _ label: String = "roadstead", _ body: (SoftHSM) async throws -> Value
    ) async throws -> Value {
        let softHSM = try SoftHSM()
        do {
            try softHSM.makeToken(label)
            let value = try await body(softHSM)
            try FileManager.default.removeItem(at: softHSM.directory)
            return value
        } catch {
            try? FileManager.default.removeItem(at: softHSM.directory)
            throw error
        }
    }

    private init() throws {
        guard FileManager.default.fileExists(atPath: Self.module) else {
            throw Failure(description: "\(Self.module) is missing: make setup installs softhsm2")
        }
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("softhsm.\(UUID().uuidString)")
        let tokens = directory.appendingPathComponent("tokens")
        try FileManager.default.createDirectory(
            at: tokens, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let configuration = """
            directories.tokendir = \(tokens.path)
            objectstore.backend = file
            slots.mechanisms = ALL
            log.level = ERROR

            """
        try Data(configuration.utf8).write(to: directory.appendingPathComponent("softhsm2.conf"))
        guard
            FileManager.default.createFile(
                atPath: directory.appendingPathComponent("pin").path, contents: Data("\(Self.pin)\n".utf8),
                attributes: [.posixPermissions: 0o600])
        else { throw Failure(description: "cannot write the PIN file in \(directory.path)") }
    }

    /// Makes another token, with ``pin``.
    package func makeToken(_ label: String) throws {
        try run(
            "softhsm2-util", ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", Self.pin])
    }

    /// Does something on a token with OpenSC's tool, logged in.
    @discardableResult
    package func pkcs11Tool(_ arguments: [String], token: String = "roadstead") throws -> String {
        try run(
            "pkcs11-tool",
            ["--module", Self.module, "--token-label", token, "--login", "--pin", Self.pin] + arguments)
    }

    @discardableResult
    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(program) ended with \(process.terminationStatus): \(output)")
        }
        return output
    }
}
