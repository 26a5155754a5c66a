package import Foundation
import PythonEnvironment

/// A key service on loopback, with what a program's environment needs to reach it.
package protocol KeyService: Sendable {
    /// Set for the program that signs; merged over what is there.
    var environment: [String: String] { get throws }

    /// URIs of one new key of each type that the service has, by the type's name as people type it: `ec-p256`.
    func makeKeys() throws -> [String: String]
}

/// The Python environments with the servers and with the vendors' own clients, each made once.
package enum KeyServicePython {
    private static let folder = "Tests/Support/KeyServices"
    private static let servers = Task {
        try PythonEnvironment.python(of: "keyservers", requirements: "\(folder)/servers.txt")
    }
    private static let vendors = Task {
        try PythonEnvironment.python(of: "keyvendors", requirements: "\(folder)/vendors.txt")
    }

    /// OpenBao, MiniStack, botocore; nil, said aloud, when pip cannot reach its index.
    package static func withServers() async throws -> URL? { try await servers.value }

    /// Microsoft's and Google's clients; nil, said aloud, when pip cannot reach its index.
    package static func withVendors() async throws -> URL? { try await vendors.value }

    /// Runs a script that lies beside this file, and returns what it printed.
    package static func run(_ python: URL, _ name: String, _ arguments: [String]) throws -> String {
        let (status, output) = try PythonEnvironment.start(python.path, [script(name)] + arguments)
        guard status == 0 else {
            throw ServerProcess.Failure(description: "\(name) ended with \(status): \(output)")
        }
        return output
    }

    /// A script that lies beside this file.
    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
    }
}
