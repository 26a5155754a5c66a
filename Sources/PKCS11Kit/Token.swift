internal import CPKCS11

/// A token in a slot, as it described itself when it was asked.
package struct Token: Sendable, Hashable {
    let slot: UInt
    package let label: String
    package let serial: String
    package let manufacturer: String
    package let model: String
    /// How many sessions this program may have at once; nil where the token does not say.
    package let maximumSessions: Int?
    private let flags: UInt

    init(slot: UInt, _ raw: CK_TOKEN_INFO) {
        self.slot = slot
        label = Self.text(raw.label)
        serial = Self.text(raw.serialNumber)
        manufacturer = Self.text(raw.manufacturerID)
        model = Self.text(raw.model)
        let sessions = raw.ulMaxSessionCount
        maximumSessions = sessions == 0 || sessions == CK_ULONG.max ? nil : Int(clamping: sessions)
        flags = raw.flags
    }

    var isInitialised: Bool { flags & UInt(CKF_TOKEN_INITIALIZED) != 0 }
    package var requiresLogin: Bool { flags & UInt(CKF_LOGIN_REQUIRED) != 0 }
    package var hasOwnKeypad: Bool { flags & UInt(CKF_PROTECTED_AUTHENTICATION_PATH) != 0 }
    package var hasPIN: Bool { flags & UInt(CKF_USER_PIN_INITIALIZED) != 0 }
    package var isPINLocked: Bool { flags & UInt(CKF_USER_PIN_LOCKED) != 0 }
    /// A wrong PIN was given since the last right one.
    package var isPINCountLow: Bool { flags & UInt(CKF_USER_PIN_COUNT_LOW) != 0 }
    /// The next wrong PIN locks the token.
    package var isPINFinalTry: Bool { flags & UInt(CKF_USER_PIN_FINAL_TRY) != 0 }
    package var mustChangePIN: Bool { flags & UInt(CKF_USER_PIN_TO_BE_CHANGED) != 0 }

    /// Text of fixed width, filled with blanks; what is not UTF-8 or not printable becomes `?`.
    static func text(_ field: some Any) -> String {
        let bytes = Mirror(reflecting: field).children.compactMap { $0.value as? UInt8 }
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        var scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar == "\u{FFFD}" ? "?" : scalar
        }
        while scalars.last == " " { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
