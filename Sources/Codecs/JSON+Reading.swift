/// Typed reads from a tree, each with an error that names the place.
extension JSON {
    package var objectOrNil: JSONObject? { if case .object(let object) = self { object } else { nil } }
    package var arrayOrNil: [JSON]? { if case .array(let values) = self { values } else { nil } }
    package var stringOrNil: String? { if case .string(let text) = self { text } else { nil } }
    package var integerOrNil: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var boolOrNil: Bool? { if case .bool(let value) = self { value } else { nil } }

    package func object(_ place: String) throws(CodecError) -> JSONObject {
        try required(objectOrNil, "an object", place)
    }

    package func array(_ place: String) throws(CodecError) -> [JSON] { try required(arrayOrNil, "an array", place) }

    package func string(_ place: String) throws(CodecError) -> String { try required(stringOrNil, "a string", place) }

    package func bool(_ place: String) throws(CodecError) -> Bool { try required(boolOrNil, "true or false", place) }

    package func integer(_ place: String) throws(CodecError) -> Int64 {
        if case .number = self {
            throw CodecError(.notAnInteger, "\(place) is a number but not an integer of 64 bits")
        }
        return try required(integerOrNil, "an integer", place)
    }

    private func required<Value>(_ value: Value?, _ wanted: String, _ place: String) throws(CodecError) -> Value {
        guard let value else { throw CodecError(.type, "\(place) is \(kind), not \(wanted)") }
        return value
    }

    /// The name of the value's type with its article, for messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a Boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONObject {
    /// The value of a member that must be there; `place` names the object in the error.
    package func require(_ name: String, in place: String) throws(CodecError) -> JSON {
        guard let value = self[name] else { throw CodecError(.missing, "\(place) has no member \"\(name)\"") }
        return value
    }

    package func object(_ name: String, in place: String) throws(CodecError) -> JSONObject {
        try require(name, in: place).object("\(place).\(name)")
    }

    package func array(_ name: String, in place: String) throws(CodecError) -> [JSON] {
        try require(name, in: place).array("\(place).\(name)")
    }

    package func string(_ name: String, in place: String) throws(CodecError) -> String {
        try require(name, in: place).string("\(place).\(name)")
    }

    package func integer(_ name: String, in place: String) throws(CodecError) -> Int64 {
        try require(name, in: place).integer("\(place).\(name)")
    }

    package func bool(_ name: String, in place: String) throws(CodecError) -> Bool {
        try require(name, in: place).bool("\(place).\(name)")
    }
}
