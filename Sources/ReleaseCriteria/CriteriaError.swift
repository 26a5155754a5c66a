import Problems

/// Why a piece of evidence or a set of criteria could not be read.
package struct CriteriaError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are no DSSE envelope of the strict form.
        case envelope
        /// The payload is no in-toto statement.
        case statement
        /// The predicate does not say what its type promises.
        case predicate
        /// More evidence, signatures or bytes than are read.
        case limit
        /// The criteria themselves make no sense.
        case configuration
    }

    package static let module = "criteria"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
