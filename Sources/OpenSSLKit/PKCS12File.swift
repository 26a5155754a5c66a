internal import COpenSSL

/// A key and its certificates from one PKCS#12 file. [RFC 7292]
package struct PKCS12File {
    package let key: KeyHandle
    /// The key's own certificate first where there is one, the others as they stand; DER.
    package let certificates: [[UInt8]]

    /// Checks the MAC, which must be there, then opens what it covers.
    ///
    /// The caller has looked at the algorithms and their costs before: this computes whatever the file asks for.
    package init(der: [UInt8], passphrase: SecretBytes) throws(OpenSSLError) {
        var cursor: UnsafePointer<UInt8>? = nil
        let file: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
            unsafe cursor = buffer.baseAddress
            return unsafe d2i_PKCS12(nil, &cursor, buffer.count)
        }
        guard let file = unsafe file else { throw .drain(.malformed, "reading a PKCS#12 file") }
        defer { unsafe PKCS12_free(file) }
        guard unsafe PKCS12_mac_present(file) == 1 else {
            throw OpenSSLError(.malformed, "reading a PKCS#12 file: nothing authenticates it")
        }
        var text = passphrase.copy + [0]
        defer { SecretBytes.wipe(&text) }
        var rawKey: OpaquePointer?
        var rawLeaf: OpaquePointer?
        var rawOthers: OpaquePointer?
        let opened = unsafe text.withUnsafeBufferPointer { buffer -> Bool in
            guard let start = buffer.baseAddress else { return false }
            return unsafe start.withMemoryRebound(to: CChar.self, capacity: buffer.count) { start in
                unsafe PKCS12_verify_mac(file, start, CInt(buffer.count - 1)) == 1
                    && PKCS12_parse(file, start, &rawKey, &rawLeaf, &rawOthers) == 1
            }
        }
        guard opened else {
            OpenSSLError.clear()
            throw OpenSSLError(.authentication, "the passphrase does not open the PKCS#12 file")
        }
        defer {
            unsafe X509_free(rawLeaf)
            unsafe OPENSSL_sk_free(rawOthers)
        }
        var found: [[UInt8]] = []
        if let leaf = unsafe rawLeaf { found.append(try unsafe Self.der(leaf)) }
        if let others = unsafe rawOthers {
            for index in unsafe 0..<OPENSSL_sk_num(others) {
                guard let value = unsafe OPENSSL_sk_value(others, index) else { continue }
                let certificate = OpaquePointer(value)
                defer { unsafe X509_free(certificate) }
                found.append(try unsafe Self.der(certificate))
            }
        }
        guard let key = unsafe rawKey else { throw OpenSSLError(.malformed, "the PKCS#12 file holds no private key") }
        self.key = unsafe KeyHandle(owning: key)
        certificates = found
    }

    @unsafe private static func der(_ certificate: OpaquePointer) throws(OpenSSLError) -> [UInt8] {
        var allocated: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_X509(certificate, &allocated)
        guard count > 0, let start = unsafe allocated else { throw .drain(.failed, "reading a certificate") }
        defer { unsafe CRYPTO_free(start, "", 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }
}
