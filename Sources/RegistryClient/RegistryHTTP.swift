import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What a registry answered.
struct RegistryAnswer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
}

/// Requests to servers that are not trusted: a deadline over each exchange, a bound on each body, nothing decompressed,
/// no redirect followed by itself.
struct RegistryHTTP: Sendable {
    let client: HTTPClient

    /// For one exchange, the body included.
    static let deadlineSeconds: Int64 = 60

    static func with<Result: Sendable>(_ body: (RegistryHTTP) async throws -> Result) async throws -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(20))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(RegistryHTTP(client: client))
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    func get(_ url: String, headers: [(String, String)], limit: Int) async throws -> RegistryAnswer {
        var request = HTTPClientRequest(url: url)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let end = NIODeadline.now() + .seconds(Self.deadlineSeconds)
        do {
            let response = try await client.execute(request, deadline: end)
            var body: [UInt8] = []
            for try await part in response.body {
                guard part.readableBytes <= limit - body.count else {
                    throw RegistryError(
                        .limit, "\(RegistryAddress.hostPart(of: url)) sends more than the \(limit) bytes that are taken"
                    )
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
        } catch {
            throw RegistryError(
                .unreachable, "\(RegistryAddress.hostPart(of: url)) does not answer: \(String("\(error)".prefix(200)))")
        }
    }
}
