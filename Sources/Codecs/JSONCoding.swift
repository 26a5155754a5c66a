/// What to do about members that a type does not name.
package enum UnknownMembers: Sendable {
    /// They are left unread: for formats that grow.
    case ignored
    /// They are an error: for what people type.
    case refused
}

extension JSON {
    /// Reads a value of a `Decodable` type from this tree.
    ///
    /// - Parameter place: what the tree is, for error messages, such as `request` or `trust policy`.
    package func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, place: String = "value", unknownMembers: UnknownMembers = .ignored
    ) throws -> Value {
        do {
            return try Value(
                from: TreeDecoder(tree: self, place: place, codingPath: [], unknownMembers: unknownMembers))
        } catch let error as DecodingError {
            throw unknownValue(error, place)
        }
    }

    /// What the standard library says about a word that an enumeration does not have, in the words of this module.
    private func unknownValue(_ error: DecodingError, _ place: String) -> CodecError {
        let path: [any CodingKey] =
            switch error {
            case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
                .keyNotFound(_, let context):
                context.codingPath
            @unknown default: []
            }
        let name = path.reduce(place) { name, key in
            key.intValue.map { "\(name)[\($0)]" } ?? "\(name).\(key.stringValue)"
        }
        let found: JSON? = path.reduce(self) { tree, key in
            switch tree {
            case .array(let values): key.intValue.flatMap { values.indices.contains($0) ? values[$0] : nil }
            case .object(let object): object[key.stringValue]
            default: nil
            }
        }
        guard case .string(let text)? = found else { return CodecError(.value, "\(name) has no meaning here") }
        return CodecError(.value, "\(name) is \"\(text.cut(to: 64))\", which has no meaning here")
    }

    /// The tree of an `Encodable` value; members that are nil are left out.
    package init(encoding value: some Encodable) throws {
        let slot = TreeSlot()
        try value.encode(to: TreeEncoder(slot: slot, codingPath: []))
        self = slot.json
    }
}

/// A decoder that can hide a member, so that a type beside it need not know the member.
package protocol MemberHiding: Decoder {
    func hiding(_ member: String) throws -> any Decoder
}

extension Decoder {
    /// This decoder without a member that was read already, such as the one that says what the others mean.
    package func hiding(_ member: String) throws -> any Decoder {
        try (self as? any MemberHiding)?.hiding(member) ?? self
    }
}

// MARK: - Decoding

