internal import CPKCS11
import Problems

/// Why a PKCS#11 module did not do what was asked.
package struct PKCS11Error: Problem {
    package enum Code: String, Sendable {
        /// The file is no PKCS#11 module, or one that does not start.
        case module
        /// The PIN is wrong, or of a form that cannot be right.
        case pinWrong = "pin-wrong"
        /// The PIN is locked, expired or not set.
        case pinLocked = "pin-locked"
        /// A login is needed first.
        case notLoggedIn = "not-logged-in"
        /// The token, the session or the module's own state is gone or stuck; a new start may bring it back.
        case lost
        /// The module does not have the mechanism, or the key may not be used with it.
        case mechanism
        /// The token has no room for another session.
        case sessions
        /// The token says something that makes no sense.
        case malformed
        /// Any other refusal.
        case failed
    }

    package static let module = "pkcs11"
    package let code: Code
    package let reason: String
    package let hint: String?
    /// What the module returned, where it was the module that refused.
    package let returnValue: UInt?

    package init(_ code: Code, _ reason: String, hint: String? = nil, returnValue: UInt? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
        self.returnValue = returnValue
    }

    /// The one place where a return value becomes an error.
    static func check(_ value: CK_RV, _ doing: String) throws(PKCS11Error) {
        guard value != CKR_OK else { return }
        throw PKCS11Error(
            kind(of: value), "\(doing): the module returned \(ReturnCode.name(value))", returnValue: value)
    }

    private static func kind(of value: CK_RV) -> Code {
        switch value {
        case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE: .pinWrong
        case CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_USER_PIN_NOT_INITIALIZED: .pinLocked
        case CKR_USER_NOT_LOGGED_IN: .notLoggedIn
        // A general error is the module's word for a state that it cannot go on from, such as a card that is just gone.
        case CKR_GENERAL_ERROR, CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED,
            CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OBJECT_HANDLE_INVALID,
            CKR_KEY_HANDLE_INVALID, CKR_SLOT_ID_INVALID, CKR_OPERATION_ACTIVE:
            .lost
        case CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_KEY_TYPE_INCONSISTENT,
            CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_FUNCTION_NOT_SUPPORTED:
            .mechanism
        case CKR_SESSION_COUNT: .sessions
        default: .failed
        }
    }
}
