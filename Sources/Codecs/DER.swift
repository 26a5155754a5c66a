/// One element of a DER encoding. [X.690 §8, §10]
package struct DERElement: Sendable, Hashable {
    package let tag: DERTag
    package let content: ArraySlice<UInt8>
    /// Tag, length and content, as they stand in the input.
    package let encoded: ArraySlice<UInt8>
    /// How many constructed elements lie around this one.
    fileprivate let depth: Int
}

extension DERElement {
    /// The whole seconds of a time, to be read like any other.
    init(generalizedTime content: [UInt8]) {
        self.init(tag: .generalizedTime, content: content[...], encoded: content[...], depth: 0)
    }
}

/// The identifier octet of an element; numbers above 30 are refused.
package struct DERTag: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let boolean = DERTag(rawValue: 0x01)
    package static let integer = DERTag(rawValue: 0x02)
    package static let bitString = DERTag(rawValue: 0x03)
    package static let octetString = DERTag(rawValue: 0x04)
    package static let null = DERTag(rawValue: 0x05)
    package static let objectIdentifier = DERTag(rawValue: 0x06)
    package static let enumerated = DERTag(rawValue: 0x0A)
    package static let utf8String = DERTag(rawValue: 0x0C)
    package static let printableString = DERTag(rawValue: 0x13)
    package static let teletexString = DERTag(rawValue: 0x14)
    package static let ia5String = DERTag(rawValue: 0x16)
    package static let utcTime = DERTag(rawValue: 0x17)
    package static let generalizedTime = DERTag(rawValue: 0x18)
    package static let visibleString = DERTag(rawValue: 0x1A)
    package static let universalString = DERTag(rawValue: 0x1C)
    package static let bmpString = DERTag(rawValue: 0x1E)
    package static let sequence = DERTag(rawValue: 0x30)
    package static let set = DERTag(rawValue: 0x31)

    /// `[number]`, primitive as in IMPLICIT strings or constructed as in EXPLICIT.
    package static func context(_ number: UInt8, constructed: Bool) -> DERTag {
        DERTag(rawValue: 0x80 | (constructed ? 0x20 : 0) | (number & 0x1F))
    }

    package var isConstructed: Bool { rawValue & 0x20 != 0 }

    package var description: String { "0x" + Hex.encode([rawValue]) }
}

/// Reads DER from front to back: definite minimal lengths only, nothing out of bounds, limited depth.
package struct DERReader: Sendable {
    /// Deeper than any certificate, revocation list or timestamp nests.
    package static let maximumDepth = 24

    private var rest: ArraySlice<UInt8>
    private let depth: Int

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
        depth = 0
    }

    /// The elements inside a constructed element.
    package init(inside element: DERElement) throws(CodecError) {
        guard element.tag.isConstructed else {
            throw CodecError(.type, "DER element \(element.tag) holds no other elements")
        }
        try self.init(content: element.content, depth: element.depth + 1)
    }

    /// The elements inside an octet string or another wrapping, which counts as one more level.
    package init(wrapped element: DERElement) throws(CodecError) {
        try self.init(content: element.content, depth: element.depth + 1)
    }

    private init(content: ArraySlice<UInt8>, depth: Int) throws(CodecError) {
        guard depth <= Self.maximumDepth else {
            throw CodecError(.limit, "DER is nested deeper than \(Self.maximumDepth) levels")
        }
        rest = content
        self.depth = depth
    }

    /// Takes exactly one element from all of `bytes`.
    package static func single(_ bytes: [UInt8], _ tag: DERTag) throws(CodecError) -> DERElement {
        var reader = DERReader(bytes)
        let element = try reader.read(tag)
        try reader.end()
        return element
    }

    package var isAtEnd: Bool { rest.isEmpty }

    package var nextTag: DERTag? { rest.first.map(DERTag.init(rawValue:)) }

    /// Says that nothing may follow.
    package func end() throws(CodecError) {
        guard rest.isEmpty else { throw CodecError(.syntax, "\(rest.count) bytes follow the end of a DER structure") }
    }

    package mutating func read(_ tag: DERTag) throws(CodecError) -> DERElement {
        guard let found = nextTag else { throw CodecError(.missing, "DER ends where element \(tag) belongs") }
        guard found == tag else { throw CodecError(.type, "DER has element \(found) where \(tag) belongs") }
        return try next()
    }

    /// The next element if it has this tag.
    package mutating func readOptional(_ tag: DERTag) throws(CodecError) -> DERElement? {
        nextTag == tag ? try next() : nil
    }

    package mutating func next() throws(CodecError) -> DERElement {
        let start = rest.startIndex
        guard let tag = nextTag else { throw CodecError(.missing, "DER ends where an element belongs") }
        guard tag.rawValue & 0x1F != 0x1F else { throw CodecError(.syntax, "DER tag numbers above 30 are not read") }
        var position = start + 1
        let count = try readLength(at: &position)
        guard count <= rest.endIndex - position else {
            throw CodecError(.syntax, "a DER element is longer (\(count) bytes) than what holds it")
        }
        let end = position + count
        let element = DERElement(tag: tag, content: rest[position..<end], encoded: rest[start..<end], depth: depth)
        rest = rest[end...]
        return element
    }

    private func readLength(at position: inout Int) throws(CodecError) -> Int {
        guard position < rest.endIndex else { throw CodecError(.syntax, "DER ends inside an element's length") }
        let first = rest[position]
        position += 1
        guard first >= 0x80 else { return Int(first) }
        let octets = Int(first & 0x7F)
        guard octets > 0 else { throw CodecError(.syntax, "DER does not allow indefinite lengths") }
        guard octets <= 4, rest.endIndex - position >= octets else {
            throw CodecError(.limit, "a DER length has \(octets) octets, more than follow or are read")
        }
        let count = rest[position..<position + octets].reduce(0) { $0 << 8 | Int($1) }
        guard rest[position] != 0, count >= 0x80 else {
            throw CodecError(.syntax, "a DER length is not in its shortest form")
        }
        position += octets
        return count
    }
}
