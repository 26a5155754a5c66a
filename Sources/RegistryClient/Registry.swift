import OCI

/// One registry: reads images and their signatures, and puts signatures there. [OCI distribution specification 1.1]
///
/// Everything is checked against the digest by which it is named; the registry is believed only about which tag means
/// which digest, and which signatures there are. What is named by digest is asked of the mirrors first; what a tag
/// means, and what is written, concerns the registry alone.
package actor Registry {
    let origin: RegistryEndpoint
    private var mirrors: [Mirror]
    /// Where a blob was put before, so that a further repository can take it over.
    var placed: [Digest: String] = [:]
    /// What was put here is asked of the registry itself: whether it is there is the question.
    var pushed: Set<Digest> = []

    struct Mirror: Sendable {
        let endpoint: RegistryEndpoint
        /// What stands before the repository's name there, with its slash.
        let prefix: String
    }

    /// Signatures looked at; an image with more is full of rubbish. [CVE-2023-33958]
    package static let maximumSignatures = 100

    init(_ origin: RegistryEndpoint, mirrors: [Mirror]) {
        self.origin = origin
        self.mirrors = mirrors
    }

    /// Gives the body a connection to one registry.
    ///
    /// - Parameter plainHTTP: speaks plain HTTP, to loopback only.
    package static func with<Result: Sendable>(
        _ registry: String, credentials: RegistryCredentials = .none, plainHTTP: Bool = false,
        _ body: (Registry) async throws -> Result
    ) async throws -> Result {
        let settings = RegistrySettings(credentials: credentials, plainHTTP: plainHTTP)
        return try await RegistrySession.with(settings) { session in
            try await body(try await session.registry(registry))
        }
    }

    nonisolated var host: String { origin.host }

    /// Asks the mirrors, then the registry itself. A mirror whose answer `take` refuses was asked in vain.
    func read<Value: Sendable>(
        _ digest: Digest, of repository: String, _ path: @Sendable (String) -> String, accept: String, limit: Int,
        take: @Sendable (RegistryAnswer, RegistryEndpoint) throws -> Value
    ) async throws -> Value {
        for mirror in mirrors where !pushed.contains(digest) {
            let name = mirror.prefix + repository
            let request = RegistryRequest.get(
                mirror.endpoint.address.url("/v2/\(name)/\(path(name))"), accept: accept, limit: limit)
            do {
                return try take(try await mirror.endpoint.exchange(request, .pull(name)), mirror.endpoint)
            } catch let error as CancellationError {
                throw error
            } catch let error as RegistryError where error.code == .unreachable {
                // For the rest of this run it is left alone.
                mirrors.removeAll { $0.endpoint === mirror.endpoint }
            } catch {}
        }
        return try await readOrigin(repository, path, accept: accept, limit: limit, take: take)
    }

    /// Asks the registry itself.
    func readOrigin<Value: Sendable>(
        _ repository: String, _ path: @Sendable (String) -> String, accept: String, limit: Int,
        take: @Sendable (RegistryAnswer, RegistryEndpoint) throws -> Value
    ) async throws -> Value {
        let request = RegistryRequest.get(
            origin.address.url("/v2/\(repository)/\(path(repository))"), accept: accept, limit: limit)
        return try take(try await origin.exchange(request, .pull(repository)), origin)
    }
}
