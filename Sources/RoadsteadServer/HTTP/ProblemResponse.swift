import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import Problems
import RoadsteadPublish
import RoadsteadWire

/// Turns every error into its answer: the one place where a problem's kind becomes a status. [RFC 9457]
enum ProblemResponse {
    /// Statuses by the problem's stable name; `module.*` holds for the rest of a module.
    static let statuses: [String: HTTPResponse.Status] = [
        "server.unauthenticated": .unauthorized,
        "server.too-many-attempts": .tooManyRequests,
        "server.rate-limit": .tooManyRequests,
        "server.not-found": .notFound,
        "server.published": .notFound,
        "server.exposed": .misdirectedRequest,
        "server.method-not-allowed": .methodNotAllowed,
        "server.request": .badRequest,
        "server.body-too-large": .contentTooLarge,
        "server.media-type": .unsupportedMediaType,
        "server.unusable-key": .unprocessableContent,
        "server.precondition-required": .preconditionRequired,
        "server.idempotency-key": .conflict,
        "server.unavailable": .serviceUnavailable,
        "codecs.limit": .contentTooLarge,
        "codecs.not-an-integer": .unprocessableContent,
        "codecs.value": .unprocessableContent,
        "codecs.*": .badRequest,
        "store.unauthenticated": .unauthorized,
        "store.forbidden": .forbidden,
        "store.own-proposal": .forbidden,
        "store.not-found": .notFound,
        "store.conflict": .conflict,
        "store.invalid": .unprocessableContent,
        "store.refused-by-rule": .unprocessableContent,
        "store.refused-by-guard": .unprocessableContent,
        "store.stale-approval": .conflict,
        "store.expired": .gone,
        "store.used-up": .gone,
        "store.not-open": .conflict,
        "store.version-mismatch": .preconditionFailed,
        "store.replay": .conflict,
        "store.host-ahead": .conflict,
        "store.idempotency": .conflict,
        "store.fence": .serviceUnavailable,
        "trust.foreign-scope": .forbidden,
        "trust.*": .unprocessableContent,
        "pki.*": .unprocessableContent,
        "keys.*": .unprocessableContent,
        "tuf.*": .unprocessableContent,
        "publish.content": .unprocessableContent,
        "publish.size": .unprocessableContent,
        "publish.offline-key": .conflict,
        "publish.root-key": .unprocessableContent,
        "publish.root-draft": .conflict,
        "publish.role-draft": .conflict,
        "publish.targets-draft": .conflict,
        "publish.key-use": .unprocessableContent,
        "publish.key-unavailable": .serviceUnavailable,
        "publish.key-name": .serviceUnavailable,
        "outbound.url": .unprocessableContent,
        "outbound.refused": .unprocessableContent,
        "postgres.connect": .serviceUnavailable,
        "postgres.authentication": .serviceUnavailable,
        "postgres.connection-lost": .serviceUnavailable,
        "postgres.commit-unknown": .serviceUnavailable,
        "postgres.deadline": .serviceUnavailable,
        "postgres.pool-exhausted": .serviceUnavailable,
        "postgres.pool-closed": .serviceUnavailable,
        "postgres.conflict": .serviceUnavailable,
        "postgres.lock": .serviceUnavailable,
    ]

    /// Seconds after which a caller may try again when something is away.
    static let retryAfter = "5"

    static func status(of problem: any Problem) -> HTTPResponse.Status {
        let identifier = problem.identifier
        let module = identifier.prefix { $0 != "." }
        return statuses[identifier] ?? statuses["\(module).*"] ?? .internalServerError
    }

    /// The answer to a request that failed.
    static func response(for error: any Error, requestID: String) -> Response {
        guard let problem = known(error) else { return hidden(requestID) }
        let status = status(of: problem)
        switch status {
        case .internalServerError: return hidden(requestID)
        case .serviceUnavailable: return unavailable(problem, requestID)
        default: return response(status, of: problem, requestID)
        }
    }

    /// Whether the error is one that the operator must see, with its detail, in the log.
    static func isFault(_ error: any Error) -> Bool {
        guard let problem = known(error) else { return true }
        return status(of: problem).code >= 500
    }

    private static func known(_ error: any Error) -> (any Problem)? {
        if let problem = error as? any Problem { return problem }
        if error is NIOTooManyBytesError {
            return ServerError(.bodyTooLarge, "the request's body is larger than this path takes")
        }
        guard let http = error as? any HTTPResponseError else { return nil }
        switch http.status {
        case .contentTooLarge: return ServerError(.bodyTooLarge, "the request's body is larger than this path takes")
        case .notFound: return ServerError(.notFound, "there is nothing at this address", hint: "see /openapi.json")
        case let status where (400..<500).contains(status.code):
            return ServerError(.request, "the request was not understood: \(status.reasonPhrase.lowercased())")
        default: return nil
        }
    }

    /// What the database said stays in the log; which key cannot be used, and why, is for who needs it.
    private static func unavailable(_ problem: any Problem, _ requestID: String) -> Response {
        let shown =
            problem is ServerError || problem is PublishError
            ? problem
            : ServerError(
                .unavailable, "the database does not answer at the moment", hint: "try again in a few seconds")
        var response = response(.serviceUnavailable, of: shown, requestID)
        response.headers[.retryAfter] = retryAfter
        return response
    }

    private static func hidden(_ requestID: String) -> Response {
        let problem = ServerError(
            .internal, "the server failed to answer", hint: "give the request id \(requestID) to the operator")
        return response(.internalServerError, of: problem, requestID)
    }

    private static func response(_ status: HTTPResponse.Status, of problem: any Problem, _ requestID: String)
        -> Response
    {
        let body = ProblemBody(
            type: problem.identifier, title: status.reasonPhrase, status: status.code, detail: problem.reason,
            hint: problem.hint, requestID: requestID)
        let bytes = (try? JSON(encoding: body).bytes) ?? []
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        if status == .tooManyRequests {
            headers[.retryAfter] = String((problem as? ServerError)?.retryAfter ?? SignInLimiter.windowSeconds)
        }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
