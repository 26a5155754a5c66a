package import Codecs
package import Outbound

/// What an issuer says of itself. [OpenID Connect Discovery §3]
package struct ProviderDocument: Sendable, Equatable {
    package let keys: String
    package let authorization: String?
    package let token: String?
    package let deviceAuthorization: String?

    /// - Throws: `.provider` unless it is the document of exactly this issuer, with usable addresses.
    init(_ bytes: [UInt8], of issuer: String) throws {
        let document = try JSON(parsing: bytes, limits: JSONLimits(bytes: Provider.largestDocument, depth: 16))
            .object("the provider's document")
        guard try document.string("issuer", in: "the provider's document") == issuer else {
            throw IdentityTokenError(.provider, "the document at \(issuer) is of another issuer")
        }
        func address(_ name: String) throws -> String? {
            guard let value = document[name] else { return nil }
            return try OutboundURL(try value.string(name)).description
        }
        guard let keys = try address("jwks_uri") else {
            throw IdentityTokenError(.provider, "the document at \(issuer) names no keys")
        }
        self.keys = keys
        authorization = try address("authorization_endpoint")
        token = try address("token_endpoint")
        deviceAuthorization = try address("device_authorization_endpoint")
    }
}

/// One issuer's document and keys, fetched when they are needed.
///
/// Keys are asked for again every hour, and at a key that is not known, at most once a minute. While the issuer is away
/// the known ones go on for a day.
package actor Provider: IssuerKeys {
    package static let largestDocument = KeySet.largest
    package static let refreshSeconds: Int64 = 3_600
    package static let pauseSeconds: Int64 = 60
    package static let goesOnSeconds: Int64 = 24 * 3_600

    package typealias Fetch = @Sendable (_ url: String) async throws -> [UInt8]

    package nonisolated let issuer: String
    private let fetch: Fetch
    private var known: (document: ProviderDocument, keys: KeySet, at: UTCDate)?
    private var attempted: UTCDate?
    private var running: Task<(ProviderDocument, KeySet), any Error>?
    private var trouble: String?

    package init(issuer: String, fetch: @escaping Fetch) {
        self.issuer = issuer
        self.fetch = fetch
    }

    /// A provider that is asked within the policy of a client.
    package init(issuer: String, outbound: OutboundClient) {
        self.init(issuer: issuer) { url in
            let answer = try await outbound.request(
                OutboundRequest(.get, url, headers: [("Accept", "application/json")], maximumBytes: KeySet.largest))
            guard answer.status == 200 else {
                throw IdentityTokenError(.provider, "\(answer.url.origin) answers with status \(answer.status)")
            }
            return answer.body
        }
    }

    /// - Throws: `.key` for one that the issuer does not have, `.provider` while it cannot be asked.
    package func key(_ id: String, now: UTCDate) async throws(IdentityTokenError) -> ProviderKey {
        if isDue(now) { await refresh(now) }
        if let key = usable(now)?.keys[id] { return key }
        await refresh(now)
        guard let usable = usable(now) else { throw away }
        guard let key = usable.keys[id] else { throw IdentityTokenError(.key, "\(issuer) has no key of that name") }
        return key
    }

    package func document(now: UTCDate) async throws(IdentityTokenError) -> ProviderDocument {
        if isDue(now) { await refresh(now) }
        guard let usable = usable(now) else { throw away }
        return usable.document
    }

    private var away: IdentityTokenError {
        IdentityTokenError(.provider, "\(issuer) cannot be asked for its keys: \(trouble ?? "asked a moment ago")")
    }

    private func isDue(_ now: UTCDate) -> Bool {
        known.map { $0.at.adding(seconds: Self.refreshSeconds) <= now } ?? true
    }

    private func usable(_ now: UTCDate) -> (document: ProviderDocument, keys: KeySet)? {
        guard let known, now < known.at.adding(seconds: Self.goesOnSeconds) else { return nil }
        return (known.document, known.keys)
    }

    /// Asks the issuer unless that was done a minute ago; whoever comes meanwhile waits for the same answer.
    private func refresh(_ now: UTCDate) async {
        if let running {
            _ = try? await running.value
            return
        }
        if let attempted, now < attempted.adding(seconds: Self.pauseSeconds) { return }
        attempted = now
        let (issuer, fetch) = (issuer, fetch)
        let task = Task { try await Self.load(issuer, fetch) }
        running = task
        do {
            let (document, keys) = try await task.value
            (known, trouble) = ((document, keys, now), nil)
        } catch {
            trouble = "\(error)"
        }
        running = nil
    }

    private static func load(_ issuer: String, _ fetch: Fetch) async throws -> (ProviderDocument, KeySet) {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let document = try ProviderDocument(try await fetch(base + "/.well-known/openid-configuration"), of: issuer)
        return (document, try KeySet(try await fetch(document.keys), of: issuer))
    }
}
