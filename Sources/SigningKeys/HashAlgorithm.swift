import OpenSSLKit

/// A hash function that signatures and digests may use.
package enum HashAlgorithm: String, Sendable, CaseIterable {
    case sha256, sha384, sha512

    package func digest(of bytes: [UInt8]) -> [UInt8] { function.digest(of: bytes) }

    package var byteCount: Int { function.byteCount }

    var function: HashFunction {
        switch self {
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}

/// A hash over input that comes in pieces.
package struct StreamingHash: ~Copyable {
    private var hash: IncrementalHash

    package init(_ algorithm: HashAlgorithm) { hash = IncrementalHash(algorithm.function) }

    package mutating func update(_ bytes: [UInt8]) { hash.update(bytes) }

    package mutating func update(_ bytes: ArraySlice<UInt8>) { hash.update(bytes) }

    package consuming func finish() -> [UInt8] { hash.finish() }
}

/// HMAC with SHA-256. [RFC 2104]
package func hmacSHA256(_ message: [UInt8], key: Secret) -> [UInt8] { KeyedHash.sha256(of: message, key: key.bytes) }

/// Random bytes for keys, nonces, tokens and serial numbers.
package enum SecureRandom {
    /// At most 1 MiB at once; stops the program if the generator fails.
    package static func bytes(_ count: Int) -> [UInt8] { RandomBytes.make(count) }
}

/// Comparison whose time does not tell where two values differ; lengths are not secret.
package enum ConstantTime {
    package static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool { Comparison.areEqual(a, b) }
}
