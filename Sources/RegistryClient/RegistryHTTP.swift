import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// What is asked of a registry.
struct RegistryRequest: Sendable {
    enum Method: String, Sendable { case get, head, post, put, patch }

    let method: Method
    let url: String
    var headers: [(String, String)] = []
    var body: ArraySlice<UInt8> = []
    /// Most bytes of the answer that are taken.
    var limit = 65_536

    static func get(_ url: String, accept: String, limit: Int) -> RegistryRequest {
        RegistryRequest(method: .get, url: url, headers: [("Accept", accept)], limit: limit)
    }

    func redirected(to url: String) -> RegistryRequest {
        RegistryRequest(method: method, url: url, headers: headers, body: body, limit: limit)
    }
}

/// What a registry answered.
struct RegistryAnswer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    func header(_ name: String) -> String? { headers.first(name: name) }
}

/// Requests to servers that are not trusted: a deadline over each exchange, a bound on each body, nothing decompressed,
/// no redirect followed by itself.
struct RegistryHTTP: Sendable {
    let client: HTTPClient

    /// For one exchange, the body included.
    static let deadlineSeconds: Int64 = 60

    /// - Parameter authorities: certificates in PEM that vouch for servers, beside those of the system.
    init(authorities: [UInt8]? = nil) throws(RegistryError) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(20))
        configuration.connectionPool.retryConnectionEstablishment = false
        if let authorities { configuration.tlsConfiguration = try Self.tls(trusting: authorities) }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async { try? await client.shutdown() }

    static func with<Result: Sendable>(
        authorities: [UInt8]? = nil, _ body: (RegistryHTTP) async throws -> Result
    ) async throws -> Result {
        let http = try RegistryHTTP(authorities: authorities)
        do {
            let result = try await body(http)
            await http.close()
            return result
        } catch {
            await http.close()
            throw error
        }
    }

    static func tls(trusting pem: [UInt8]) throws(RegistryError) -> TLSConfiguration {
        do {
            var tls = TLSConfiguration.makeClientConfiguration()
            let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
            guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            tls.additionalTrustRoots = [.certificates(certificates)]
            return tls
        } catch {
            throw RegistryError(
                .configuration, "the certificates that vouch for registries cannot be read: \(error)",
                hint: "give them in PEM")
        }
    }

    /// One exchange, without a second attempt.
    func send(_ asked: RegistryRequest) async throws -> RegistryAnswer {
        var request = HTTPClientRequest(url: asked.url)
        request.method = HTTPMethod(rawValue: asked.method.rawValue.uppercased())
        request.headers.add(name: "User-Agent", value: "roadstead")
        for (name, value) in asked.headers { request.headers.add(name: name, value: value) }
        if !asked.body.isEmpty { request.body = .bytes(ByteBuffer(bytes: asked.body)) }
        let end = NIODeadline.now() + .seconds(Self.deadlineSeconds)
        let host = RegistryAddress.hostPart(of: asked.url)
        do {
            let response = try await client.execute(request, deadline: end)
            var body: [UInt8] = []
            for try await part in response.body {
                guard part.readableBytes <= asked.limit - body.count else {
                    throw RegistryError(.limit, "\(host) sends more than the \(asked.limit) bytes that are taken")
                }
                guard NIODeadline.now() < end else {
                    throw RegistryError(.unreachable, "no whole answer within \(Self.deadlineSeconds) s")
                }
                body.append(contentsOf: part.readableBytesView)
            }
            return RegistryAnswer(status: Int(response.status.code), headers: response.headers, body: body)
        } catch let error as RegistryError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch  where Self.concernsTLS(error) {
            throw RegistryError(
                .untrusted, "no safe connection to \(host): \(String("\(error)".prefix(200)))",
                hint: "name the certificates that vouch for it with --registry-ca FILE")
        } catch {
            throw RegistryError(.unreachable, "\(host) does not answer: \(String("\(error)".prefix(200)))")
        }
    }

    private static func concernsTLS(_ error: any Error) -> Bool {
        switch error {
        case NIOSSLError.handshakeFailed, is NIOSSLExtraError: true
        default: false
        }
    }
}
