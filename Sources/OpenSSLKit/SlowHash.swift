internal import COpenSSL

/// A hash that costs a fifth of a second and 64 MiB, for what has so few possible values that a fast one would give it
/// away. [RFC 7914]
package enum SlowHash {
    package static func scrypt(_ secret: SecretBytes, salt: [UInt8], count: Int) throws(OpenSSLError) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: count)
        let done = unsafe secret.bytes.withMemoryRebound(to: CChar.self) {
            unsafe EVP_PBE_scrypt(
                $0.baseAddress, secret.count, salt, salt.count, 65_536, 8, 1, 128 << 20, &hash, hash.count)
        }
        guard done == 1 else { throw .drain(.failed, "scrypt") }
        return hash
    }
}
