import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RoadsteadCommand

/// Requests to services that are not trusted: one deadline over the whole exchange, a bound on the answer, nothing
/// decompressed, no redirect followed, a new connection for each.
struct HTTPClientReach: HTTPReach {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(10))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let response = try await Self.exchange(request, client)
            try? await client.shutdown()
            return response
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// The exchange runs against the clock as a whole: a server that sends one byte a second does not hold anybody up.
    private static func exchange(_ request: HTTPRequest, _ client: HTTPClient) async throws -> HTTPResponse {
        try await withThrowingTaskGroup(of: HTTPResponse.self) { group in
            group.addTask { try await answer(request, client) }
            group.addTask {
                try await Task.sleep(for: request.deadline)
                throw RemoteError(
                    .unreachable, "\(request.url) gave no whole answer within \(request.deadline)")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private static func answer(_ request: HTTPRequest, _ client: HTTPClient) async throws -> HTTPResponse {
        var message = HTTPClientRequest(url: request.url)
        message.method = HTTPMethod(rawValue: request.method.rawValue)
        for (name, value) in request.headers { message.headers.add(name: name, value: value) }
        if request.method == .post { message.body = .bytes(ByteBuffer(bytes: request.body)) }
        do {
            let response = try await client.execute(message, timeout: .seconds(request.deadline.components.seconds + 1))
            var body: [UInt8] = []
            for try await part in response.body {
                guard part.readableBytes <= request.maximumBytes - body.count else {
                    throw RemoteError(
                        .answer, "\(request.url) sends more than the \(request.maximumBytes) bytes that are taken")
                }
                body.append(contentsOf: part.readableBytesView)
            }
            let headers = response.headers.map { (name: $0.name.lowercased(), value: $0.value) }
            return HTTPResponse(status: Int(response.status.code), headers: headers, body: body)
        } catch let error as RemoteError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw RemoteError(.unreachable, "\(request.url) does not answer: \(String("\(error)".prefix(200)))")
        }
    }
}
