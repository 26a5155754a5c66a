import Problems

/// Why a value has no place in the trust model.
package struct TrustModelError: Problem {
    package enum Code: String, Sendable {
        /// A name does not follow its form, or is reserved.
        case name
        /// A registry scope does not follow its form.
        case scope
        /// A scope belongs to another team, or to nobody.
        case foreignScope = "foreign-scope"
        /// A signed document says something that has no meaning.
        case document
        /// A signed document needs a feature that this program does not know.
        case criticalFeature = "critical-feature"
        /// A trust policy is malformed or contradicts itself.
        case policy
        /// A trust store cannot be used as it is.
        case store
    }

    package static let module = "trust"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
