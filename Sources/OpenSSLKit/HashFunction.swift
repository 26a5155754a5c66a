internal import COpenSSL

/// The hash functions that anything in the product is allowed to use.
package enum HashFunction: Sendable, Hashable {
    case sha256, sha384, sha512

    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    package func digest(of bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        let done = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, algorithm, nil)
        guard done == 1 else { preconditionFailure("libcrypto cannot hash: \(OpenSSLError.drain(.failed, "hashing"))") }
        return digest
    }

    /// libcrypto's implementation.
    @unsafe var algorithm: OpaquePointer? {
        switch self {
        case .sha256: unsafe Self.fetchedSHA256.raw
        case .sha384: unsafe Self.fetchedSHA384.raw
        case .sha512: unsafe Self.fetchedSHA512.raw
        }
    }

    private static let fetchedSHA256 = FetchedHash("SHA2-256")
    private static let fetchedSHA384 = FetchedHash("SHA2-384")
    private static let fetchedSHA512 = FetchedHash("SHA2-512")
}

/// One `EVP_MD *`, fetched once because fetching costs more than hashing a short message, and never freed or changed.
@safe private struct FetchedHash: @unchecked Sendable {
    let raw: OpaquePointer?

    init(_ name: String) { unsafe raw = EVP_MD_fetch(nil, name, nil) }
}

/// SHA-1, for the one place where a standard leaves no choice: a signed attribute of old timestamps names the signer's
/// certificate by it. Nothing is signed or trusted by it.
package enum LegacyHash {
    /// Nil where libcrypto is configured not to know it.
    package static func sha1(of bytes: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 20)
        defer { OpenSSLError.clear() }
        return unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil) == 1 ? digest : nil
    }
}

/// A hash that takes its input in pieces, for what should not be in memory at once.
@safe package struct IncrementalHash: ~Copyable {
    private let context: OpaquePointer
    private let function: HashFunction

    package init(_ function: HashFunction) {
        guard let context = unsafe EVP_MD_CTX_new(),
            unsafe EVP_DigestInit_ex2(context, function.algorithm, nil) == 1
        else { preconditionFailure("libcrypto cannot hash: \(OpenSSLError.drain(.failed, "starting a hash"))") }
        unsafe self.context = context
        self.function = function
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe update($0) } }

    package mutating func update(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    @unsafe package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            preconditionFailure("libcrypto cannot hash: \(OpenSSLError.drain(.failed, "hashing"))")
        }
    }

    package consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: function.byteCount)
        guard unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1 else {
            preconditionFailure("libcrypto cannot hash: \(OpenSSLError.drain(.failed, "finishing a hash"))")
        }
        return digest
    }
}
