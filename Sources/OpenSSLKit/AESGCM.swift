internal import COpenSSL

/// AES-256-GCM with a nonce of 12 bytes and a tag of 16. [NIST SP 800-38D]
package enum AESGCM {
    package static let keyBytes = 32
    package static let nonceBytes = 12
    package static let tagBytes = 16

    /// Returns ciphertext followed by the tag.
    package static func seal(
        _ plaintext: [UInt8], key: SecretBytes, nonce: [UInt8], authenticating aad: [UInt8]
    ) throws(OpenSSLError) -> [UInt8] {
        let cipher = try Cipher()
        try cipher.start(key: key, nonce: nonce, sealing: true)
        try cipher.authenticate(aad)
        var sealed = try cipher.update(plaintext)
        guard cipher.finish() else { throw .drain(.failed, "sealing") }
        sealed += try cipher.tag()
        return sealed
    }

    /// Takes ciphertext followed by the tag; throws `authentication` when anything was changed.
    package static func open(
        _ sealed: [UInt8], key: SecretBytes, nonce: [UInt8], authenticating aad: [UInt8]
    ) throws(OpenSSLError) -> [UInt8] {
        guard sealed.count >= tagBytes else {
            throw OpenSSLError(.malformed, "sealed bytes are shorter than their tag")
        }
        let cipher = try Cipher()
        try cipher.start(key: key, nonce: nonce, sealing: false)
        try cipher.authenticate(aad)
        var plaintext = try cipher.update(Array(sealed.dropLast(tagBytes)))
        try cipher.expect(tag: Array(sealed.suffix(tagBytes)))
        guard cipher.finish() else {
            SecretBytes.wipe(&plaintext)
            OpenSSLError.clear()
            throw OpenSSLError(
                .authentication, "sealed bytes do not open: another key, another context or changed bytes")
        }
        return plaintext
    }
}

/// Owns one `EVP_CIPHER_CTX *` for one message.
@safe private struct Cipher: ~Copyable {
    private let context: OpaquePointer

    init() throws(OpenSSLError) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .drain(.failed, "starting AES-256-GCM") }
        unsafe self.context = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    borrowing func start(key: SecretBytes, nonce: [UInt8], sealing: Bool) throws(OpenSSLError) {
        guard key.count == AESGCM.keyBytes, nonce.count == AESGCM.nonceBytes else {
            throw OpenSSLError(.unsupported, "AES-256-GCM takes a key of 32 bytes and a nonce of 12")
        }
        let keyBytes = unsafe key.bytes.bindMemory(to: UInt8.self).baseAddress
        let started = unsafe EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, keyBytes, nonce, sealing ? 1 : 0)
        guard started == 1 else { throw .drain(.failed, "starting AES-256-GCM") }
    }

    borrowing func authenticate(_ aad: [UInt8]) throws(OpenSSLError) {
        guard let size = CInt(exactly: aad.count) else { throw OpenSSLError(.unsupported, "too many bytes at once") }
        var count: CInt = 0
        guard unsafe aad.isEmpty || EVP_CipherUpdate(context, nil, &count, aad, size) == 1 else {
            throw .drain(.failed, "authenticating the context")
        }
    }

    borrowing func update(_ input: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard let size = CInt(exactly: input.count) else { throw OpenSSLError(.unsupported, "too many bytes at once") }
        guard size > 0 else { return [] }
        var output = [UInt8](repeating: 0, count: input.count)
        var count: CInt = 0
        guard unsafe EVP_CipherUpdate(context, &output, &count, input, size) == 1, Int(count) == input.count else {
            throw .drain(.failed, "AES-256-GCM")
        }
        return output
    }

    borrowing func finish() -> Bool {
        var rest = [UInt8](repeating: 0, count: 16)
        var count: CInt = 0
        return unsafe EVP_CipherFinal_ex(context, &rest, &count) == 1
    }

    borrowing func tag() throws(OpenSSLError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: AESGCM.tagBytes)
        guard unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CInt(tag.count), &tag) == 1 else {
            throw .drain(.failed, "reading the tag")
        }
        return tag
    }

    borrowing func expect(tag: [UInt8]) throws(OpenSSLError) {
        var tag = tag
        guard unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CInt(tag.count), &tag) == 1 else {
            throw .drain(.failed, "setting the tag")
        }
    }
}
