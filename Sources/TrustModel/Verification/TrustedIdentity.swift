/// Who may sign: anybody under the trust stores, or leaf certificates with a subject.
/// [Notary trust-store-trust-policy, "Trusted Identities Constraints"]
package enum TrustedIdentity: Sendable, Hashable {
    /// `*`
    case any
    /// `x509.subject: …`
    case subject(SubjectPattern)
    /// An identity of a kind that nobody here knows; it never matches.
    case unknown(String)

    package init(_ text: String) throws(TrustModelError) {
        if text == "*" {
            self = .any
            return
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw TrustModelError(
                .policy, "trusted identity \"\(text.prefix(200))\" is neither * nor of the form kind: value",
                hint: "write it like x509.subject: C=US, ST=WA, O=Example")
        }
        if text[..<colon].utf8.elementsEqual("x509.subject".utf8) {
            self = .subject(try SubjectPattern(String(text[text.utf8.index(after: colon)...])))
        } else {
            self = .unknown(text)
        }
    }

    /// Whether a leaf certificate with these subject attributes is meant; nil is a subject that no identity can name.
    package func matches(subject: [SubjectAttribute]?) -> Bool {
        switch self {
        case .any: true
        case .subject(let pattern): subject.map(pattern.matches) ?? false
        case .unknown: false
        }
    }
}

/// Attributes that a certificate's subject must have; it may have more.
package struct SubjectPattern: Sendable, Hashable {
    private let values: [String: SubjectAttribute]

    /// Reads the names that people write; `C`, `ST` and `O` are required, every type stands once.
    package init(_ text: String) throws(TrustModelError) {
        var values: [String: SubjectAttribute] = [:]
        for attribute in try DistinguishedNameText.parse(text) {
            let type = Self.canonicalType(attribute.type)
            guard values.updateValue(SubjectAttribute(type: type, value: attribute.value), forKey: type) == nil else {
                throw TrustModelError(
                    .policy, "trusted identity \"\(text.prefix(200))\" names the attribute \(type) twice")
            }
        }
        for type in ["C", "ST", "O"] where values[type] == nil {
            throw TrustModelError(
                .policy, "trusted identity \"\(text.prefix(200))\" has no attribute \(type)",
                hint: "C, ST and O are required, in upper case")
        }
        self.values = values
    }

    /// Whether every attribute of the pattern is in the subject with an equal value.
    ///
    /// A subject that names one type twice never matches: which of the two would be meant is open.
    package func matches(_ subject: [SubjectAttribute]) -> Bool {
        let types = subject.map { Self.canonicalType($0.type) }
        guard Set(types).count == types.count else { return false }
        let found = Set(zip(types, subject).map { SubjectAttribute(type: $0, value: $1.value) })
        return values.values.allSatisfy(found.contains)
    }

    /// Whether the subject has every attribute of the pattern among whatever else it has: what a denial asks.
    package func isWithin(_ subject: [SubjectAttribute]) -> Bool {
        let found = Set(subject.map { SubjectAttribute(type: Self.canonicalType($0.type), value: $0.value) })
        return values.values.allSatisfy(found.contains)
    }

    /// Whether everything that matches `other` matches this as well.
    package func covers(_ other: SubjectPattern) -> Bool {
        Set(values.values).isSubset(of: Set(other.values.values))
    }

    private static func canonicalType(_ type: String) -> String { type == "S" ? "ST" : type }
}
