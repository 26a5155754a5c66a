import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Problems
import ReleaseCriteria

/// Turns values and errors into answers: the one place where a kind of problem becomes a status. [RFC 9457]
enum Answers {
    static func json(_ status: HTTPResponse.Status, _ body: JSON) -> Response {
        response(status, "application/json", body)
    }

    static func json(_ status: HTTPResponse.Status, encoding body: some Encodable) throws -> Response {
        json(status, try JSON(encoding: body))
    }

    /// A denial, with every criterion.
    static func denied(_ decision: SigningDecisionBody, requestID: String) throws -> Response {
        let missing = decision.findings.filter { !$0.holds }.map(\.criterion).joined(separator: ", ")
        let error = SignerError(
            .denied, "the key's criteria do not hold: \(missing)", hint: "the decision says what was wanted and found")
        var body = problem(error, status: 403, requestID)
        body["decision"] = try JSON(encoding: decision)
        return response(.forbidden, "application/problem+json", .object(body))
    }

    static func problem(_ error: any Error, requestID: String) -> Response {
        let error = known(error)
        let status = status(error)
        var response = response(
            status, "application/problem+json", .object(problem(error, status: status.code, requestID)))
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        // Who proves nothing holds no connection either.
        if [.unauthenticated, .tooManyStrangers].contains(error.code) { response.headers[.connection] = "close" }
        if status == .serviceUnavailable { response.headers[.retryAfter] = "1" }
        if status == .tooManyRequests { response.headers[.retryAfter] = "10" }
        return response
    }

    /// The kind of error that an answer shows.
    static func code(of error: any Error) -> SignerError.Code { known(error).code }

    /// What is not meant for callers stays in the service's own log.
    private static func known(_ error: any Error) -> SignerError {
        switch error {
        case let error as SignerError where ![.configuration, .brokenLog].contains(error.code): return error
        case let error as CodecError:
            return SignerError(error.code == .limit ? .bodyTooLarge : .request, error.reason, hint: error.hint)
        case let error as CriteriaError where error.code == .limit: return SignerError(.request, error.reason)
        case is HTTPParserError: return SignerError(.request, "the request did not come whole")
        case is NIOTooManyBytesError: return SignerError(.bodyTooLarge, "the request's body is larger than is taken")
        case let error as any HTTPResponseError where error.status == .contentTooLarge:
            return SignerError(.bodyTooLarge, "the request's body is larger than is taken")
        case let error as any HTTPResponseError where error.status == .notFound:
            return SignerError(.notFound, "there is nothing at this address")
        case let error as any HTTPResponseError where (400..<500).contains(error.status.code):
            return SignerError(.request, "the request was not understood")
        default:
            return SignerError(.internal, "the service failed to answer", hint: "give the request id to the operator")
        }
    }

    private static func status(_ error: SignerError) -> HTTPResponse.Status {
        switch error.code {
        case .unauthenticated: .unauthorized
        case .denied: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .request, .toBeSigned: .badRequest
        case .bodyTooLarge: .contentTooLarge
        case .rateLimit, .tooManyStrangers: .tooManyRequests
        case .issuerAway, .overload, .keyAway, .log: .serviceUnavailable
        case .brokenLog, .configuration, .internal: .internalServerError
        }
    }

    private static func problem(_ error: SignerError, status: Int, _ requestID: String) -> JSONObject {
        var body = JSONObject([
            ("type", .string(error.identifier)), ("status", .integer(Int64(status))), ("detail", .string(error.reason)),
            ("requestID", .string(requestID)),
        ])
        if let hint = error.hint { body["hint"] = .string(hint) }
        return body
    }

    private static func response(_ status: HTTPResponse.Status, _ type: String, _ body: JSON) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes)))
    }
}
