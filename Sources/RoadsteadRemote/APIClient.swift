import AsyncHTTPClient
import Codecs
import Files
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Problems
import RoadsteadWire

/// How a request changes something.
enum WriteMethod: Sendable {
    case post, put, delete

    fileprivate var http: HTTPMethod {
        switch self {
        case .post: .POST
        case .put: .PUT
        case .delete: .DELETE
        }
    }
}

/// Sends requests to one server and reads its answers strictly.
struct APIClient: Sendable {
    /// Largest answer taken in, and the time that a request may take in all.
    static let maximumAnswerBytes = 32 << 20
    static let deadlineSeconds: Int64 = 90

    let server: String
    private let token: String?
    private let client: HTTPClient

    init(
        server: String, token: String?, certificateAuthority: String? = nil, identity: ClientIdentity? = nil
    ) throws {
        self.server = try Self.checked(server)
        self.token = token
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(75))
        configuration.tlsConfiguration = try Self.tls(certificateAuthority, identity)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private static func tls(_ authority: String?, _ identity: ClientIdentity?) throws -> TLSConfiguration? {
        guard authority != nil || identity != nil else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authority { tls.trustRoots = .file(authority) }
        guard let identity else { return tls }
        do {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(identity.certificate).map { .certificate($0) }
            let key = try NIOSSLPrivateKey(bytes: try Files.readSecret(identity.key), format: .pem)
            tls.privateKey = .privateKey(key)
        } catch let error as FileError {
            throw error
        } catch {
            throw RemoteError(
                .file, "the client certificate \(identity.certificate) and its key \(identity.key) cannot be used",
                hint: "both are PEM files, and the key is a 0600 file of its own")
        }
        return tls
    }

    func close() async { try? await client.shutdown() }

    func get<Answer: Decodable & Sendable>(_ path: String, _ query: [(String, String?)] = []) async throws -> Answer {
        try decode(try await exchange(.GET, path + Self.queryText(query), body: nil, headers: []))
    }

    /// Every item of a paged list.
    func all<Item: Codable & Sendable>(_ path: String, _ query: [(String, String?)] = []) async throws -> [Item] {
        var items: [Item] = []
        var cursor: String?
        repeat {
            let page: Page<Item> = try await get(path, query + [("cursor", cursor), ("limit", "1000")])
            items += page.items
            cursor = page.next
        } while cursor != nil
        return items
    }

    /// Every item of a list that comes whole.
    func list<Item: Codable & Sendable>(_ path: String, _ query: [(String, String?)] = []) async throws -> [Item] {
        let page: Page<Item> = try await get(path, query)
        return page.items
    }

    func send<Answer: Decodable & Sendable>(
        _ method: WriteMethod, _ path: String, _ body: (any Encodable & Sendable)? = nil, ifMatch: Int64? = nil
    ) async throws -> Answer {
        try decode(try await write(method, path, body, ifMatch: ifMatch))
    }

    /// Sends what becomes a change: 202 answers with the change that waits, anything else with what is in force.
    func propose<Answer: Decodable & Sendable>(
        _ method: WriteMethod, _ path: String, _ body: (any Encodable & Sendable)? = nil, ifMatch: Int64? = nil
    ) async throws -> Proposal<Answer> {
        let (status, bytes) = try await writeWithStatus(method, path, body, ifMatch: ifMatch)
        return status == 202 ? .waiting(try decode(bytes)) : .inForce(try decode(bytes))
    }

    func sendWithoutAnswer(_ method: WriteMethod, _ path: String, _ body: (any Encodable & Sendable)? = nil)
        async throws
    {
        _ = try await write(method, path, body, ifMatch: nil)
    }

