internal import COpenSSL

/// Owns one `EVP_PKEY *`, public or private, which is never changed after it was made and so may be shared by threads.
@safe package final class KeyHandle: @unchecked Sendable {
    private let raw: OpaquePointer

    /// Which keys can be made.
    package enum Kind: Sendable {
        case rsa(bits: Int)
        /// A named group such as `P-256`.
        case ec(group: String)
        case ed25519
    }

    /// Private keys outside of PKCS#8.
    package enum TraditionalForm: Sendable {
        /// `RSA PRIVATE KEY` [RFC 8017 §A.1.2]
        case pkcs1
        /// `EC PRIVATE KEY` [RFC 5915]
        case sec1
    }

    @unsafe init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe EVP_PKEY_free(raw) }

    /// The numbers of a public key, as whoever took its encoding apart found them.
    package enum PublicNumbers: Sendable {
        /// Big-endian magnitudes.
        case rsa(modulus: [UInt8], exponent: [UInt8])
        /// An uncompressed point; refused if it is not on the curve.
        case ec(group: String, point: [UInt8])
        case ed25519([UInt8])
    }

    package convenience init(_ numbers: PublicNumbers) throws(OpenSSLError) {
        let made: OpaquePointer? =
            switch numbers {
            case .ed25519(let bytes):
                unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
            case .ec(let group, let point):
                unsafe roadstead_ec_public_key(group, point, point.count)
            case .rsa(let modulus, let exponent):
                unsafe roadstead_rsa_public_key(
                    Self.native(modulus), modulus.count, Self.native(exponent), exponent.count)
            }
        guard let raw = unsafe made else { throw .drain(.malformed, "reading a public key") }
        unsafe self.init(owning: raw)
    }

    private static func native(_ magnitude: [UInt8]) -> [UInt8] {
        1.bigEndian == 1 ? magnitude : magnitude.reversed()
    }

    /// Takes a SubjectPublicKeyInfo and nothing after it.
    package convenience init(spki: [UInt8]) throws(OpenSSLError) {
        try unsafe self.init(decoding: spki, "reading a public key") { cursor, count in
            unsafe d2i_PUBKEY(nil, &cursor, count)
        }
    }

    package convenience init(traditional der: [UInt8], _ form: TraditionalForm) throws(OpenSSLError) {
        let type = form == .pkcs1 ? EVP_PKEY_RSA : EVP_PKEY_EC
        try unsafe self.init(decoding: der, "reading a private key") { cursor, count in
            unsafe d2i_PrivateKey(type, nil, &cursor, count)
        }
    }

    /// Takes an unencrypted PrivateKeyInfo. [RFC 5958]
    package convenience init(pkcs8 der: [UInt8]) throws(OpenSSLError) {
        try unsafe self.init(decoding: der, "reading a private key") { cursor, count in
            guard let info = unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &cursor, count) else { return nil }
            defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
            return unsafe EVP_PKCS82PKEY(info)
        }
    }

    /// Takes an EncryptedPrivateKeyInfo; throws `authentication` when the passphrase does not fit. [RFC 5958]
    package convenience init(encryptedPKCS8 der: [UInt8], passphrase: SecretBytes) throws(OpenSSLError) {
        var fits = true
        do throws(OpenSSLError) {
            try unsafe self.init(decoding: der, "reading an encrypted private key") { cursor, count in
                guard let sealed = unsafe d2i_X509_SIG(nil, &cursor, count) else { return nil }
                defer { unsafe X509_SIG_free(sealed) }
                let text = unsafe passphrase.bytes.bindMemory(to: CChar.self).baseAddress
                guard let info = unsafe PKCS8_decrypt(sealed, text, CInt(clamping: passphrase.count)) else {
                    fits = false
                    return nil
                }
                defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
                return unsafe EVP_PKCS82PKEY(info)
            }
        } catch {
            throw fits ? error : OpenSSLError(.authentication, "the passphrase does not open the private key")
        }
    }

    private convenience init(
        decoding der: [UInt8], _ action: String,
        with decode: (inout UnsafePointer<UInt8>?, Int) -> OpaquePointer?
    ) throws(OpenSSLError) {
        var consumed = 0
        let decoded: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            let decoded = unsafe decode(&cursor, buffer.count)
            if let start = buffer.baseAddress, let end = unsafe cursor { unsafe consumed = end - start }
            return unsafe decoded
        }
        guard let raw = unsafe decoded else { throw .drain(.malformed, action) }
        guard consumed == der.count else {
            unsafe EVP_PKEY_free(raw)
            throw OpenSSLError(.malformed, "\(action): \(der.count - consumed) bytes follow the key")
        }
        unsafe self.init(owning: raw)
    }

    package static func generate(_ kind: Kind) throws(OpenSSLError) -> KeyHandle {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, kind.algorithm, nil) else {
            throw .drain(.unsupported, "generating a key")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { throw .drain(.unsupported, "generating a key") }
        switch kind {
        case .rsa(let bits):
            guard let bits = CInt(exactly: bits), unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1 else {
                throw .drain(.unsupported, "generating an RSA key")
            }
        case .ec(let group):
            guard unsafe EVP_PKEY_CTX_set_group_name(context, group) == 1 else {
                throw .drain(.unsupported, "generating an elliptic curve key")
            }
        case .ed25519: break
        }
        var made: OpaquePointer?
        guard unsafe EVP_PKEY_generate(context, &made) == 1, let raw = unsafe made else {
            throw .drain(.failed, "generating a key")
        }
        return unsafe KeyHandle(owning: raw)
    }

    /// Whether the private and the public half belong together; only meaningful for elliptic curve keys, where the
    /// public half is stored and not derived.
    package func halvesMatch() -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, raw, nil) else { return false }
        defer {
            unsafe EVP_PKEY_CTX_free(context)
            OpenSSLError.clear()
        }
        return unsafe EVP_PKEY_pairwise_check(context) == 1
    }

    /// The public half as SubjectPublicKeyInfo.
    package func spki() throws(OpenSSLError) -> [UInt8] {
        try unsafe encoded("writing a public key") { cursor in unsafe i2d_PUBKEY(raw, cursor) }
    }

    /// The private key as PrivateKeyInfo.
    package func pkcs8() throws(OpenSSLError) -> [UInt8] {
        guard let info = unsafe EVP_PKEY2PKCS8(raw) else { throw .drain(.failed, "writing a private key") }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
        return try unsafe encoded("writing a private key") { cursor in unsafe i2d_PKCS8_PRIV_KEY_INFO(info, cursor) }
    }

    /// The private key under PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC, salt of 16 bytes. [RFC 8018 §6.2]
    package func encryptedPKCS8(passphrase: SecretBytes, iterations: Int) throws(OpenSSLError) -> [UInt8] {
        guard let info = unsafe EVP_PKEY2PKCS8(raw) else { throw .drain(.failed, "writing a private key") }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
        let rounds = CInt(clamping: iterations)
        guard let scheme = unsafe PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), rounds, nil, 16, nil, NID_hmacWithSHA256) else {
            throw .drain(.failed, "encrypting a private key")
        }
        let text = unsafe passphrase.bytes.bindMemory(to: CChar.self).baseAddress
        guard let sealed = unsafe PKCS8_set0_pbe(text, CInt(clamping: passphrase.count), info, scheme) else {
            unsafe X509_ALGOR_free(scheme)
            throw .drain(.failed, "encrypting a private key")
        }
        defer { unsafe X509_SIG_free(sealed) }
        return try unsafe encoded("writing an encrypted private key") { cursor in unsafe i2d_X509_SIG(sealed, cursor) }
    }

    private func encoded(
        _ action: String, _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> CInt
    ) throws(OpenSSLError) -> [UInt8] {
        var allocated: UnsafeMutablePointer<UInt8>?
        let count = unsafe encode(&allocated)
        guard count > 0, let start = unsafe allocated else { throw .drain(.failed, action) }
        defer { unsafe CRYPTO_clear_free(start, Int(count), "", 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    /// Runs `body` with the raw key, which it may use but not keep.
    @unsafe func withRaw<R>(_ body: (OpaquePointer) -> R) -> R { unsafe body(raw) }
}

extension KeyHandle.Kind {
    fileprivate var algorithm: String {
        switch self {
        case .rsa: "RSA"
        case .ec: "EC"
        case .ed25519: "ED25519"
        }
    }
}
