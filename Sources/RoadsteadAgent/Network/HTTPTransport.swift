import AsyncHTTPClient
package import MetadataTransport
import NIOCore
import NIOHTTP1

/// Requests to the fleet's server, with a total deadline and a bound on the body.
package struct HTTPTransport: Sendable {
    private let http: BoundedHTTP
    package let server: ServerAddress

    /// Gives the body a transport and closes its connections at the end.
    ///
    /// - Parameter caFile: a PEM file with the only CA certificates that are believed for TLS; the system's when nil.
    package static func with<Result: Sendable>(
        _ server: ServerAddress, caFile: String? = nil, _ body: (HTTPTransport) async throws -> Result
    ) async throws -> Result {
        do {
            return try await BoundedHTTP.with(userAgent: "roadstead-agent/\(AgentVersion.text)", caFile: caFile) {
                http in
                try await body(HTTPTransport(http: http, server: server))
            }
        } catch let error as TransportError where error.code == .authority {
            throw AgentError(
                .unavailable, error.reason, hint: "put the CA's certificate there, or enrol with another --ca-file")
        }
    }

    /// The transport of an enrolled host.
    package static func with<Result: Sendable>(
        _ configuration: AgentConfiguration, _ body: (HTTPTransport) async throws -> Result
    ) async throws -> Result {
        try await with(try ServerAddress(configuration.server), caFile: configuration.caFile, body)
    }

    /// Fetches a path below the server's address.
    ///
    /// - Parameters:
    ///   - limit: bytes of the body that are taken; more is an error.
    ///   - seconds: for the whole exchange, the body included.
    package func get(
        _ path: String, limit: Int, seconds: Int64 = 60, unlessMatches entityTag: String? = nil
    ) async throws -> HTTPAnswer {
        var request = HTTPClientRequest(url: server.text + path)
        if let entityTag { request.headers.add(name: "If-None-Match", value: entityTag) }
        return try await exchange(request, path, limit: limit, seconds: seconds)
    }

    /// Posts a JSON body.
    package func post(
        _ path: String, json: [UInt8], limit: Int = 1 << 20, seconds: Int64 = 60
    ) async throws -> HTTPAnswer {
        var request = HTTPClientRequest(url: server.text + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: json))
        return try await exchange(request, path, limit: limit, seconds: seconds)
    }

    private func exchange(
        _ request: HTTPClientRequest, _ path: String, limit: Int, seconds: Int64
    ) async throws -> HTTPAnswer {
        do {
            return try await http.exchange(request, limit: limit, seconds: Double(seconds))
        } catch let error as TransportError {
            switch error.code {
            case .tooLarge, .encoded: throw AgentError(.answer, "\(path): \(error.reason)")
            case .unreachable, .deadline, .address, .authority: throw unreachable(error.reason)
            }
        }
    }

    private func unreachable(_ found: String) -> AgentError {
        AgentError(
            .unavailable, "cannot reach the server \(server): \(found)",
            hint: "check that the server runs and that this host can connect to it")
    }
}
