package import OCI

/// Registries, as the commands use them.
package protocol ImageReach: Sendable {
    /// Runs a body with connections to registries, which are shared by its images and end with it.
    func withImages<Value: Sendable>(
        _ request: ImageRequest, _ body: (any Images) async throws -> Value
    ) async throws -> Value
}

/// The registries that one command line leads to.
package protocol Images: Sendable {
    func repository(of reference: Reference) async throws -> any ImageRepository
}

/// One place with artifacts and their signatures: a repository of a registry, or a layout.
///
/// All content is checked against the digest by which it is named before anybody sees it.
package protocol ImageRepository: Sendable {
    /// What a tag stands for.
    func resolve(tag: String) async throws -> Descriptor

    /// A manifest or index by its digest, and what it is.
    func manifest(_ digest: Digest) async throws -> (bytes: [UInt8], descriptor: Descriptor)

    /// The signature manifests that refer to an artifact, each once, at most `limit`.
    func signatures(of artifact: Descriptor, limit: Int) async throws -> [SignatureManifest]

    /// Whether a signature is found from its artifact, as verifiers look for it.
    func lists(_ signature: Descriptor, of artifact: Descriptor) async throws -> Bool

    func envelope(of signature: SignatureManifest) async throws -> [UInt8]

    /// Puts a signature beside its artifact. Doing it again is harmless.
    func attach(_ signature: NewSignature, to artifact: Descriptor) async throws
}

/// What one command line says of registries.
package struct ImageRequest: Sendable {
    /// Plain HTTP, to this machine only.
    package let plainHTTP: Bool
    /// A PEM file of certificates that vouch for registries, beside those of the system.
    package let authoritiesFile: String?
    /// A JSON file that names mirrors.
    package let registriesFile: String?

    package init(plainHTTP: Bool = false, authoritiesFile: String? = nil, registriesFile: String? = nil) {
        self.plainHTTP = plainHTTP
        self.authoritiesFile = authoritiesFile
        self.registriesFile = registriesFile
    }

    static let options: [Option] = [
        .flag("insecure-registry", "speak plain HTTP to a registry on this machine"),
        .value("registry-ca", "FILE", "PEM: certificates that vouch for registries, beside those of the system"),
        .value("registries", "FILE", "JSON: the mirrors of registries (default: $ROADSTEAD_REGISTRIES)"),
    ]

    static let discussion = """
        Names and passwords of registries are those of docker login, podman login or notation login: the configuration
        file of Docker is read, and the credential helpers that it names are asked.
        """

    init(_ invocation: Invocation, _ console: Console) {
        plainHTTP = invocation.has("insecure-registry")
        authoritiesFile = invocation["registry-ca"]
        registriesFile = invocation["registries"] ?? console.environment("ROADSTEAD_REGISTRIES")
    }
}
