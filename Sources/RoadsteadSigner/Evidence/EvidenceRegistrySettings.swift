import Files
import OCI
import RegistryClient
import ReleaseCriteria

/// A registry in which evidence may be looked for, as it is written down.
struct RegistryForm: Decodable {
    /// `registry/path`, by whole segments; the whole registry where nothing is said.
    let repositories: [RepositoryPrefix]?
    /// Docker's configuration file.
    let credentials: String?
    /// PEM file with the authorities that vouch for the registry, beside those of the system.
    let authority: String?
    /// Plain HTTP, to this very machine and nowhere else.
    let plainLoopback: Bool?

    func resolved(_ registry: String, _ absolute: (String) -> String) throws -> EvidenceRegistrySettings {
        let place = "registries.\(registry.prefix(80))"
        guard Reference.isRegistry(registry) else {
            throw SignerError(.configuration, "\(place) is no registry", hint: "such as registry.example.com:5000")
        }
        let prefixes = repositories ?? []
        guard repositories?.isEmpty != true, prefixes.allSatisfy({ $0.lies(in: registry) }) else {
            throw SignerError(
                .configuration, "\(place).repositories names nothing, or something in another registry",
                hint: "such as \"\(registry)/team\"; leave it out for the whole registry")
        }
        return EvidenceRegistrySettings(
            registry: registry, prefixes: prefixes, access: try access(registry, place, absolute))
    }

    private func access(
        _ registry: String, _ place: String, _ absolute: (String) -> String
    ) throws -> RegistrySettings {
        var access = RegistrySettings(
            plainHTTP: plainLoopback ?? false,
            retries: RetryPolicy(
                attempts: 3, first: .milliseconds(200), longest: .seconds(2), total: .seconds(30)))
        if let path = credentials.map(absolute) {
            guard Files.exists(path) else { throw SignerError(.configuration, "\(place).credentials: no \(path)") }
            access.credentials = try RegistryCredentials(file: path)
        }
        access.authorities = try authority.map { try Files.read(absolute($0), limit: 1 << 20) }
        try access.check(registry)
        return access
    }
}

/// A registry in which evidence may be looked for.
struct EvidenceRegistrySettings: Sendable {
    let registry: String
    let prefixes: [RepositoryPrefix]
    let access: RegistrySettings

    func covers(_ repository: String) -> Bool {
        prefixes.isEmpty || prefixes.contains { $0.covers(repository) }
    }

    var shown: [String] { prefixes.isEmpty ? [registry] : prefixes.map(\.text) }
}
