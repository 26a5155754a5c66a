import Codecs
import HTTPTypes
import Hummingbird
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// One request as an operation sees it: the caller is known, the body is read, nothing is decoded yet.
struct Call: Sendable {
    let request: Request
    let context: RoadsteadContext
    let now: UTCDate
    /// nil where the operation asks for no API token.
    let session: Session?
    /// The bearer's text, for operations that check it themselves.
    let bearer: String?
    var body: [UInt8]

    var requestID: String { context.requestID }

    /// Reads the body strictly: a member that nothing reads is an error.
    func decode<Body: Decodable>(_ type: Body.Type) throws -> Body {
        guard !body.isEmpty else {
            throw ServerError(.request, "the request has no body", hint: "send a JSON object; see /openapi.json")
        }
        return try JSON(parsing: body, limits: JSONLimits(bytes: body.count, depth: 32))
            .decode(Body.self, place: "request", unknownMembers: .refused)
    }

    /// A name in the path.
    func path<Name: Slug>(_ name: String, as type: Name.Type = Name.self) throws -> Name { try Name(try text(name)) }

    /// A number in the path.
    func number(_ name: String) throws -> Int64 {
        let text = try text(name)
        guard let number = Int64(text), number > 0, String(number) == text else {
            throw ServerError(.notFound, "\"\(text.prefix(40))\" is not a number that anything here has")
        }
        return number
    }

    func text(_ name: String) throws -> String {
        guard let text = context.parameters.get(name), text.utf8.count <= 256 else {
            throw ServerError(.notFound, "there is nothing at this address", hint: "see /openapi.json")
        }
        return text
    }

    func query(_ name: String) -> String? { request.uri.queryParameters[name[...]].map(String.init) }

    func query<Name: Slug>(_ name: String, as type: Name.Type) throws -> Name? {
        guard let text = query(name) else { return nil }
        return try Name(text)
    }

    /// `true` or `false`; false where nothing is said.
    func flag(_ name: String) throws -> Bool {
        switch query(name) {
        case "true": return true
        case "false", nil: return false
        case let text?:
            throw ServerError(.request, "\(name) is \"\(text.prefix(20))\"", hint: "true or false")
        }
    }

    /// A number of the query, 0 or more.
    func naturalNumber(_ name: String) throws -> Int64? {
        guard let text = query(name) else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw ServerError(.request, "\(name) is \"\(text.prefix(20))\"", hint: "0 or more")
        }
        return number
    }

    /// `next` of the page before. What it means is the list's to judge.
    func cursor() throws -> String? {
        guard let text = query("cursor") else { return nil }
        guard (1...Page<String>.longestCursor).contains(text.unicodeScalars.count), text.utf8.allSatisfy({ $0 >= 0x20 })
        else {
            throw ServerError(.request, "the cursor is none of this server", hint: "use `next` of the page before")
        }
        return text
    }

    /// How many items, and after which.
    func pageLimit() throws -> Int {
        guard let text = query("limit") else { return Page<String>.defaultLimit }
        guard let limit = Int(text), (1...Page<String>.maximumLimit).contains(limit) else {
            throw ServerError(
                .request, "limit is \"\(text.prefix(20))\"", hint: "1 to \(Page<String>.maximumLimit)")
        }
        return limit
    }

    /// Whether the request says which version it is about.
    var statesVersion: Bool { request.headers[.ifMatch] != nil }

    /// The version in `If-Match`, as `"7"`.
    func expectedVersion() throws -> Int64 {
        guard let header = request.headers[.ifMatch] else {
            throw ServerError(
                .preconditionRequired, "this request must say which version it changes",
                hint: "send the version last read as If-Match, such as If-Match: \"3\"")
        }
        let text = header.trimmingQuotes
        guard let version = Int64(text), version > 0 else {
            throw StoreError(
                .versionMismatch, "If-Match is \(header.prefix(40)), which is no version of anything",
                hint: "such as If-Match: \"3\"")
        }
        return version
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        guard utf8.count >= 2, utf8.first == UInt8(ascii: "\""), utf8.last == UInt8(ascii: "\"") else { return self }
        return String(dropFirst().dropLast())
    }
}
