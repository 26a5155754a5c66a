/// The name of a trust store in a Notation configuration: a kind and a directory, such as `ca:acme.prod`.
package struct NamedStore: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let kind: TrustStoreKind
    package let name: String

    /// Longest directory name that Linux file systems take.
    package static let maximumLength = 255

    /// `kind:name`, the name of letters, digits, `_`, `.` and `-`. [Notary trust-store-trust-policy, "Trust Store"]
    package init(_ text: String) throws(TrustModelError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = TrustStoreKind(rawValue: String(parts[0])) else {
            throw TrustModelError(
                .policy, "trust store \"\(text.prefix(120))\" does not begin with ca:, signingAuthority: or tsa:",
                hint: "write it like ca:acme.prod")
        }
        try self.init(kind: kind, name: String(parts[1]))
    }

    package init(kind: TrustStoreKind, name: String) throws(TrustModelError) {
        let allowed: (UInt8) -> Bool = { isDigit($0) || isLowerCase($0 | 0x20) || "_.-".utf8.contains($0) }
        guard (1...Self.maximumLength).contains(name.utf8.count), name.utf8.allSatisfy(allowed), name != ".",
            name != ".."
        else {
            throw TrustModelError(
                .policy, "trust store name \"\(name.prefix(120))\" is not made of letters, digits, _ . and - alone")
        }
        self.kind = kind
        self.name = name
    }

    package init(_ id: TrustStoreID) throws(TrustModelError) {
        try self.init(kind: id.kind, name: id.notationName)
    }

    package var description: String { "\(kind.rawValue):\(name)" }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.description < rhs.description }
}
