package import Codecs
package import Foundation

/// Third-party cases that lie beside the repository, not in it: `shared/vectors` in a folder around it.
package enum TestVectors {
    /// The cases of one file, one JSON object a line; nil, said aloud, where the folder is absent.
    package static func cases(_ name: String, file: String = #filePath) throws -> [JSON]? {
        guard let folder = folder(file) else {
            print("SKIPPED: no shared/vectors around this repository, so the cases of \(name) were not run")
            return nil
        }
        let lines = try run("/bin/gzip", ["-dc", folder.appendingPathComponent(name).path]).split(separator: 0x0A)
        return try lines.map { try JSON(parsing: Array($0)) }
    }

    /// The path of one file; nil, said aloud, where the folder is absent.
    package static func file(_ name: String, file: String = #filePath) -> String? {
        guard let folder = folder(file) else {
            print("SKIPPED: no shared/vectors around this repository, so \(name) was not used")
            return nil
        }
        return folder.appendingPathComponent(name).path
    }

    /// Runs a program to its end and returns what it printed.
    package static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
        let result = try outcome(program, arguments, input: input)
        guard result.status == 0 else {
            throw Failure(message: "\(program) \(arguments) ended with \(result.status): \(result.text)")
        }
        return result.output
    }

    /// Runs a program to its end, whatever that is.
    package static func outcome(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors, stdin) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = stdin
        try process.run()
        stdin.fileHandleForWriting.write(Data(input))
        try stdin.fileHandleForWriting.close()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: Array(bytes), text: String(decoding: complaints, as: UTF8.self))
    }

    package struct Outcome: Sendable {
        package let status: Int32
        package let output: [UInt8]
        /// Standard error.
        package let text: String
    }

    package struct Failure: Error, CustomStringConvertible {
        package let message: String
        package var description: String { message }
    }

    /// A folder for one test, removed afterwards.
    package static func withTemporaryFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roadstead-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private static func folder(_ file: String) -> URL? {
        var place = URL(fileURLWithPath: file).deletingLastPathComponent()
        while place.path != "/" {
            let candidate = place.appendingPathComponent("shared/vectors")
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
            place.deleteLastPathComponent()
        }
        return nil
    }
}
