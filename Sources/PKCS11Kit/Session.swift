internal import CPKCS11

/// One session with a token; its end is the module's, since closing the last one would log everybody out.
@safe package final class Session {
    let module: Module
    private let token: Token
    let handle: CK_SESSION_HANDLE

    package enum Access { case readOnly, readWrite }

    package init(_ module: Module, _ token: Token, _ access: Access) throws(PKCS11Error) {
        guard let openSession = unsafe module.functions.C_OpenSession else { throw Module.missing("C_OpenSession") }
        let write = access == .readWrite ? CK_FLAGS(CKF_RW_SESSION) : 0
        var handle: CK_SESSION_HANDLE = 0
        let value = unsafe openSession(token.slot, CK_FLAGS(CKF_SERIAL_SESSION) | write, nil, nil, &handle)
        try PKCS11Error.check(value, "opening a session with token \"\(token.label)\"")
        self.module = module
        self.token = token
        self.handle = handle
    }

    /// Lets the session go before the module ends.
    package func close() {
        if let closeSession = module.functions.C_CloseSession { _ = closeSession(handle) }
    }

    /// Logs the token's user in, for all sessions; without a PIN the token asks for it on its own keys.
    package func logIn(pin: [UInt8]?) throws(PKCS11Error) {
        let value = try logIn(as: CK_USER_TYPE(CKU_USER), pin)
        guard value != CKR_USER_ALREADY_LOGGED_IN else { return }
        try PKCS11Error.check(value, "logging in to token \"\(token.label)\"")
    }

    private func logIn(as user: CK_USER_TYPE, _ pin: [UInt8]?) throws(PKCS11Error) -> CK_RV {
        guard let login = unsafe module.functions.C_Login else { throw Module.missing("C_Login") }
        guard var pin else { return login(handle, user, nil, 0) }
        let count = CK_ULONG(pin.count)
        return unsafe pin.withUnsafeMutableBufferPointer { unsafe login(handle, user, $0.baseAddress, count) }
    }

    /// Signs with a private key of this token; what the bytes are depends on the mechanism.
    ///
    /// A key that wants its PIN each time gets it between the two calls, with nothing in between.
    package func sign(
        _ bytes: [UInt8], with key: KeyObject, _ mechanism: SigningMechanism, pin: [UInt8]?
    ) throws(PKCS11Error) -> [UInt8] {
        let functions = module.functions
        guard let initialize = unsafe functions.C_SignInit, let sign = unsafe functions.C_Sign else {
            throw Module.missing("C_Sign")
        }
        let begun = unsafe mechanism.withMechanism { unsafe initialize(handle, $0, key.handle) }
        try PKCS11Error.check(begun, "beginning to sign")
        if key.wantsPINEachTime {
            try PKCS11Error.check(
                try logIn(as: CK_USER_TYPE(CKU_CONTEXT_SPECIFIC), pin), "giving the PIN for one signature")
        }
        var input = bytes
        var signature = [UInt8](repeating: 0, count: Self.maximumSignature)
        var count = CK_ULONG(signature.count)
        let value = unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe sign(handle, input.baseAddress, CK_ULONG(input.count), &signature, &count)
        }
        try PKCS11Error.check(value, "signing")
        guard count <= Self.maximumSignature else {
            throw PKCS11Error(.malformed, "the module made a signature of \(count) bytes")
        }
        return try key.kind.fixedWidth(Array(signature.prefix(Int(count))))
    }

    /// That of an RSA key of 8,192 bits.
    private static let maximumSignature = 1_024

    /// Objects that fit a template: all, and then no more than a thousand, or the first of them.
    func find(
        _ template: [ObjectAttribute], stoppingAt limit: Int? = nil
    ) throws(PKCS11Error) -> [CK_OBJECT_HANDLE] {
        let functions = module.functions
        guard let initialize = unsafe functions.C_FindObjectsInit, let find = unsafe functions.C_FindObjects,
            let end = functions.C_FindObjectsFinal
        else { throw Module.missing("C_FindObjects") }
        let value = unsafe ObjectAttribute.withTemplate(template) { unsafe initialize(handle, $0, $1) }
        try PKCS11Error.check(value, "looking for objects")
        defer { _ = end(handle) }
        var found: [CK_OBJECT_HANDLE] = []
        while true {
            var batch = [CK_OBJECT_HANDLE](repeating: 0, count: 64)
            var count: CK_ULONG = 0
            try PKCS11Error.check(unsafe find(handle, &batch, 64, &count), "looking for objects")
            guard count > 0, count <= 64 else { return found }
            found += batch.prefix(Int(count))
            if let limit, found.count >= limit { return Array(found.prefix(limit)) }
            guard found.count <= 1_000 else {
                throw PKCS11Error(.malformed, "more than 1000 objects fit", hint: "name the object in the URI")
            }
        }
    }

    /// The value of one attribute; nil where the object has none or does not give it out.
    func attribute(_ type: some BinaryInteger, of object: CK_OBJECT_HANDLE) throws(PKCS11Error) -> [UInt8]? {
        guard let get = unsafe module.functions.C_GetAttributeValue else { throw Module.missing("C_GetAttributeValue") }
        var attribute = unsafe CK_ATTRIBUTE(type: CK_ATTRIBUTE_TYPE(type), pValue: nil, ulValueLen: 0)
        let asked = unsafe get(handle, object, &attribute, 1)
        if asked == CKR_ATTRIBUTE_TYPE_INVALID || asked == CKR_ATTRIBUTE_SENSITIVE { return nil }
        try PKCS11Error.check(asked, "reading an attribute")
        let count = unsafe attribute.ulValueLen
        guard count != CK_ULONG.max else { return nil }
        guard count <= 65_536 else { throw PKCS11Error(.malformed, "an attribute has \(count) bytes") }
        var value = [UInt8](repeating: 0, count: Int(count))
        guard count > 0 else { return value }
        let read = unsafe value.withUnsafeMutableBytes { buffer -> (CK_RV, CK_ULONG) in
            unsafe attribute.pValue = buffer.baseAddress
            let result = unsafe get(handle, object, &attribute, 1)
            return unsafe (result, attribute.ulValueLen)
        }
        try PKCS11Error.check(read.0, "reading an attribute")
        return Array(value.prefix(Int(min(read.1, count))))
    }

    /// The value of an attribute that is a number.
    func number(_ type: some BinaryInteger, of object: CK_OBJECT_HANDLE) throws(PKCS11Error) -> CK_ULONG? {
        guard let raw = try attribute(type, of: object) else { return nil }
        guard raw.count == MemoryLayout<CK_ULONG>.size else {
            throw PKCS11Error(.malformed, "an attribute that is a number has \(raw.count) bytes")
        }
        return raw.reversed().reduce(CK_ULONG(0)) { $0 << 8 | CK_ULONG($1) }
    }
}
