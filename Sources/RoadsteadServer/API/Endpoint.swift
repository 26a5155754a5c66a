import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import RoadsteadWire

/// One operation of the API: what the router runs and what the OpenAPI document says, in one value.
struct Endpoint: Sendable {
    /// What a caller must show.
    enum Access: String, Sendable {
        /// Nothing: the body carries its own proof, or there is nothing to protect.
        case open
        /// The bootstrap token, as bearer.
        case bootstrapToken
        /// An API token, as bearer.
        case token
    }

    /// A parameter of the query.
    struct QueryParameter: Sendable {
        let name: String
        let summary: String
        /// What it may say; what its name usually means unless given.
        var form: ParameterForm?
        var isRequired = false
    }

    enum Concurrency: Sendable {
        case none
        /// `If-Match` is looked at where it is sent.
        case ifMatchWhereSent
        /// `If-Match` with the version that the change was made from is required.
        case ifMatch
    }

    /// Whether the answer may be kept for `Idempotency-Key`.
    enum Repeats: Sendable {
        /// Reading: nothing to keep.
        case harmless
        case replayed
        /// The answer holds a secret that is shown once, so it is not kept: the same key again is refused.
        case refused
    }

    let method: HTTPRequest.Method
    /// With parameters in braces, as OpenAPI and the router both write them.
    let path: String
    let summary: String
    let tag: String
    let access: Access
    let permission: EndpointPermission
    let body: (any (Decodable & SendableMetatype).Type)?
    let answer: (any (Encodable & SendableMetatype).Type)?
    let status: HTTPResponse.Status
    let queries: [QueryParameter]
    let concurrency: Concurrency
    let repeats: Repeats
    /// Most bytes of the request's body.
    let bodyLimit: Int
    /// What it takes from its caller's share of requests.
    var cost: Int = 1
    /// Whether the answer may be 202 with the change that was proposed, which waits for others.
    var mayWait = false
    /// Of the answer; a list that is as long as it is comes as JSON lines, each of the answer's form.
    var mediaType = Endpoint.json
    let run: @Sendable (Call) async throws -> Answer

    static let writeCost = 5
    /// Of reads that walk through everything.
    static let expensiveCost = 100
    static let json = "application/json"
    static let jsonLines = "application/jsonl"
    static let defaultBodyLimit = 64 * 1024
    static let pageQueries = [
        QueryParameter(name: "limit", summary: "Items on a page, 1 to 1000; 100 unless said"),
        QueryParameter(name: "cursor", summary: "`next` of the page before, as it was given"),
    ]

    var pathParameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}

/// What an operation answers with.
struct Answer: Sendable {
    let json: JSON?
    /// The version of what was answered, for `If-Match`.
    let version: Int64?
    /// The change that was proposed and waits for others; nil where what was asked for is in force.
    let waiting: Int64?
    /// What is written piece by piece, instead of `json`.
    var stream: ResponseBody?

    static let empty = Answer(json: nil, version: nil)

    init(json: JSON?, version: Int64?) {
        self.json = json
        self.version = version
        waiting = nil
    }

    init(_ value: some Encodable, version: Int64? = nil) throws {
        self.init(json: try JSON(encoding: value), version: version)
    }

    init(waiting change: ChangeBody) throws {
        json = try JSON(encoding: change)
        version = change.version
        waiting = change.number
    }
}

extension Endpoint {
    /// An operation that reads a list of any length, which is written line by line while it is read.
    ///
    /// - Parameter run: checks what was asked for, then gives what reads the next lines after a number: none at the end.
    static func export<Value: Codable & Sendable>(
        _ path: String, _ summary: String, tag: String, permission: EndpointPermission, queries: [QueryParameter],
        answer: Value.Type,
        _ run:
            @escaping @Sendable (Call) async throws -> @Sendable (Int64) async throws -> [(number: Int64, line: Value)]
    ) -> Endpoint {
        Endpoint(
            method: .get, path: path, summary: summary, tag: tag, access: .token, permission: permission, body: nil,
            answer: Value.self, status: .ok, queries: queries, concurrency: .none, repeats: .harmless, bodyLimit: 0,
            cost: expensiveCost,
            mediaType: jsonLines
        ) { call in
            let next = try await run(call)
            var answer = Answer.empty
            answer.stream = ResponseBody { writer in
                var last: Int64 = 0
                while case let lines = try await next(last), let end = lines.last {
                    var text = ByteBuffer()
                    for (_, line) in lines { text.writeBytes(try JSON(encoding: line).bytes + [UInt8(ascii: "\n")]) }
                    try await writer.write(text)
                    last = end.number
                }
                try await writer.finish(nil)
            }
            return answer
        }
    }

