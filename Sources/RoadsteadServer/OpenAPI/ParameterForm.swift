import Codecs
import RoadsteadWire

/// What a parameter of a path or query may say, as the document shows it.
struct ParameterForm: Sendable {
    let schema: JSON

    /// One of the words of an enumeration.
    static func words<Value: RawRepresentable<String> & CaseIterable>(_ type: Value.Type) -> ParameterForm {
        ParameterForm(schema: ["type": "string", "enum": .array(type.allCases.map { .string($0.rawValue) })])
    }

    /// What a name means wherever it stands; nil for a name that needs a form of its own.
    static func usual(_ name: String) -> ParameterForm? { table[name] }

    /// What a parameter of a path means. An `id` is a number, but a key's is its digest.
    static func inPath(_ name: String, of path: String) -> ParameterForm? {
        path.hasSuffix("/keys/{id}") && name == "id" ? sha256 : table[name]
    }

    static let number = ParameterForm(
        schema: ["type": "integer", "format": "int64", "minimum": 1, "maximum": .integer(.max)])
    static let sha256 = ParameterForm(schema: ["type": "string", "pattern": "^[0-9a-f]{64}$"])
    static let flag = ParameterForm(schema: ["type": "boolean", "default": false])

    static let date = ParameterForm(
        schema: ["type": "string", "format": "date-time", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"])

    static func slug(_ example: String) -> ParameterForm {
        ParameterForm(
            schema: ["type": "string", "pattern": "^[a-z][a-z0-9-]{0,30}$", "examples": [.string(example)]])
    }

    private static let table: [String: ParameterForm] = [
        "team": slug("acme"), "fleet": slug("demo"), "id": number, "number": number, "mine": flag, "all": flag,
        "vendor": slug("globex"), "review-due": flag,
        "waiting-for-me": flag,
        "after": ParameterForm(
            schema: ["type": "integer", "format": "int64", "minimum": 0, "maximum": .integer(.max)]),
        "verb": ParameterForm(schema: ["type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "maxLength": 40]),
        "from": date, "to": date, "at": date, "person": number,
        "certificate": ParameterForm(schema: ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"]),
        "object": ParameterForm(
            schema: ["type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[^\\u0000]+$"]),
        "action": ParameterForm(
            schema: ["type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[^\\u0000]+$"]),
        "scope": ParameterForm(schema: ["type": "string", "minLength": 1, "maxLength": 512]),
        "repository": ParameterForm(schema: ["type": "string", "minLength": 1, "maxLength": 512]),
        "store": ParameterForm(
            schema: ["type": "string", "pattern": "^((ca|signingAuthority|tsa)/)?[a-z0-9][a-z0-9._-]{0,62}$"]),
        "limit": ParameterForm(
            schema: [
                "type": "integer", "minimum": 1, "maximum": .integer(Int64(Page<String>.maximumLimit)),
                "default": .integer(Int64(Page<String>.defaultLimit)),
            ]),
        "cursor": ParameterForm(
            schema: [
                "type": "string", "pattern": "^[^\\u0000-\\u001F]+$", "minLength": 1,
                "maxLength": .integer(Int64(Page<String>.longestCursor)),
            ]),
    ]
}
