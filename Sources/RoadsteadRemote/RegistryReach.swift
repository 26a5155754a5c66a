import Files
import Foundation
import OCI
import RegistryClient
package import RoadsteadCommand

/// Registries, with the credentials that Docker's, podman's or notation's log-in left behind.
package struct RegistryReach: ImageReach {
    private let environment: [String: String]

    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.environment = environment
    }

    package func withImages<Value: Sendable>(
        _ request: ImageRequest, _ body: (any Images) async throws -> Value
    ) async throws -> Value {
        let settings = RegistrySettings(
            credentials: try RegistryCredentials(file: credentialsFile), plainHTTP: request.plainHTTP,
            authorities: try request.authoritiesFile.map { try Files.read($0, limit: 1 << 20) },
            mirrors: try request.registriesFile.map { try RegistryMirrors(file: $0) } ?? .none)
        return try await RegistrySession.with(settings) { session in
            try await body(RegistryImages(session: session))
        }
    }

    /// The first that there is; without one there are no credentials.
    private var credentialsFile: String {
        if let file = environment["REGISTRY_AUTH_FILE"] { return file }
        if let directory = environment["DOCKER_CONFIG"] { return "\(directory)/config.json" }
        let home = environment["HOME"] ?? ""
        let docker = "\(home)/.docker/config.json"
        let others = [
            environment["XDG_RUNTIME_DIR"].map { "\($0)/containers/auth.json" },
            "\(environment["XDG_CONFIG_HOME"] ?? "\(home)/.config")/notation/config.json",
        ]
        return ([docker] + others.compactMap { $0 }).first(where: Files.exists) ?? docker
    }
}

private struct RegistryImages: Images {
    let session: RegistrySession

    func repository(of reference: Reference) async throws -> any ImageRepository {
        RegistryRepository(registry: try await session.registry(reference.registry), name: reference.repository)
    }
}

private struct RegistryRepository: ImageRepository {
    let registry: Registry
    let name: String

    func resolve(tag: String) async throws -> Descriptor { try await registry.resolve(tag: tag, in: name) }

    func manifest(_ digest: Digest) async throws -> (bytes: [UInt8], descriptor: Descriptor) {
        try await registry.manifest(digest, of: name)
    }

    func signatures(of artifact: Descriptor, limit: Int) async throws -> [SignatureManifest] {
        try await registry.signatures(of: artifact, in: name, limit: limit)
    }

    func lists(_ signature: Descriptor, of artifact: Descriptor) async throws -> Bool {
        try await registry.lists(signature, of: artifact, in: name)
    }

    func envelope(of signature: SignatureManifest) async throws -> [UInt8] {
        try await registry.envelope(of: signature, in: name)
    }

    func attach(_ signature: NewSignature, to artifact: Descriptor) async throws {
        try await registry.attach(signature, to: artifact, in: name)
    }
}