    /// Hands on an answer piece by piece, however long it is.
    func stream(
        _ path: String, _ query: [(String, String?)] = [], _ take: (ArraySlice<UInt8>) throws -> Void
    ) async throws {
        var request = HTTPClientRequest(url: server + path + Self.queryText(query))
        request.headers = ["Accept": "application/jsonl", "User-Agent": "roadstead"]
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        do {
            let response = try await client.execute(request, timeout: .hours(24))
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
                throw refusal(Int(response.status.code), Array(buffer: body))
            }
            for try await piece in response.body { try take(ArraySlice(piece.readableBytesView)) }
        } catch let error as any Problem {
            throw error
        } catch {
            throw RemoteError(.unreachable, "the answer of \(server) broke off: \(Self.plainReason(error))")
        }
    }

    /// The bytes of a published file.
    func file(_ path: String) async throws -> [UInt8] { try await exchange(.GET, path, body: nil, headers: []) }

    private func write(
        _ method: WriteMethod, _ path: String, _ body: (any Encodable & Sendable)?, ifMatch: Int64?
    ) async throws -> [UInt8] { try await writeWithStatus(method, path, body, ifMatch: ifMatch).body }

    private func writeWithStatus(
        _ method: WriteMethod, _ path: String, _ body: (any Encodable & Sendable)?, ifMatch: Int64?
    ) async throws -> (status: Int, body: [UInt8]) {
        var headers = [("Idempotency-Key", UUID().uuidString.lowercased())]
        if let ifMatch { headers.append(("If-Match", "\"\(ifMatch)\"")) }
        return try await exchangeWithStatus(
            method.http, path, body: try body.map { try JSON(encoding: $0).bytes }, headers: headers)
    }

    private func exchange(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: [(String, String)]
    ) async throws -> [UInt8] { try await exchangeWithStatus(method, path, body: body, headers: headers).body }

    private func exchangeWithStatus(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: [(String, String)]
    ) async throws -> (status: Int, body: [UInt8]) {
        var request = HTTPClientRequest(url: server + path)
        request.method = method
        request.headers = HTTPHeaders(headers + [("Accept", "application/json"), ("User-Agent", "roadstead")])
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, bytes) = try await answer(to: request)
        guard (200..<300).contains(status) else { throw refusal(status, bytes) }
        return (status, bytes)
    }

    private func answer(to request: HTTPClientRequest) async throws -> (Int, [UInt8]) {
        do {
            let client = client
            return try await withDeadline(seconds: Self.deadlineSeconds) {
                let response = try await client.execute(request, timeout: .seconds(Self.deadlineSeconds))
                let body = try await response.body.collect(upTo: Self.maximumAnswerBytes)
                return (Int(response.status.code), Array(buffer: body))
            }
        } catch is NIOTooManyBytesError {
            throw RemoteError(.answer, "\(server) answered with more than \(Self.maximumAnswerBytes) bytes")
        } catch let error as RemoteError {
            throw error
        } catch {
            throw RemoteError(
                .unreachable, "cannot reach \(server): \(Self.plainReason(error))",
                hint: "is the server running? try: curl \(server)/healthz")
        }
    }

    private func decode<Answer: Decodable>(_ bytes: [UInt8]) throws -> Answer {
        do {
            return try JSON(parsing: bytes).decode(place: "answer")
        } catch {
            throw RemoteError(
                .answer, "the answer of \(server) makes no sense: \(error)", hint: "is this a Roadstead server?")
        }
    }

    private func refusal(_ status: Int, _ bytes: [UInt8]) -> RemoteError {
        guard let body = try? JSON(parsing: bytes).decode(ProblemBody.self) else {
            return RemoteError(.refused, "\(server) answered with status \(status)")
        }
        let code: RemoteError.Code = status == 401 ? .notSignedIn : status >= 500 ? .unreachable : .refused
        let request = status >= 500 ? body.requestID.map { " (request \($0))" } ?? "" : ""
        return RemoteError(code, body.detail + request, hint: body.hint)
    }

    /// Takes `https://` anywhere and `http://` on loopback only, so that no token crosses a network in the clear.
    private static func checked(_ server: String) throws -> String {
        let trimmed = server.hasSuffix("/") ? String(server.dropLast()) : server
        guard let url = URL(string: trimmed), let host = url.host(), url.query() == nil, url.path().isEmpty else {
            throw RemoteError(
                .usage, "\"\(server)\" is not the address of a server", hint: "such as https://roadstead.example.com")
        }
        let loopback = host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "::1"
        guard url.scheme == "https" || (url.scheme == "http" && loopback) else {
            throw RemoteError(
                .usage, "\(server) would carry the token over the network in the clear", hint: "use https://")
        }
        return trimmed
    }

    private static func plainReason(_ error: any Error) -> String {
        if let error = error as? HTTPClientError { return String(describing: error) }
        return String(describing: error)
    }

    private static func queryText(_ query: [(String, String?)]) -> String {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(percentEncoded($0))" } }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "-._~".utf8.contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }
}

/// Runs a body that is cancelled when its time is over.
private func withDeadline<Value: Sendable>(
    seconds: Int64, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw RemoteError(.unreachable, "the server did not answer within \(seconds) s")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
