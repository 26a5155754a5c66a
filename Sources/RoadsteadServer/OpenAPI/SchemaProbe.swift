import Codecs
import RoadsteadWire
import TrustModel

/// Learns the JSON schema of a body from its `Decodable` conformance, so that the document cannot say anything else.
///
/// It runs the type's own `init(from:)` on a decoder that notes which members are read, how, and which may be absent.
struct SchemaProbe {
    /// Schemas of objects by name; others refer to them.
    private(set) var components: [String: JSON] = [:]

    mutating func schema(of type: any Any.Type) -> JSON {
        if let leaf = SchemaLeaf.known(type) { return leaf.schema }
        if let list = type as? any ListType.Type { return ["type": "array", "items": schema(of: list.elementType)] }
        let name = Self.name(of: type)
        if type == OperationBody.self { return operations(name) }
        if components[name] == nil, let decodable = type as? any Decodable.Type {
            components[name] = ["type": "object"]
            let notes = Notes()
            _ = try? decodable.init(from: ProbeDecoder(notes: notes))
            components[name] = object(notes)
        }
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    /// Operations of changes: one form for each kind, told apart by `op`.
    private mutating func operations(_ name: String) -> JSON {
        if components[name] == nil {
            components[name] = ["type": "object"]
            let forms = OperationKind.allCases.map { form(of: $0) }
            components[name] = ["oneOf": .array(forms)]
        }
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    private mutating func form(of kind: OperationKind) -> JSON {
        let notes = Notes()
        _ = try? kind.form.init(from: ProbeDecoder(notes: notes))
        notes.members.removeAll { $0.name == "op" }
        guard case .object(var form) = object(notes), case .object(var properties)? = form["properties"] else {
            return [:]
        }
        properties["op"] = ["const": .string(kind.rawValue)]
        var required: [JSON] = ["op"]
        if case .array(let others)? = form["required"] { required += others }
        (form["properties"], form["required"]) = (.object(properties), .array(required))
        return .object(form)
    }

    private mutating func object(_ notes: Notes) -> JSON {
        var properties = JSONObject()
        for member in notes.members { properties[member.name] = schema(of: member.type) }
        let required = notes.members.map(\.name).filter { !notes.optional.contains($0) }
        var object: JSONObject = JSONObject([("type", "object"), ("properties", .object(properties))])
        if !required.isEmpty { object["required"] = .array(required.map { .string($0) }) }
        object["additionalProperties"] = false
        return .object(object)
    }

    /// A type inside another has both names, so that two statements are not one.
    private static func nested(_ type: any Any.Type) -> String {
        String(reflecting: type).split(separator: ".").dropFirst().joined()
    }

    /// `Page<TeamBody>` is called `TeamBodyPage`.
    static func name(of type: any Any.Type) -> String {
        let parts = String(describing: type).split(separator: "<")
        guard parts.count == 2 else { return nested(type) }
        return "\(parts[1].dropLast())\(parts[0])"
    }
}

/// What the probe saw while a type decoded itself.
private final class Notes {
    var members: [(name: String, type: any Any.Type)] = []
    var optional: Set<String> = []
}

/// Lists, whose schema follows from their elements'.
private protocol ListType { static var elementType: any Any.Type { get } }
extension Array: ListType { static var elementType: any Any.Type { Element.self } }

/// Types with a schema of their own and a value that stands in for one.
private struct SchemaLeaf: Sendable {
    let schema: JSON
    let example: any Sendable

    static func known(_ type: any Any.Type) -> SchemaLeaf? {
        if let leaf = table[ObjectIdentifier(type)] { return leaf }
        if let values = type as? any TextEnumeration.Type { return enumeration(values) }
        return nil
    }

    private static func enumeration<Value: TextEnumeration>(_ type: Value.Type) -> SchemaLeaf? {
        guard let first = Value.allCases.first else { return nil }
        let names = Value.allCases.map { JSON.string($0.rawValue) }
        return SchemaLeaf(schema: ["type": "string", "enum": .array(names)], example: first)
    }

    private static let table: [ObjectIdentifier: SchemaLeaf] = {
        var table: [ObjectIdentifier: SchemaLeaf] = [:]
        func add<Value: Sendable>(_ example: Value?, _ schema: JSON) {
            guard let example else { preconditionFailure("no example of \(Value.self)") }
            table[ObjectIdentifier(Value.self)] = SchemaLeaf(schema: schema, example: example)
        }
        let slug = "^[a-z][a-z0-9-]{0,30}$"
        // RFC 3339 in UTC with whole seconds, which is narrower than the format date-time.
        let date = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
        let host = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        let segment = "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
        let scopePattern = "^\(host)([.]\(host))*(:[1-9][0-9]{0,4})?(/\(segment))*$"
        add("", ["type": "string"])
        let number: JSON = ["type": "integer", "format": "int64", "minimum": .integer(.min), "maximum": .integer(.max)]
        add(0, number)
        add(Int64(0), number)
        add(false, ["type": "boolean"])
        add(JSON.null, ["description": "any JSON value"])
        add([String: String](), ["type": "object", "additionalProperties": ["type": "string"]])
        add([String: Int64](), ["type": "object", "additionalProperties": ["type": "integer"]])
        add(UTCDate(seconds: 0), ["type": "string", "pattern": .string(date), "examples": ["2030-01-31T12:00:00Z"]])
        add(try? TeamName("acme"), ["type": "string", "pattern": .string(slug), "examples": ["acme"]])
        add(try? FleetName("demo"), ["type": "string", "pattern": .string(slug), "examples": ["demo"]])
        add(try? VendorName("globex"), ["type": "string", "pattern": .string(slug), "examples": ["globex"]])
        add(
            try? FleetID(String(repeating: "0", count: 32)), ["type": "string", "pattern": "^[0-9a-f]{32}$"])
        add(try? TrustStoreName("prod"), ["type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"])
        add(try? IssuerURL("https://login.example.com"), ["type": "string", "format": "uri", "maxLength": 512])
        add(try? IdentitySubject("subject"), ["type": "string", "minLength": 1, "maxLength": 255])
        add(try? GroupName("group"), ["type": "string", "minLength": 1, "maxLength": 256])
        add(Custody.server, ["type": "string", "enum": ["server", "team"]])
        add(RuleEffect.allow, ["type": "string", "enum": ["allow", "deny"]])
        add(
            try? RegistryScope("registry.example.com"),
            [
                "type": "string", "pattern": .string(scopePattern), "maxLength": 512,
                "examples": ["registry.example.com/acme"],
            ])
        add(RoleReach.everything, ["type": "string", "pattern": "^(everything|(team|fleet):[a-z][a-z0-9-]{0,30})$"])
        add(
            ApprovalsNeeded.one,
            [
                "type": "object", "required": ["count"], "additionalProperties": false,
                "properties": [
                    "count": ["type": "integer", "minimum": 1, "maximum": 10],
                    "securityOfficers": ["type": "integer", "minimum": 0, "maximum": 10],
                ],
            ])
        return table
    }()
}

/// Enumerations whose values are texts.
private protocol TextEnumeration: Sendable, CaseIterable, RawRepresentable where RawValue == String {}
extension TrustStoreKind: TextEnumeration {}
extension AnchorOrigin: TextEnumeration {}
extension AnchorLimit: TextEnumeration {}
extension TrustRequest.Kind: TextEnumeration {}
extension TrustRequest.State: TextEnumeration {}
extension Recertification.Answer: TextEnumeration {}
extension CredentialKind: TextEnumeration {}
extension TokenLimits.Holder: TextEnumeration {}
extension ChangeState: TextEnumeration {}
extension InboxItem.Kind: TextEnumeration {}
extension FleetProfile: TextEnumeration {}
extension PersonRole: TextEnumeration {}
extension TokenAccess: TextEnumeration {}
extension OperationKind: TextEnumeration {}
extension DenialKind: TextEnumeration {}
extension EnforcementMode: TextEnumeration {}
extension EnforcerKind: TextEnumeration {}
extension VerificationLevel: TextEnumeration {}
extension PromotionOutcome: TextEnumeration {}
extension FleetSettings.Inexpressible: TextEnumeration {}

private struct ProbeDecoder: Decoder {
    let notes: Notes
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(ProbeMembers(notes: notes))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { NoElements() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        throw CodecError(.type, "a type that decodes from one value needs a place in the probe's table")
    }
}

private struct ProbeMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let notes: Notes
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    /// Asked by `decodeIfPresent` only: the member may be absent.
    func contains(_ key: Key) -> Bool {
        notes.optional.insert(key.stringValue)
        return true
    }

    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        notes.members.append((key.stringValue, type))
        if let example = SchemaLeaf.known(type)?.example as? Value { return example }
        return try Value(from: ProbeDecoder(notes: Notes()))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> { KeyedDecodingContainer(ProbeMembers<NestedKey>(notes: Notes())) }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        NoElements()
    }
    func superDecoder() throws -> any Decoder { ProbeDecoder(notes: Notes()) }
    func superDecoder(forKey key: Key) throws -> any Decoder { ProbeDecoder(notes: Notes()) }
}

/// An empty list: elements are learnt from the list's type.
private struct NoElements: UnkeyedDecodingContainer {
    var codingPath: [any CodingKey] { [] }
    var count: Int? { 0 }
    let currentIndex = 0
    var isAtEnd: Bool { true }

    mutating func decodeNil() throws -> Bool { false }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { throw noElement }
    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> { throw noElement }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw noElement }
    mutating func superDecoder() throws -> any Decoder { throw noElement }

    private var noElement: CodecError { CodecError(.missing, "the probe's lists are empty") }
}
