import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// What a server answered.
package struct HTTPAnswer: Sendable {
    package let status: Int
    package let body: [UInt8]
    package let entityTag: String?
}

/// Requests with a total deadline and a bound on the body; no redirects, no decompression.
package struct HTTPTransport: Sendable {
    private let client: HTTPClient
    package let server: ServerAddress

    /// Gives the body a transport and closes its connections at the end.
    package static func with<Result: Sendable>(
        _ server: ServerAddress, _ body: (HTTPTransport) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(70))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(HTTPTransport(client: client, server: server))
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
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
        var request = request
        request.headers.add(name: "User-Agent", value: "roadstead-agent/\(AgentVersion.text)")
        let (client, ready) = (client, request)
        // The client's own timeout does not bound the body: the whole exchange runs against a clock.
        return try await withThrowingTaskGroup(of: HTTPAnswer?.self) { group in
            group.addTask {
                let response = try await client.execute(ready, deadline: .now() + .seconds(seconds))
                var body: [UInt8] = []
                for try await part in response.body {
                    guard body.count + part.readableBytes <= limit else {
                        throw AgentError(.answer, "\(path) has more than the \(limit) bytes that are taken")
                    }
                    body.append(contentsOf: part.readableBytesView)
                }
                return HTTPAnswer(
                    status: Int(response.status.code), body: body, entityTag: response.headers.first(name: "ETag"))
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            do {
                if let answer = try await group.next(), let answer { return answer }
            } catch let error as AgentError {
                throw error
            } catch {
                try Task.checkCancellation()
                throw unreachable(Self.words(error))
            }
            throw unreachable("no whole answer within \(seconds) s")
        }
    }

    private func unreachable(_ found: String) -> AgentError {
        AgentError(
            .unavailable, "cannot reach the server \(server): \(found)",
            hint: "check that the server runs and that this host can connect to it")
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription.lowercased()
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { "\($0.error)" } ?? "no address of \(error.host) answers"
        default: String("\(error)".prefix(300))
        }
    }
}
