package import Codecs
import Foundation
import PythonEnvironment

/// Doubles of Azure Key Vault, Google Cloud KMS and the clouds' metadata services on loopback; `clouds.py` is them, and
/// the vendors' own clients take them for the real ones.
package final class Clouds: Sendable {
    private let process: LineProcess
    private let directory: URL
    private let about: JSONObject

    /// Doubles of their own, which end with the value; nil, said aloud, where Python's packages cannot be installed.
    package static func start() async throws -> Clouds? {
        guard let python = try await KeyServicePython.withServers() else { return nil }
        return try Clouds(python)
    }

    /// Writes a file that only this user can read, in the directory that goes away with the doubles.
    package func secretFile(_ text: String) throws -> String {
        let path = directory.appendingPathComponent(UUID().uuidString).path
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else { throw ServerProcess.Failure(description: "cannot write \(path)") }
        return path
    }

    private init(_ python: URL) throws {
        directory = try ServerProcess.directory("clouds")
        process = try LineProcess([python.path, KeyServicePython.script("clouds.py"), directory.path])
        about = try process.greeting()
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private func text(_ name: String) -> String { about[name]?.stringOrNil ?? "" }

    /// What the doubles say of themselves, for the vendors' clients.
    package var line: String { JSON.object(about).text }

    package var host: String { String(text("http").dropFirst("http://".count)) }
    package var http: String { text("http") }
    package var machineSecret: String { text("machineSecret") }
    package var clientSecret: String { text("clientSecret") }

    /// Azure, called by an application with a secret.
    package var azureEnvironment: [String: String] { azureApplication(["AZURE_CLIENT_SECRET": clientSecret]) }

    /// Azure, called by an application with an assertion of another provider.
    package var azureFederatedEnvironment: [String: String] {
        azureApplication(["AZURE_FEDERATED_TOKEN_FILE": text("assertion")])
    }

    private func azureApplication(_ proof: [String: String]) -> [String: String] {
        let common = [
            "AZURE_TENANT_ID": text("tenant"), "AZURE_CLIENT_ID": text("client"), "AZURE_AUTHORITY_HOST": text("http"),
            "HOME": directory.path,
        ]
        return common.merging(proof) { $1 }
    }

    /// Google, called by a service account.
    package var googleEnvironment: [String: String] {
        googleMachineEnvironment.merging(["GOOGLE_APPLICATION_CREDENTIALS": text("account")]) { $1 }
    }

    /// Google, called by a machine.
    package var googleMachineEnvironment: [String: String] {
        [
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": "\(text("http"))/", "GCE_METADATA_HOST": host,
            "HOME": directory.path,
        ]
    }

    /// Google, called by another provider's identity: its token in a file, and traded for a service account's; or asked for
    /// at an address.
    package enum Federation: String, CaseIterable, Sendable { case federated, federatedByURL }

    package func googleEnvironment(_ federation: Federation) -> [String: String] {
        googleMachineEnvironment.merging(["GOOGLE_APPLICATION_CREDENTIALS": text(federation.rawValue)]) { $1 }
    }

    package func googleNewURI(_ key: String) -> String { "gcpkms://\(text("ring"))/cryptoKeys/\(key)" }

    package func azureURI(_ key: String) -> String { "azurekms://\(host)/\(key)" }

    package func googleURI(_ key: String) -> String { "gcpkms://\(text("ring"))/cryptoKeys/\(key)/cryptoKeyVersions/1" }

    package var googleRing: String { "gcpkms://\(text("ring"))" }

    /// The types that each service has and Notation takes.
    package static let azureTypes = ["ec-p256", "ec-p384", "ec-p521", "rsa-2048", "rsa-3072", "rsa-4096"]
    package static let googleTypes = ["ec-p256", "ec-p384", "rsa-2048", "rsa-4096"]

    /// Both services as programs use them.
    package var azure: any KeyService {
        Service(
            environment: azureEnvironment, uris: .init(uniqueKeysWithValues: Self.azureTypes.map { ($0, azureURI($0)) })
        )
    }

    package var google: any KeyService {
        Service(
            environment: googleEnvironment,
            uris: .init(uniqueKeysWithValues: Self.googleTypes.map { ($0, googleURI($0)) }))
    }

    private struct Service: KeyService {
        let environment: [String: String]
        let uris: [String: String]

        func makeKeys() -> [String: String] { uris }
    }

    /// Changes what the doubles do: `clouds.py` names the members of its state.
    @discardableResult
    package func control(_ operation: String, _ more: [(String, JSON)] = []) throws -> JSONObject {
        let request = JSON.object(JSONObject([("op", .string(operation))] + more))
        return try process.ask(request)
    }

    package func set(_ name: String, _ value: JSON) throws { try control("set", [(name, value)]) }

    /// How often paths that hold a text were asked for.
    package func hits(_ part: String) throws -> Int64 {
        try control("hits").object("hits", in: "answer").members.filter { $0.name.contains(part) }
            .reduce(0) { $0 + ($1.value.integerOrNil ?? 0) }
    }
}
