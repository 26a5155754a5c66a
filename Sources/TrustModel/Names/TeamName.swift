/// The name of a team, and of its role in every fleet: `[a-z][a-z0-9-]{0,30}`, never one of the reserved words, nor
/// the name of a group (`teams-00`).
package struct TeamName: Slug {
    package let rawValue: String

    package static let reserved: Set<String> = [
        "root", "targets", "snapshot", "timestamp", "mirrors", "fleet", "deny", "revocation", "ops", "local",
    ]

    package init(_ text: String) throws(TrustModelError) {
        try checkSlug(
            text, "team", first: isLowerCase,
            rest: { isLowerCase($0) || isDigit($0) || $0 == UInt8(ascii: "-") }, maximum: 31,
            form: "a lower-case letter, then lower-case letters, digits and hyphens")
        guard !Self.reserved.contains(text), !TeamGroup.isName(text) else {
            throw TrustModelError(.name, "team \"\(text)\" is a reserved name", hint: "choose another name")
        }
        rawValue = text
    }
}

/// The name of a registered vendor: the form of a team's name.
package struct VendorName: Slug {
    package let rawValue: String

    package init(_ text: String) throws(TrustModelError) {
        try checkSlug(
            text, "vendor", first: isLowerCase,
            rest: { isLowerCase($0) || isDigit($0) || $0 == UInt8(ascii: "-") }, maximum: 31,
            form: "a lower-case letter, then lower-case letters, digits and hyphens")
        rawValue = text
    }
}

/// The name of a fleet: the form of a team's name.
package struct FleetName: Slug {
    package let rawValue: String

    package init(_ text: String) throws(TrustModelError) {
        try checkSlug(
            text, "fleet", first: isLowerCase,
            rest: { isLowerCase($0) || isDigit($0) || $0 == UInt8(ascii: "-") }, maximum: 31,
            form: "a lower-case letter, then lower-case letters, digits and hyphens")
        rawValue = text
    }
}

/// The identity of a fleet that no other fleet ever has: 32 lower-case hexadecimal digits, signed into every top-level role.
package struct FleetID: Slug {
    package let rawValue: String

    package init(_ text: String) throws(TrustModelError) {
        let isHex: (UInt8) -> Bool = { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
        guard text.utf8.count == 32, text.utf8.allSatisfy(isHex) else {
            throw TrustModelError(.name, "fleet id \"\(text.prefix(40))\" is not 32 lower-case hexadecimal digits")
        }
        rawValue = text
    }
}

/// The name of a trust store within its team: `[a-z0-9][a-z0-9._-]{0,62}`.
package struct TrustStoreName: Slug {
    package let rawValue: String

    package init(_ text: String) throws(TrustModelError) {
        let isWord: (UInt8) -> Bool = { isLowerCase($0) || isDigit($0) }
        try checkSlug(
            text, "trust store", first: isWord, rest: { isWord($0) || "._-".utf8.contains($0) }, maximum: 63,
            form: "lower-case letters, digits, dots, underscores and hyphens, the first a letter or digit")
        rawValue = text
    }
}

/// What the anchors of a trust store vouch for.
package enum TrustStoreKind: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
    case ca
    case signingAuthority
    case tsa

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// One named store of one team. Its name in Notation is `<kind>:<team>.<store>`.
package struct TrustStoreID: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package let team: TeamName
    package let kind: TrustStoreKind
    package let name: TrustStoreName

    package init(team: TeamName, kind: TrustStoreKind, name: TrustStoreName) {
        self.team = team
        self.kind = kind
        self.name = name
    }

    /// The store's directory name in a Notation configuration.
    package var notationName: String { "\(team).\(name)" }
    package var description: String { "\(kind.rawValue):\(notationName)" }
    /// The TUF target that carries the store's anchors.
    package var targetName: String { "\(team)/\(kind.rawValue).\(name).pem" }

    package static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.team, lhs.kind, lhs.name) < (rhs.team, rhs.kind, rhs.name)
    }
}