private struct TreeDecoder: MemberHiding, SingleValueDecodingContainer {
    let tree: JSON
    let place: String
    let codingPath: [any CodingKey]
    let unknownMembers: UnknownMembers
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let object = try tree.object(place)
        if unknownMembers == .refused {
            for name in object.names where Key(stringValue: name) == nil {
                throw CodecError(.unknownMember, "\(place) has a member \"\(name.cut(to: 64))\" that nothing reads")
            }
        }
        return KeyedDecodingContainer(MemberDecoder(object: object, decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        ElementDecoder(values: try tree.array(place), decoder: self)
    }

    func hiding(_ member: String) throws -> any Decoder {
        let object = try tree.object(place)
        let others = object.names.filter { $0 != member }.map { ($0, object[$0] ?? .null) }
        return TreeDecoder(
            tree: .object(JSONObject(others)), place: place, codingPath: codingPath, unknownMembers: unknownMembers)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func inside(_ tree: JSON, _ key: any CodingKey, _ place: String) -> TreeDecoder {
        TreeDecoder(tree: tree, place: place, codingPath: codingPath + [key], unknownMembers: unknownMembers)
    }

    func decodeNil() -> Bool { tree == .null }
    func decode(_ type: Bool.Type) throws -> Bool { try tree.bool(place) }
    func decode(_ type: String.Type) throws -> String { try tree.string(place) }
    func decode(_ type: Double.Type) throws -> Double { throw floatingPoint() }
    func decode(_ type: Float.Type) throws -> Float { throw floatingPoint() }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == JSON.self, let tree = tree as? Value { return tree }
        return try Value(from: self)
    }

    private func integer<Value: FixedWidthInteger>() throws -> Value {
        let wide = try tree.integer(place)
        guard let value = Value(exactly: wide) else {
            throw CodecError(.value, "\(place) is \(wide), which is out of range")
        }
        return value
    }

    private func floatingPoint() -> CodecError {
        CodecError(.type, "\(place) would be a number with a fraction, which no format here has")
    }
}

private struct MemberDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let decoder: TreeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { object.names.compactMap(Key.init(stringValue:)) }

    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }

    private func member(_ key: any CodingKey) throws -> TreeDecoder {
        let value = try object.require(key.stringValue, in: decoder.place)
        return decoder.inside(value, key, "\(decoder.place).\(key.stringValue)")
    }

    func decodeNil(forKey key: Key) throws -> Bool { try member(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try member(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try member(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try member(key).decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> { try member(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try member(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

private struct ElementDecoder: UnkeyedDecodingContainer {
    let values: [JSON]
    let decoder: TreeDecoder
    var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex == values.count }

    init(values: [JSON], decoder: TreeDecoder) {
        self.values = values
        self.decoder = decoder
    }

    private mutating func next() throws -> TreeDecoder {
        let place = "\(decoder.place)[\(currentIndex)]"
        guard !isAtEnd else { throw CodecError(.missing, "\(place) is absent") }
        defer { currentIndex += 1 }
        return decoder.inside(values[currentIndex], MemberName(index: currentIndex), place)
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, values[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().decode(type) }
    mutating func decode(_ type: String.Type) throws -> String { try next().decode(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().decode(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try next().decode(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try next().decode(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().decode(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().decode(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().decode(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().decode(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next().decode(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().decode(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().decode(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().decode(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().decode(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

// MARK: - Encoding

/// The place in a tree that an encoder fills.
private final class TreeSlot {
    private var value = JSON.null
    private var members: [(String, TreeSlot)]?
    private var elements: [TreeSlot]?

    var json: JSON {
        if let members { return .object(JSONObject(members.map { ($0.0, $0.1.json) })) }
        if let elements { return .array(elements.map(\.json)) }
        return value
    }

    var elementCount: Int { elements?.count ?? 0 }

    func set(_ value: JSON) { self.value = value }

    func beginObject() { members = members ?? [] }

    func beginArray() { elements = elements ?? [] }

    func member(_ name: String) -> TreeSlot {
        let slot = TreeSlot()
        members?.append((name, slot))
        return slot
    }

    func element() -> TreeSlot {
        let slot = TreeSlot()
        elements?.append(slot)
        return slot
    }
}

private struct TreeEncoder: Encoder, SingleValueEncodingContainer {
    let slot: TreeSlot
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        slot.beginObject()
        return KeyedEncodingContainer(MemberEncoder(slot: slot, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        slot.beginArray()
        return ElementEncoder(slot: slot, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { slot.set(.null) }
    func encode(_ value: Bool) { slot.set(.bool(value)) }
    func encode(_ value: String) { slot.set(.string(value)) }
    func encode(_ value: Double) throws { throw floatingPoint() }
    func encode(_ value: Float) throws { throw floatingPoint() }
    func encode(_ value: Int) throws { try integer(value) }
    func encode(_ value: Int8) throws { try integer(value) }
    func encode(_ value: Int16) throws { try integer(value) }
    func encode(_ value: Int32) throws { try integer(value) }
    func encode(_ value: Int64) throws { try integer(value) }
    func encode(_ value: UInt) throws { try integer(value) }
    func encode(_ value: UInt8) throws { try integer(value) }
    func encode(_ value: UInt16) throws { try integer(value) }
    func encode(_ value: UInt32) throws { try integer(value) }
    func encode(_ value: UInt64) throws { try integer(value) }

    func encode(_ value: some Encodable) throws {
        if let tree = value as? JSON { slot.set(tree) } else { try value.encode(to: self) }
    }

    private func integer(_ value: some FixedWidthInteger) throws {
        guard let wide = Int64(exactly: value) else {
            throw CodecError(.value, "the integer \(value) does not fit 64 bits")
        }
        slot.set(.integer(wide))
    }

    private func floatingPoint() -> CodecError {
        CodecError(.type, "a number with a fraction has no place in any format here")
    }
}

private struct MemberEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: TreeSlot
    let codingPath: [any CodingKey]

    private func member(_ key: any CodingKey) -> TreeEncoder {
        TreeEncoder(slot: slot.member(key.stringValue), codingPath: codingPath + [key])
    }

    func encodeNil(forKey key: Key) { member(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try member(key).encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> { member(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { member(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { TreeEncoder(slot: slot, codingPath: codingPath) }
    func superEncoder(forKey key: Key) -> any Encoder { member(key) }
}

private struct ElementEncoder: UnkeyedEncodingContainer {
    let slot: TreeSlot
    let codingPath: [any CodingKey]
    var count: Int { slot.elementCount }

    private func element() -> TreeEncoder {
        TreeEncoder(slot: slot.element(), codingPath: codingPath + [MemberName(index: count)])
    }

    func encodeNil() { element().encodeNil() }
    func encode(_ value: Bool) { element().encode(value) }
    func encode(_ value: String) { element().encode(value) }
    func encode(_ value: Double) throws { try element().encode(value) }
    func encode(_ value: Float) throws { try element().encode(value) }
    func encode(_ value: Int) throws { try element().encode(value) }
    func encode(_ value: Int8) throws { try element().encode(value) }
    func encode(_ value: Int16) throws { try element().encode(value) }
    func encode(_ value: Int32) throws { try element().encode(value) }
    func encode(_ value: Int64) throws { try element().encode(value) }
    func encode(_ value: UInt) throws { try element().encode(value) }
    func encode(_ value: UInt8) throws { try element().encode(value) }
    func encode(_ value: UInt16) throws { try element().encode(value) }
    func encode(_ value: UInt32) throws { try element().encode(value) }
    func encode(_ value: UInt64) throws { try element().encode(value) }
    func encode(_ value: some Encodable) throws { try element().encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> { element().container(keyedBy: type) }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { element().unkeyedContainer() }
    func superEncoder() -> any Encoder { element() }
}

/// A member of any name: the key type of dictionaries and the index of elements.
private struct MemberName: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        self.intValue = nil
    }

    init(intValue: Int) { self.init(index: intValue) }

    init(index: Int) {
        self.stringValue = String(index)
        self.intValue = index
    }
}

extension JSON: Codable {
    /// Works only with the coders of this module, which pass trees on whole.
    package init(from decoder: any Decoder) throws {
        throw CodecError(.type, "a JSON tree is read only by its own decoder")
    }

    package func encode(to encoder: any Encoder) throws {
        throw CodecError(.type, "a JSON tree is written only by its own encoder")
    }
}
