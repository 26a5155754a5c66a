import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL

/// Key services over HTTP with connections that are kept: for programs that people and build machines start, and for
/// the signing service. Nothing is followed, decompressed or sent through a proxy.
package struct HTTPKeyTransport: KeyServiceTransport {
    private let kept: KeptClient

    static let connectSeconds: Int64 = 5
    static let idleSeconds: Int64 = 55

    /// - Parameter caFile: a PEM file with the only CA certificates that are believed; the system's when nil.
    package init(caFile: String? = nil) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let caFile {
            let roots = (try? NIOSSLCertificate.fromPEMFile(caFile)) ?? []
            guard !roots.isEmpty else {
                throw CloudKeyError(
                    .configuration, "the CA file \(caFile) holds no certificate in PEM, or cannot be read")
            }
            tls.trustRoots = .certificates(roots)
        }
        self.init(tls: tls)
    }

    /// For a service that is not everybody's: with whom it is believed and what is shown to it.
    package init(tls: TLSConfiguration) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(Self.connectSeconds))
        configuration.connectionPool.idleTimeout = .seconds(Self.idleSeconds)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.tlsConfiguration = tls
        kept = KeptClient(HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration))
    }

    /// Closes the connections now; they are closed anyway when the last copy goes.
    package func shutdown() async { try? await kept.client.shutdown() }

    /// Gives the body a transport and closes its connections at the end.
    package static func with<Value>(
        caFile: String? = nil, _ body: (HTTPKeyTransport) async throws -> Value
    ) async throws -> Value {
        let transport = try HTTPKeyTransport(caFile: caFile)
        do {
            let value = try await body(transport)
            await transport.shutdown()
            return value
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    package func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse {
        let client = kept.client
        return try await withThrowingTaskGroup(of: KeyServiceResponse?.self) { group in
            group.addTask { try await Self.exchange(request, client) }
            // The client's own timeout does not bound the body: the whole exchange runs against a clock.
            group.addTask {
                try await Task.sleep(for: request.timeout)
                return nil
            }
            defer { group.cancelAll() }
            do {
                if let response = try await group.next(), let response { return response }
            } catch let error as CloudKeyError {
                throw error
            } catch {
                try Task.checkCancellation()
                throw Self.failure(error, request)
            }
            throw Self.late(request)
        }
    }

    private static func exchange(_ request: KeyServiceRequest, _ client: HTTPClient) async throws -> KeyServiceResponse
    {
        var wire = HTTPClientRequest(url: request.url)
        wire.method = HTTPMethod(rawValue: request.method.rawValue)
        for (name, value) in request.headers { wire.headers.add(name: name, value: value) }
        wire.headers.replaceOrAdd(name: "User-Agent", value: "roadstead")
        if !request.body.isEmpty || request.method != .get { wire.body = .bytes(ByteBuffer(bytes: request.body)) }
        let limit = NIODeadline.now() + TimeAmount(request.timeout)
        let response = try await client.execute(wire, deadline: limit)
        var body: [UInt8] = []
        for try await part in response.body {
            guard part.readableBytes <= request.maximumBytes - body.count else {
                throw CloudKeyError(
                    .answer, "\(host(request)) answers with more than the \(request.maximumBytes) bytes that are taken")
            }
            body.append(contentsOf: part.readableBytesView)
        }
        return KeyServiceResponse(
            status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) }, body: body)
    }

    private static func failure(_ error: any Error, _ request: KeyServiceRequest) -> CloudKeyError {
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .connectTimeout?, .readTimeout?, .writeTimeout?: return late(request)
        default: break
        }
        let words =
            switch error {
            case let error as HTTPClientError: error.shortDescription.lowercased()
            case let error as NIOConnectionError:
                error.connectionErrors.first.map { "\($0.error)" } ?? "no address of \(error.host) answers"
            default: quoted("\(error)")
            }
        return CloudKeyError(.unreachable, "\(host(request)) cannot be reached: \(words)")
    }

    private static func late(_ request: KeyServiceRequest) -> CloudKeyError {
        CloudKeyError(.deadline, "\(host(request)) gave no whole answer within \(request.timeout)")
    }

    /// The host only: what follows it may hold a secret.
    private static func host(_ request: KeyServiceRequest) -> String {
        String(request.url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true).dropFirst().first ?? "")
    }
}

/// Closes a client when nobody holds it any more.
private final class KeptClient: Sendable {
    let client: HTTPClient

    init(_ client: HTTPClient) { self.client = client }

    deinit {
        let client = client
        Task { try? await client.shutdown() }
    }
}
