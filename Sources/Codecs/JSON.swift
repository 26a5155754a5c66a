/// A JSON value as it was received: one tree that is read and from which the canonical form is written. [RFC 8259]
package enum JSON: Sendable {
    case null
    case bool(Bool)
    /// A number written as an integer that fits 64 bits.
    case integer(Int64)
    /// Any other number, as it was written. It is never taken where an integer belongs and has no canonical form.
    case number(String)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// The members of a JSON object in the order received. Names are compared byte by byte, never by Unicode equivalence.
package struct JSONObject: Sendable {
    package private(set) var members: [(name: String, value: JSON)] = []
    private var positions: [JSONName: Int] = [:]

    package init() {}

    /// Sets members in order; a later one of the same name replaces the earlier.
    package init(_ members: [(String, JSON)]) {
        for (name, value) in members { self[name] = value }
    }

    package subscript(name: String) -> JSON? {
        get { positions[JSONName(name)].map { members[$0].value } }
        set {
            let key = JSONName(name)
            switch (positions[key], newValue) {
            case (let index?, let value?): members[index].value = value
            case (nil, let value?):
                positions[key] = members.count
                members.append((name, value))
            case (let index?, nil):
                members.remove(at: index)
                positions = [:]
                for (index, member) in members.enumerated() { positions[JSONName(member.name)] = index }
            case (nil, nil): break
            }
        }
    }

    package var names: [String] { members.map(\.name) }
    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
}

extension JSONObject: Equatable {
    /// Objects are equal when they have the same members, in any order.
    package static func == (lhs: JSONObject, rhs: JSONObject) -> Bool {
        lhs.count == rhs.count && lhs.members.allSatisfy { rhs[$0.name] == $0.value }
    }
}

extension JSON: Equatable {
    package static func == (lhs: JSON, rhs: JSON) -> Bool {
        switch (lhs, rhs) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

/// A member's name, equal only to a name of the same bytes.
struct JSONName: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (lhs: JSONName, rhs: JSONName) -> Bool { lhs.text.utf8.elementsEqual(rhs.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
