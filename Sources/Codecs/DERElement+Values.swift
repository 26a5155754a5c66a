extension DERElement {
    /// Content of an element of one of the string types whose content is what counts.
    package var bytes: [UInt8] { Array(content) }

    package func boolean() throws(CodecError) -> Bool {
        guard tag == .boolean, content.count == 1 else { throw CodecError(.type, "a DER boolean is malformed") }
        switch content.first {
        case 0x00: return false
        case 0xFF: return true
        default: throw CodecError(.syntax, "a DER boolean is neither 0 nor 255")
        }
    }

    /// Two's complement octets of an INTEGER in their shortest form.
    package func integerBytes() throws(CodecError) -> [UInt8] {
        guard tag == .integer || tag == .enumerated, let first = content.first else {
            throw CodecError(.type, "a DER integer is malformed")
        }
        if content.count > 1 {
            let second = content[content.startIndex + 1]
            guard !(first == 0 && second < 0x80), !(first == 0xFF && second >= 0x80) else {
                throw CodecError(.syntax, "a DER integer is not in its shortest form")
            }
        }
        return bytes
    }

    /// Big-endian magnitude of an INTEGER that is not negative, without leading zeros; empty for zero.
    package func unsignedIntegerBytes() throws(CodecError) -> [UInt8] {
        let octets = try integerBytes()
        guard let first = octets.first, first < 0x80 else { throw CodecError(.value, "a DER integer is negative") }
        return first == 0 ? Array(octets.dropFirst()) : octets
    }

    /// An INTEGER that is not negative and fits.
    package func smallInteger() throws(CodecError) -> Int {
        let octets = try unsignedIntegerBytes()
        guard octets.count < 8 else { throw CodecError(.limit, "a DER integer is larger than expected") }
        return octets.reduce(0) { $0 << 8 | Int($1) }
    }

    /// Octets of a BIT STRING of whole octets.
    package func bitStringBytes() throws(CodecError) -> [UInt8] {
        guard tag == .bitString, content.first == 0 else {
            throw CodecError(.syntax, "a DER bit string does not hold whole octets")
        }
        return Array(content.dropFirst())
    }

    /// Numbers of the bits that are set in a BIT STRING of named bits. [X.690 §11.2]
    package func namedBits() throws(CodecError) -> Set<Int> {
        guard tag == .bitString, let unused = content.first, unused < 8, content.count > 1 || unused == 0,
            content.count <= 5
        else { throw CodecError(.syntax, "a DER bit string is malformed") }
        let octets = content.dropFirst()
        if let last = octets.last, last & (1 << unused &- 1) != 0 {
            throw CodecError(.syntax, "a DER bit string has unused bits that are set")
        }
        var bits: Set<Int> = []
        for (offset, octet) in octets.enumerated() {
            for bit in 0..<8 where octet & (0x80 >> UInt8(bit)) != 0 { bits.insert(offset * 8 + bit) }
        }
        return bits
    }

    /// An OBJECT IDENTIFIER in dotted form; at most 64 octets, arcs below 2^63.
    package func objectIdentifier() throws(CodecError) -> String {
        guard tag == .objectIdentifier, !content.isEmpty else {
            throw CodecError(.type, "an object identifier is malformed")
        }
        guard content.count <= 64 else { throw CodecError(.limit, "an object identifier has \(content.count) octets") }
        var arcs: [UInt64] = []
        var arc: UInt64 = 0
        var isInside = false
        for octet in content {
            guard isInside || octet != 0x80 else {
                throw CodecError(.syntax, "an object identifier is not in its shortest form")
            }
            guard arc < 1 << 56 else { throw CodecError(.limit, "an arc of an object identifier is too large") }
            arc = arc << 7 | UInt64(octet & 0x7F)
            isInside = octet >= 0x80
            if !isInside {
                arcs.append(arc)
                arc = 0
            }
        }
        guard !isInside, let first = arcs.first else {
            throw CodecError(.syntax, "an object identifier ends inside an arc")
        }
        let root = Swift.min(first / 40, 2)
        return ([root, first - root * 40] + arcs.dropFirst()).map(String.init).joined(separator: ".")
    }

    /// UTCTime or GeneralizedTime with seconds and `Z`; two-digit years below 50 are in this century. [RFC 5280 §4.1.2.5]
    package func time() throws(CodecError) -> UTCDate {
        let yearDigits = tag == .generalizedTime ? 4 : 2
        guard tag == .utcTime || tag == .generalizedTime, content.count == yearDigits + 11,
            content.last == UInt8(ascii: "Z"), content.dropLast().allSatisfy({ (0x30...0x39).contains($0) })
        else { throw CodecError(.syntax, "a DER time is not of the form YYYYMMDDhhmmssZ or YYMMDDhhmmssZ") }
        let digits = content.map { Int($0) - 0x30 }
        let start = yearDigits
        func pair(_ index: Int) -> Int { digits[start + index] * 10 + digits[start + index + 1] }
        var year = digits[..<start].reduce(0) { $0 * 10 + $1 }
        if tag == .utcTime { year += year < 50 ? 2000 : 1900 }
        guard
            let date = UTCDate(
                year: year, month: pair(0), day: pair(2), hour: pair(4), minute: pair(6), second: pair(8))
        else { throw CodecError(.value, "a DER time names a moment that does not exist") }
        return date
    }

    /// GeneralizedTime whose seconds may have a fraction, in microseconds since 1970; what is finer is cut off, and said.
    /// [RFC 3161 §2.4.2]
    package func preciseTime() throws(CodecError) -> (microseconds: Int64, isCut: Bool) {
        guard tag == .generalizedTime, content.count >= 15, content.last == UInt8(ascii: "Z") else {
            throw CodecError(.syntax, "a DER time is not of the form YYYYMMDDhhmmss[.s]Z")
        }
        let whole = try DERElement(generalizedTime: Array(content.prefix(14)) + [UInt8(ascii: "Z")]).time()
        let fraction = content.dropFirst(14).dropLast()
        let digits = fraction.dropFirst()
        guard
            fraction.isEmpty
                || fraction.first == UInt8(ascii: ".") && (1...9).contains(digits.count)
                    && digits.allSatisfy({ (0x30...0x39).contains($0) }) && digits.last != UInt8(ascii: "0")
        else { throw CodecError(.syntax, "the fraction of a DER time is malformed") }
        var micros: Int64 = 0
        for place in 0..<6 { micros = micros * 10 + (place < digits.count ? Int64(Array(digits)[place]) - 0x30 : 0) }
        return (whole.seconds * 1_000_000 + micros, digits.count > 6)
    }

    /// The text of one of the directory string types; nil where the octets are no text of that type.
    package var text: String? {
        switch tag {
        case .utf8String: return String(validating: content, as: UTF8.self)
        case .printableString, .ia5String, .visibleString:
            return content.allSatisfy { $0 < 0x80 } ? String(decoding: content, as: UTF8.self) : nil
        case .teletexString:
            return String(String.UnicodeScalarView(content.map { Unicode.Scalar($0) }))
        case .bmpString:
            guard content.count.isMultiple(of: 2) else { return nil }
            let units = Array(content)
            let scalars = stride(from: 0, to: units.count, by: 2).map { UInt16(units[$0]) << 8 | UInt16(units[$0 + 1]) }
            return String(validating: scalars, as: UTF16.self)
        case .universalString:
            guard content.count.isMultiple(of: 4) else { return nil }
            let units = Array(content)
            let scalars = stride(from: 0, to: units.count, by: 4).map { start in
                units[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            return String(validating: scalars, as: UTF32.self)
        default: return nil
        }
    }
}
