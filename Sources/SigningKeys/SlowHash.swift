import OpenSSLKit

/// scrypt with N = 65536, r = 8, p = 1: so slow that even the ten thousand values of a short PIN take an hour to try.
package func slowHash(_ secret: Secret, salt: [UInt8], count: Int) throws(KeyError) -> [UInt8] {
    do { return try SlowHash.scrypt(secret.bytes, salt: salt, count: count) } catch {
        throw KeyError(.failed, error.reason)
    }
}
