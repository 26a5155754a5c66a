/// Writes DER, from the inside out: each function returns one whole element.
package enum DER {
    package static func element(_ tag: DERTag, _ content: [UInt8]) -> [UInt8] {
        [tag.rawValue] + length(content.count) + content
    }

    package static func sequence(_ elements: [UInt8]...) -> [UInt8] { element(.sequence, elements.flatMap(\.self)) }

    package static func sequence(of elements: [[UInt8]]) -> [UInt8] { element(.sequence, elements.flatMap(\.self)) }

    /// A SET OF, in the order that DER wants. [X.690 §11.6]
    package static func set(of elements: [[UInt8]]) -> [UInt8] {
        element(.set, elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self))
    }

    package static func explicit(_ number: UInt8, _ inner: [UInt8]) -> [UInt8] {
        element(.context(number, constructed: true), inner)
    }

    package static func boolean(_ value: Bool) -> [UInt8] { element(.boolean, [value ? 0xFF : 0]) }

    package static let null: [UInt8] = [0x05, 0x00]

    /// An INTEGER from a big-endian magnitude.
    package static func integer(unsigned magnitude: some Collection<UInt8>) -> [UInt8] {
        let significant = Array(magnitude.drop { $0 == 0 })
        guard let first = significant.first else { return element(.integer, [0]) }
        return element(.integer, first < 0x80 ? significant : [0] + significant)
    }

    package static func integer(_ value: UInt64) -> [UInt8] {
        integer(unsigned: (0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> (UInt64($0) * 8)) })
    }

    package static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(.octetString, bytes) }

    /// A BIT STRING of whole octets.
    package static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(.bitString, [0] + bytes) }

    /// A BIT STRING of named bits without trailing zeros. [X.690 §11.2.2]
    package static func namedBits(_ bits: Set<Int>) -> [UInt8] {
        guard let highest = bits.max() else { return element(.bitString, [0]) }
        var octets = [UInt8](repeating: 0, count: highest / 8 + 1)
        for bit in bits where bit >= 0 { octets[bit / 8] |= 0x80 >> UInt8(bit % 8) }
        return element(.bitString, [UInt8(7 - highest % 8)] + octets)
    }

    /// An OBJECT IDENTIFIER from its dotted form.
    package static func objectIdentifier(_ dotted: String) throws(CodecError) -> [UInt8] {
        var arcs: [UInt64] = []
        for part in dotted.split(separator: ".", omittingEmptySubsequences: false) {
            let digits = part.utf8
            guard let arc = UInt64(part), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                digits.count == 1 || digits.first != 0x30, arc < 1 << 62
            else { throw CodecError(.syntax, "\"\(dotted)\" is not an object identifier") }
            arcs.append(arc)
        }
        guard arcs.count >= 2, arcs[0] <= 2, arcs[0] == 2 || arcs[1] < 40 else {
            throw CodecError(.syntax, "\"\(dotted)\" is not an object identifier")
        }
        let content = ([arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)).flatMap(base128)
        guard content.count <= 64 else { throw CodecError(.limit, "an object identifier has \(content.count) octets") }
        return element(.objectIdentifier, content)
    }

    /// UTCTime until 2049, GeneralizedTime from then on. [RFC 5280 §4.1.2.5]
    package static func time(_ date: UTCDate) -> [UInt8] {
        let digits = digits(of: date)
        let isShort = (1950...2049).contains(digits.prefix(4).reduce(0) { $0 * 10 + Int($1) - 0x30 })
        return isShort ? element(.utcTime, digits.dropFirst(2) + [UInt8(ascii: "Z")]) : generalizedTime(date)
    }

    /// A time of four-digit years, for the fields that know no other. [RFC 5280 §5.3.2]
    package static func generalizedTime(_ date: UTCDate) -> [UInt8] {
        element(.generalizedTime, digits(of: date) + [UInt8(ascii: "Z")])
    }

    private static func digits(of date: UTCDate) -> [UInt8] {
        date.description.utf8.filter { (0x30...0x39).contains($0) }
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 0x80 else { return [UInt8(count)] }
        var octets: [UInt8] = []
        var rest = count
        while rest > 0 {
            octets.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(octets.count)] + octets
    }

    private static func base128(_ arc: UInt64) -> [UInt8] {
        var octets = [UInt8(arc & 0x7F)]
        var rest = arc >> 7
        while rest > 0 {
            octets.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        return octets
    }
}
