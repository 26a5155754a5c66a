package import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// What a server answered.
package struct HTTPAnswer: Sendable {
    package let status: Int
    package let body: [UInt8]
    package let entityTag: String?
}

/// HTTP against a server that is not trusted: a deadline over each whole exchange, a bound on each body, no redirects
/// followed, nothing decompressed.
package struct BoundedHTTP: Sendable {
    /// Bytes of the body of an answer that is no success; the rest is left unread.
    static let errorBodyBytes = 65_536

    private let client: HTTPClient
    private let userAgent: String

    /// Connections are kept between polls, and given up before the server does.
    private static let idleSeconds: Int64 = 74

    /// Gives the body a transport and closes its connections at the end.
    ///
    /// - Parameter caFile: a PEM file with the only CA certificates that are believed for TLS; the system's when nil.
    package static func with<Result: Sendable>(
        userAgent: String, caFile: String? = nil, _ body: (BoundedHTTP) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(70))
        configuration.connectionPool.idleTimeout = .seconds(idleSeconds)
        // Who refuses a connection is away: whoever asks decides when to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let caFile { configuration.tlsConfiguration = try tls(caFile) }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(BoundedHTTP(client: client, userAgent: userAgent))
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Sends a request and takes the whole answer.
    ///
    /// - Parameters:
    ///   - limit: bytes of the body that are taken; more is an error as soon as they are announced or have come.
    ///   - seconds: for the whole exchange, the body included.
    /// - Throws: `TransportError`, or `CancellationError` when the task was cancelled.
    package func exchange(_ request: HTTPClientRequest, limit: Int, seconds: Double) async throws -> HTTPAnswer {
        var request = request
        request.headers.replaceOrAdd(name: "User-Agent", value: userAgent)
        let time = TimeAmount.nanoseconds(Int64(max(0, min(seconds, 86_400)) * 1e9))
        let (client, ready) = (client, request)
        return try await withThrowingTaskGroup(of: HTTPAnswer?.self) { group in
            group.addTask { try await Self.answer(to: ready, from: client, limit: limit, time) }
            // The client's own timeout does not bound the body: the whole exchange runs against a clock.
            group.addTask {
                try await Alarm.wait(time)
                return nil
            }
            defer { group.cancelAll() }
            do {
                if let answer = try await group.next(), let answer { return answer }
            } catch let error as TransportError {
                throw error
            } catch {
                try Task.checkCancellation()
                throw TransportError(Self.code(error), Self.words(error))
            }
            throw TransportError(.deadline, "no whole answer within \(Self.text(seconds)) s")
        }
    }

    private static func tls(_ caFile: String) throws(TransportError) -> TLSConfiguration {
        let roots: [NIOSSLCertificate]
        do { roots = try NIOSSLCertificate.fromPEMFile(caFile) } catch { roots = [] }
        guard !roots.isEmpty else {
            throw TransportError(.authority, "the CA file \(caFile) holds no certificate in PEM, or cannot be read")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(roots)
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    private static func answer(
        to request: HTTPClientRequest, from client: HTTPClient, limit: Int, _ time: TimeAmount
    ) async throws -> HTTPAnswer {
        let response = try await client.execute(request, deadline: .now() + time)
        let status = Int(response.status.code)
        let isSuccess = (200..<300).contains(status)
        if isSuccess { try checkHead(response.headers, limit) }
        let room = isSuccess ? limit : min(limit, errorBodyBytes)
        var body: [UInt8] = []
        for try await part in response.body {
            guard part.readableBytes <= room - body.count else {
                guard isSuccess else { break }
                throw TransportError(.tooLarge, "it has more than the \(limit) bytes that are taken")
            }
            body.append(contentsOf: part.readableBytesView)
        }
        return HTTPAnswer(status: status, body: body, entityTag: response.headers.first(name: "ETag"))
    }

    private static func checkHead(_ headers: HTTPHeaders, _ limit: Int) throws(TransportError) {
        let encodings = headers[canonicalForm: "Content-Encoding"].map { $0.lowercased() }
        guard encodings.allSatisfy({ $0 == "identity" || $0.isEmpty }) else {
            throw TransportError(.encoded, "it came compressed, which nobody asked for")
        }
        if let announced = headers.first(name: "Content-Length").flatMap(Int.init), announced > limit {
            throw TransportError(.tooLarge, "it has \(announced) bytes, \(limit) are taken")
        }
    }

    private static func code(_ error: any Error) -> TransportError.Code {
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .connectTimeout?, .readTimeout?, .writeTimeout?: .deadline
        case .invalidURL?, .emptyHost?, .emptyScheme?, .missingSocketPath?: .address
        case let error? where error == .unsupportedScheme(""): .address
        default: .unreachable
        }
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription.lowercased()
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { "\($0.error)" } ?? "no address of \(error.host) answers"
        default: String("\(error)".prefix(300))
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? String(Int64(seconds)) : String((seconds * 10).rounded() / 10)
    }
}
