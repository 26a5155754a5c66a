import Problems

/// Why bytes or text could not be taken in by a codec.
package struct CodecError: Problem {
    package enum Code: String, Sendable {
        /// The text does not follow the grammar of its format.
        case syntax
        /// The bytes are not valid UTF-8, or an escape names half a surrogate pair.
        case encoding
        /// A JSON object names one member twice.
        case duplicateKey = "duplicate-key"
        /// A number is not an integer of 64 bits where one belongs.
        case notAnInteger = "not-an-integer"
        /// The input is larger or nested deeper than allowed.
        case limit
        /// A member that is required is absent.
        case missing
        /// A value has another type than required.
        case type
        /// A member that nobody knows is present where only known ones are allowed.
        case unknownMember = "unknown-member"
        /// A value is outside its range or has no meaning.
        case value
    }

    package static let module = "codecs"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
