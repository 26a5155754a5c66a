import Problems

/// Why files cannot be taken as a statement of what there should be.
package struct DeclarationError: Problem {
    package enum Code: String, Sendable {
        /// A document is not of the form of its kind.
        case form
        /// Two documents speak of the same thing.
        case twice
        /// What is there cannot become what the files say.
        case impossible
    }

    package static let module = "declarations"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
