/// A name of ASCII characters with one textual form, safe in paths, URLs and SQL.
package protocol Slug: RawRepresentable<String>, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    init(_ text: String) throws(TrustModelError)
}

extension Slug {
    package init?(rawValue: String) {
        guard let value = try? Self(rawValue) else { return nil }
        self = value
    }

    package var description: String { rawValue }

    package static func < (lhs: Self, rhs: Self) -> Bool {
        lhs.rawValue.utf8.lexicographicallyPrecedes(rhs.rawValue.utf8)
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Checks a name's characters and length; `what` names the thing in the error.
func checkSlug(
    _ text: String, _ what: String, first: (UInt8) -> Bool, rest: (UInt8) -> Bool, maximum: Int, form: String
) throws(TrustModelError) {
    let bytes = Array(text.utf8)
    guard let head = bytes.first, first(head), bytes.dropFirst().allSatisfy(rest), bytes.count <= maximum else {
        throw TrustModelError(
            .name, "\(what) \"\(text.prefix(80))\" is not a valid name", hint: "\(form), at most \(maximum) characters")
    }
}

func isLowerCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