    /// An operation that reads.
    static func read<Value: Codable & Sendable>(
        _ path: String, _ summary: String, tag: String, access: Access = .token, permission: EndpointPermission,
        queries: [QueryParameter] = [], cost: Int = 1, answer: Value.Type = Value.self,
        version: @escaping @Sendable (Value) -> Int64? = { _ in nil },
        _ run: @escaping @Sendable (Call) async throws -> Value
    ) -> Endpoint {
        Endpoint(
            method: .get, path: path, summary: summary, tag: tag, access: access, permission: permission, body: nil,
            answer: Value.self,
            status: .ok, queries: queries, concurrency: .none, repeats: .harmless, bodyLimit: 0,
            cost: cost
        ) { call in
            let value = try await run(call)
            return try Answer(value, version: version(value))
        }
    }

    /// An operation that takes a body and changes something.
    static func write<Body: Codable & Sendable, Value: Codable & Sendable>(
        method: HTTPRequest.Method = .post, _ path: String, _ summary: String, tag: String,
        access: Access = .token, permission: EndpointPermission, status: HTTPResponse.Status = .created,
        concurrency: Concurrency = .none, repeats: Repeats = .replayed, bodyLimit: Int = defaultBodyLimit,
        body: Body.Type = Body.self,
        answer: Value.Type = Value.self, version: @escaping @Sendable (Value) -> Int64? = { _ in nil },
        _ run: @escaping @Sendable (Call, Body) async throws -> Value
    ) -> Endpoint {
        Endpoint(
            method: method, path: path, summary: summary, tag: tag, access: access, permission: permission,
            body: Body.self,
            answer: Value.self, status: status, queries: [], concurrency: concurrency, repeats: repeats,
            bodyLimit: bodyLimit, cost: writeCost
        ) { call in
            let value = try await run(call, try call.decode(Body.self))
            return try Answer(value, version: version(value))
        }
    }

    /// An operation that changes something and takes no body.
    static func act<Value: Codable & Sendable>(
        _ path: String, _ summary: String, tag: String, permission: EndpointPermission,
        status: HTTPResponse.Status = .ok, concurrency: Concurrency = .none, answer: Value.Type = Value.self,
        version: @escaping @Sendable (Value) -> Int64? = { _ in nil },
        _ run: @escaping @Sendable (Call) async throws -> Value
    ) -> Endpoint {
        Endpoint(
            method: .post, path: path, summary: summary, tag: tag, access: .token, permission: permission, body: nil,
            answer: Value.self,
            status: status, queries: [], concurrency: concurrency, repeats: .replayed, bodyLimit: 1_024,
            cost: writeCost
        ) { call in
            let value = try await run(call)
            return try Answer(value, version: version(value))
        }
    }

    /// An operation that takes a body and answers with nothing. Hosts share addresses and sign what they send, so it
    /// takes nothing from an address's share.
    static func deliver<Body: Codable & Sendable>(
        _ path: String, _ summary: String, tag: String, access: Access, permission: EndpointPermission,
        bodyLimit: Int = defaultBodyLimit,
        body: Body.Type = Body.self, _ run: @escaping @Sendable (Call, Body) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            method: .post, path: path, summary: summary, tag: tag, access: access, permission: permission,
            body: Body.self, answer: nil,
            status: .noContent, queries: [], concurrency: .none, repeats: .harmless, bodyLimit: bodyLimit,
            cost: 0
        ) { call in
            try await run(call, try call.decode(Body.self))
            return .empty
        }
    }

    /// An operation that takes something away.
    static func remove(
        _ path: String, _ summary: String, tag: String, permission: EndpointPermission,
        queries: [QueryParameter] = [], _ run: @escaping @Sendable (Call) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            method: .delete, path: path, summary: summary, tag: tag, access: .token, permission: permission, body: nil,
            answer: nil,
            status: .noContent, queries: queries, concurrency: .none, repeats: .replayed, bodyLimit: 1_024,
            cost: writeCost
        ) { call in
            try await run(call)
            return .empty
        }
    }
}
