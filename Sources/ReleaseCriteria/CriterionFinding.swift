/// One criterion of a key, what it asks for, what was found, and whether it holds.
package struct CriterionFinding: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Dotted, such as `provenance.builder`.
    package let criterion: String
    package let wanted: String
    package let found: String
    package let holds: Bool

    package init(_ criterion: String, wanted: String, found: String, holds: Bool) {
        self.criterion = criterion
        self.wanted = wanted
        self.found = Self.shown(found)
        self.holds = holds
    }

    /// What a service sends is a stranger's text as well.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        criterion = Self.shown(try values.decode(String.self, forKey: .criterion))
        wanted = Self.shown(try values.decode(String.self, forKey: .wanted))
        found = Self.shown(try values.decode(String.self, forKey: .found))
        holds = try values.decode(Bool.self, forKey: .holds)
    }

    package var description: String {
        "\(holds ? "held" : "NOT HELD") \(criterion): wanted \(wanted), found \(found)"
    }

    /// What evidence says is a stranger's text: cut, and without control characters.
    package static func shown(_ text: String) -> String {
        let plain = text.unicodeScalars.prefix(300).map { scalar -> Unicode.Scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value) ? "?" : scalar
        }
        return String(String.UnicodeScalarView(plain))
    }
}
