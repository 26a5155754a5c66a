internal import COpenSSL

/// Bytes that are overwritten before their memory is given back, and never changed while they are held, so that threads
/// may share them.
@safe package final class SecretBytes: @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    /// Copies the bytes; the caller's copy is the caller's to lose.
    package init(_ bytes: [UInt8]) {
        unsafe storage = .allocate(byteCount: max(bytes.count, 1), alignment: 16)
        unsafe storage.copyBytes(from: bytes)
        count = bytes.count
    }

    deinit {
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    package let count: Int

    /// A copy that nobody wipes: for handing on to something that needs an array.
    package var copy: [UInt8] { unsafe Array(bytes) }

    /// Only valid while `self` is alive.
    @unsafe var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    /// Overwrites an array in place, as far as it is not shared.
    package static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}

/// The one source of random bytes.
package enum RandomBytes {
    /// Stops the program when the generator fails: nothing may go on with guessable bytes.
    package static func make(_ count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= 1 << 20, "a request for random bytes is between 0 and 1 MiB")
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe RAND_bytes(&bytes, CInt(count)) == 1 else {
            preconditionFailure("libcrypto has no random bytes: \(OpenSSLError.drain(.failed, "random bytes"))")
        }
        return bytes
    }
}

/// Comparison whose time does not tell where two values differ.
package enum Comparison {
    /// Lengths are not secret.
    package static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        return unsafe CRYPTO_memcmp(a, b, a.count) == 0
    }

    package static func areEqual(_ a: SecretBytes, _ b: SecretBytes) -> Bool {
        guard a.count == b.count else { return false }
        return unsafe CRYPTO_memcmp(a.bytes.baseAddress, b.bytes.baseAddress, a.count) == 0
    }
}

/// HMAC with SHA-256. [RFC 2104]
package enum KeyedHash {
    package static func sha256(of message: [UInt8], key: SecretBytes) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: HashFunction.sha256.byteCount)
        let made = unsafe HMAC(
            HashFunction.sha256.algorithm, key.bytes.baseAddress, CInt(clamping: key.count), message, message.count,
            &code, nil)
        guard unsafe made != nil else {
            preconditionFailure("libcrypto cannot compute HMAC: \(OpenSSLError.drain(.failed, "HMAC"))")
        }
        return code
    }
}
