internal import CPKCS11

/// One loaded PKCS#11 module, started.
///
/// The module's code runs in this process: load one only in a process that may crash or hang, and that never forks.
@safe package final class Module {
    let functions: CK_FUNCTION_LIST
    private let list: UnsafeMutablePointer<CK_FUNCTION_LIST>
    private var isStarted = true
    /// The module cannot lock: one thread at a time may be inside it.
    package private(set) var isSingleThreaded = false

    package init(path: String) throws(PKCS11Error) {
        p11_kit_be_quiet()
        guard let list = unsafe p11_kit_module_load(path, Int32(P11_KIT_MODULE_UNMANAGED)) else {
            let said = unsafe p11_kit_message().map { unsafe String(cString: $0) } ?? "it cannot be loaded"
            throw PKCS11Error(.module, "\(path) is no PKCS#11 module: \(said.prefix(300))")
        }
        unsafe self.list = list
        unsafe functions = list.pointee
        do throws(PKCS11Error) {
            try start()
        } catch {
            unsafe p11_kit_module_release(list)
            throw PKCS11Error(
                .module, "starting \(path): \(error.reason)", hint: error.hint, returnValue: error.returnValue)
        }
    }

    private func start() throws(PKCS11Error) {
        do throws(PKCS11Error) { try initialize(withLocking: true) } catch {
            guard error.returnValue == CKR_CANT_LOCK else { throw error }
            isSingleThreaded = true
            return try initialize(withLocking: false)
        }
        guard deadlocksByItself else { return }
        isSingleThreaded = true
        if let finalize = unsafe functions.C_Finalize { _ = finalize(nil) }
        try initialize(withLocking: false)
    }

    private func initialize(withLocking: Bool) throws(PKCS11Error) {
        guard let initialize = unsafe functions.C_Initialize else { throw Self.missing("C_Initialize") }
        var arguments = unsafe CK_C_INITIALIZE_ARGS()
        unsafe arguments.flags = CK_FLAGS(CKF_OS_LOCKING_OK)
        let value = withLocking ? unsafe initialize(&arguments) : initialize(nil)
        guard value != CKR_CRYPTOKI_ALREADY_INITIALIZED else { return }
        try PKCS11Error.check(value, "C_Initialize")
    }

    /// OpenSC (seen in 0.23) takes a lock twice, and hangs for ever, when a card is pulled out while it signs; without
    /// locks it says that the card is gone. A card does one thing at a time anyway.
    private var deadlocksByItself: Bool {
        var information = CK_INFO()
        guard let getInfo = unsafe functions.C_GetInfo, unsafe getInfo(&information) == CKR_OK else { return false }
        return Token.text(information.manufacturerID).hasPrefix("OpenSC")
    }

    /// Every token that is there. A slot that cannot say what is in it is left out, so that it does not hide the others.
    package func tokens() throws(PKCS11Error) -> [Token] {
        var tokens: [Token] = []
        for slot in try slots() {
            var raw = CK_TOKEN_INFO()
            guard let tokenInfo = unsafe functions.C_GetTokenInfo else { throw Self.missing("C_GetTokenInfo") }
            guard unsafe tokenInfo(slot, &raw) == CKR_OK else { continue }
            let token = Token(slot: slot, raw)
            if token.isInitialised { tokens.append(token) }
        }
        return tokens
    }

    /// What a token says of itself now: its PIN flags change.
    package func refreshed(_ token: Token) throws(PKCS11Error) -> Token {
        guard let tokenInfo = unsafe functions.C_GetTokenInfo else { throw Self.missing("C_GetTokenInfo") }
        var raw = CK_TOKEN_INFO()
        try PKCS11Error.check(unsafe tokenInfo(token.slot, &raw), "C_GetTokenInfo")
        return Token(slot: token.slot, raw)
    }

    private func slots() throws(PKCS11Error) -> [CK_SLOT_ID] {
        guard let slotList = unsafe functions.C_GetSlotList else { throw Self.missing("C_GetSlotList") }
        for _ in 0..<8 {
            var count: CK_ULONG = 0
            try PKCS11Error.check(unsafe slotList(CK_BBOOL(CK_TRUE), nil, &count), "C_GetSlotList")
            guard count > 0 else { return [] }
            guard count <= 4_096 else { throw PKCS11Error(.malformed, "the module says that it has \(count) slots") }
            var slots = [CK_SLOT_ID](repeating: 0, count: Int(count))
            let value = unsafe slotList(CK_BBOOL(CK_TRUE), &slots, &count)
            if value == CKR_BUFFER_TOO_SMALL { continue }
            try PKCS11Error.check(value, "C_GetSlotList")
            return Array(slots.prefix(Int(count)))
        }
        throw PKCS11Error(.failed, "the module's slots change too fast to be listed")
    }

    /// Ends the module; it must not be used afterwards.
    package func finalize() {
        guard isStarted else { return }
        isStarted = false
        if let finalize = unsafe functions.C_Finalize { _ = finalize(nil) }
    }

    static func missing(_ function: String) -> PKCS11Error {
        PKCS11Error(.module, "the module lacks the function \(function)")
    }
}
