import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import RoadsteadStore
import SigningKeys

/// Runs one endpoint: who is calling, the body within its limit, the operation, the answer.
struct EndpointHandler: Sendable {
    let endpoint: Endpoint
    let gate: Gate
    let repeats: any RepeatedAnswers
    let clock: @Sendable () -> UTCDate

    func respond(to request: Request, context: RoadsteadContext) async throws -> Response {
        try gate.requests.take(endpoint.cost, from: .address(gate.proxies.client(request, context)))
        try refuseUnknownQueries(request)
        let bearer = Gate.bearer(of: request)
        let session = try await session(request, bearer, context)
        if let session { try gate.requests.take(endpoint.cost, from: .credential(session.credential.id)) }
        var call = Call(request: request, context: context, now: clock(), session: session, bearer: bearer, body: [])
        do {
            try endpoint.permission.check(call)
            call.body = try await body(of: request)
            return try await Reader.$current.withValue(session.map { Reader($0) } ?? .nobody) { [call] in
                try await answer(call)
            }
        } catch {
            await gate.attempts?.note(error, of: endpoint, call)
            throw error
        }
    }

    private func answer(_ call: Call) async throws -> Response {
        guard endpoint.repeats != .harmless, let session = call.session, let key = try Self.idempotencyKey(call.request)
        else {
            return try response(to: try await endpoint.run(call))
        }
        return try await once(key, session, call)
    }

    private func session(
        _ request: Request, _ bearer: String?, _ context: RoadsteadContext
    ) async throws -> Session? {
        switch endpoint.access {
        case .open: return nil
        case .token: return try await gate.signIn(bearer, request, context, now: clock())
        case .bootstrapToken:
            try await gate.admit(request, context, now: clock())
            guard bearer != nil else { throw Gate.refusal }
            return nil
        }
    }

    // MARK: Request

    private func refuseUnknownQueries(_ request: Request) throws {
        guard request.uri.query != nil else { return }
        let known = endpoint.queries.map(\.name)
        for (name, _) in request.uri.queryParameters where !known.contains(String(name)) {
            throw ServerError(
                .request, "\"\(name.prefix(40))\" is no parameter of \(endpoint.method.rawValue) \(endpoint.path)",
                hint: known.isEmpty ? "it takes none" : "it takes \(known.joined(separator: ", "))")
        }
    }

    private func body(of request: Request) async throws -> [UInt8] {
        guard endpoint.bodyLimit > 0 else { return [] }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: endpoint.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw ServerError(
                .bodyTooLarge, "the request's body is larger than the \(endpoint.bodyLimit) bytes taken here")
        }
        let bytes = Array(buffer.readableBytesView)
        guard endpoint.body != nil else {
            guard bytes.isEmpty || bytes == Array("{}".utf8) else {
                throw ServerError(.request, "this operation takes no body")
            }
            return []
        }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/json" else {
            throw ServerError(
                .mediaType, "the body is \(type?.prefix(40) ?? "of no stated type")",
                hint: "send Content-Type: application/json")
        }
        return bytes
    }

    // MARK: Answer

    private func response(to answer: Answer) throws -> Response {
        var headers = HTTPFields()
        if let version = answer.version { headers[.eTag] = "\"\(version)\"" }
        if let number = answer.waiting { headers[.location] = "/v1/changes/\(number)" }
        let status = status(of: answer)
        if let stream = answer.stream {
            headers[.contentType] = endpoint.mediaType
            return Response(status: status, headers: headers, body: stream)
        }
        guard let json = answer.json else { return Response(status: status, headers: headers) }
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }

    private func status(of answer: Answer) -> HTTPResponse.Status {
        answer.waiting == nil ? endpoint.status : .accepted
    }

    // MARK: Idempotency

    static let longestKey = 128

    private static func idempotencyKey(_ request: Request) throws -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...longestKey).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ServerError(
                .request, "the Idempotency-Key is not 1 to \(longestKey) printable ASCII characters",
                hint: "a random UUID serves")
        }
        return key
    }

    /// Runs the operation unless the same key brought its answer before.
    private func once(_ key: String, _ session: Session, _ call: Call) async throws -> Response {
        let digest = HashAlgorithm.sha256.digest(
            of: Array("\(endpoint.method.rawValue) \(call.request.head.path ?? "")\n".utf8) + call.body)
        if let kept = try await repeats.claim(key, digest: digest, session, now: call.now) { return try replay(kept) }
        do {
            let answer = try await ClaimedKey.$current.withValue(ClaimedKey(key, of: session.person.id)) {
                try await endpoint.run(call)
            }
            let status = status(of: answer).code
            let kept =
                endpoint.repeats == .refused
                ? KeptAnswer(secretWithStatus: status) : KeptAnswer(status: status, json: answer.json)
            try await repeats.keep(kept, for: key, session)
            return try response(to: answer)
        } catch {
            try? await repeats.release(key, session)
            throw error
        }
    }

    private func replay(_ kept: KeptAnswer) throws -> Response {
        guard !kept.wasSecret else {
            throw ServerError(
                .idempotencyKey, "this was done already, and its answer held a secret that is shown once",
                hint: "use another Idempotency-Key to make a new one")
        }
        var headers: HTTPFields = [.idempotentReplayed: "true"]
        if let type = kept.contentType { headers[.contentType] = type }
        return Response(
            status: .init(code: kept.status), headers: headers,
            body: kept.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: kept.body)))
    }
}
