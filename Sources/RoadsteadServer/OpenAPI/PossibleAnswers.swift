import Codecs
import HTTPTypes

extension Endpoint {
    /// Every status but success that this operation can answer with; 500 alone is a promise not kept.
    var problems: [HTTPResponse.Status] {
        var statuses: Set<HTTPResponse.Status> = [
            .badRequest, .misdirectedRequest, .tooManyRequests, .serviceUnavailable,
        ]
        if access != .open || body != nil { statuses.insert(.unauthorized) }
        if access == .token || body != nil { statuses.insert(.forbidden) }
        let isFiltered = !pathParameters.isEmpty || !queries.isEmpty
        if isFiltered || method != .get { statuses.formUnion([.notFound, .unprocessableContent]) }
        // A preview asks what the change itself would be told.
        if method != .get || path.hasSuffix("/preview") { statuses.formUnion([.conflict, .gone]) }
        if bodyLimit > 0 { statuses.insert(.contentTooLarge) }
        if body != nil { statuses.insert(.unsupportedMediaType) }
        switch concurrency {
        case .none: break
        case .ifMatchWhereSent: statuses.insert(.preconditionFailed)
        case .ifMatch: statuses.formUnion([.preconditionFailed, .preconditionRequired])
        }
        return statuses.sorted { $0.code < $1.code }
    }
}

/// The answers that the document describes once and every operation refers to.
enum PossibleAnswers {
    /// Headers of every answer of the API, by name.
    static let headers: [(String, JSON)] = [
        header("X-Request-ID", "names the request in logs and in the audit log", ["type": "string"], isRequired: true),
        header("ETag", "the version, for If-Match", ["type": "string", "pattern": "^\"[0-9]+\"$"]),
        header(
            "Location", "where the change is that waits for approval",
            ["type": "string", "pattern": "^/v1/changes/[1-9][0-9]*$"]),
        header(
            "Idempotent-Replayed", "true: the answer is the one that the same key had before",
            ["type": "string", "const": "true"]),
        header(
            "Retry-After", "seconds after which to try again", ["type": "integer", "minimum": 1], isRequired: true),
        header("WWW-Authenticate", "always Bearer", ["type": "string", "const": "Bearer"], isRequired: true),
    ]

    /// References to headers, as a `headers` member.
    static func headers(_ names: [String]) -> JSON {
        .object(JSONObject(names.map { ($0, ["$ref": .string("#/components/headers/\($0)")]) }))
    }

    /// A problem of each status that any operation can answer with.
    static func problems(of endpoints: [Endpoint], _ problem: JSON) -> [(String, JSON)] {
        let statuses = Set(endpoints.flatMap(\.problems)).sorted { $0.code < $1.code }
        return statuses.map { (name($0), response(to: $0, problem)) }
    }

    static func reference(to status: HTTPResponse.Status) -> (String, JSON) {
        (String(status.code), ["$ref": .string("#/components/responses/\(name(status))")])
    }

    private static func response(to status: HTTPResponse.Status, _ problem: JSON) -> JSON {
        var names = ["X-Request-ID"]
        if status == .unauthorized { names.append("WWW-Authenticate") }
        if status == .tooManyRequests || status == .serviceUnavailable { names.append("Retry-After") }
        return [
            "description": .string(meaning[status.code] ?? status.reasonPhrase), "headers": headers(names),
            "content": ["application/problem+json": ["schema": problem]],
        ]
    }

    /// `NotFound` for 404.
    private static func name(_ status: HTTPResponse.Status) -> String {
        status.reasonPhrase.split(whereSeparator: { !$0.isLetter }).joined()
    }

    private static func header(
        _ name: String, _ summary: String, _ schema: JSON, isRequired: Bool = false
    ) -> (String, JSON) {
        (name, ["description": .string(summary), "required": .bool(isRequired), "schema": schema])
    }

    private static let meaning: [Int: String] = [
        400: "The request's form is wrong", 401: "No credential, or one that does not count",
        403: "The caller may not do this", 404: "There is no such thing, or not for the caller",
        409: "It does not fit what is there", 410: "It has expired or was used up", 412: "Somebody changed it since",
        413: "The body is larger than this operation takes", 415: "The body is not JSON",
        421: "The request came around the proxy", 422: "The content is refused, with the reason",
        428: "If-Match is missing", 429: "Too many requests; wait as long as Retry-After says",
        503: "Something that is needed is away for the moment",
    ]
}
