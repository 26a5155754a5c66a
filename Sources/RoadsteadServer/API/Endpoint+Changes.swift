import HTTPTypes
import Hummingbird
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// What became of an operation that proposes a change.
enum Governed<Value: Sendable>: Sendable {
    case inForce(Value)
    /// Others must agree first.
    case waiting(ChangeBody)
}

extension Endpoint {
    /// An operation that proposes a change: in force at once, or 202 with the change that waits for others.
    static func govern<Body: Codable & Sendable, Value: Codable & Sendable>(
        method: HTTPRequest.Method = .post, _ path: String, _ summary: String, tag: String,
        permission: EndpointPermission, status: HTTPResponse.Status = .created, body: Body.Type = Body.self,
        answer: Value.Type = Value.self,
        _ run: @escaping @Sendable (Call, Body) async throws -> Governed<Value>
    ) -> Endpoint {
        var endpoint = Endpoint(
            method: method, path: path, summary: summary, tag: tag, access: .token, permission: permission,
            body: Body.self, answer: Value.self, status: status, queries: [], concurrency: .none, repeats: .replayed,
            bodyLimit: defaultBodyLimit
        ) { call in
            switch try await run(call, try call.decode(Body.self)) {
            case .inForce(let value): try Answer(value)
            case .waiting(let change): try Answer(waiting: change)
            }
        }
        endpoint.mayWait = true
        return endpoint
    }

    /// The same for taking something away.
    static func governRemoval(
        _ path: String, _ summary: String, tag: String, permission: EndpointPermission,
        queries: [QueryParameter] = [], _ run: @escaping @Sendable (Call) async throws -> Governed<Void>
    ) -> Endpoint {
        var endpoint = Endpoint(
            method: .delete, path: path, summary: summary, tag: tag, access: .token, permission: permission,
            body: nil, answer: nil, status: .noContent, queries: queries, concurrency: .none, repeats: .replayed,
            bodyLimit: 1_024
        ) { call in
            switch try await run(call) {
            case .inForce: .empty
            case .waiting(let change): try Answer(waiting: change)
            }
        }
        endpoint.mayWait = true
        return endpoint
    }
}

extension ApiStore {
    /// Proposes for the caller what an operation of the API asks for.
    ///
    /// - Parameter value: what is answered once it is in force.
    func govern<Value: Sendable>(
        _ operations: [any GovernedOperation], _ call: Call, value: () async throws -> Value
    ) async throws -> Governed<Value> {
        let content = try ChangeContent(
            team: nil, operations: operations.map { .governed(GovernedStep($0)) },
            justification: "asked for by \(call.request.method.rawValue) \(call.request.uri.path)")
        let record = try await propose(content, by: try call.caller().actor, now: call.now)
        guard record.change.state == .published else {
            return .waiting(try await ChangeController(store: self).render(record))
        }
        return .inForce(try await value())
    }

    func govern(_ operations: [any GovernedOperation], _ call: Call) async throws -> Governed<Void> {
        try await govern(operations, call) {}
    }
}
