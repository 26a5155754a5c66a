internal import COpenSSL

/// How libcrypto computes a signature.
package enum SignatureAlgorithm: Sendable, Hashable {
    case ed25519
    /// The signature is a DER SEQUENCE of two INTEGERs.
    case ecdsa(HashFunction)
    /// MGF1 with the same hash, and a salt of exactly this many bytes.
    case rsaPSS(HashFunction, saltBytes: Int)
    /// For checking certificates, and for the token requests of services that take nothing else.
    case rsaPKCS1(HashFunction)

    fileprivate var hash: HashFunction? {
        switch self {
        case .ed25519: nil
        case .ecdsa(let hash), .rsaPSS(let hash, _), .rsaPKCS1(let hash): hash
        }
    }

    /// The name that a key must answer to before it is used with this algorithm.
    fileprivate var keyType: String {
        switch self {
        case .ed25519: "ED25519"
        case .ecdsa: "EC"
        case .rsaPSS, .rsaPKCS1: "RSA"
        }
    }
}

extension KeyHandle {
    package func sign(_ message: [UInt8], _ algorithm: SignatureAlgorithm) throws(OpenSSLError) -> [UInt8] {
        let operation = try SignatureOperation(key: self)
        try operation.start(algorithm, signing: true)
        return try operation.sign(message)
    }

    /// False for anything but a signature that libcrypto calls right, a key of another type included.
    package func isValid(_ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
        defer { OpenSSLError.clear() }
        do throws(OpenSSLError) {
            let operation = try SignatureOperation(key: self)
            try operation.start(algorithm, signing: false)
            return operation.isValid(signature, over: message)
        } catch {
            return false
        }
    }
}

/// Owns one `EVP_MD_CTX *` that is set up for one signature.
@safe private struct SignatureOperation: ~Copyable {
    private let context: OpaquePointer
    /// The context borrows the key.
    private let key: KeyHandle

    init(key: KeyHandle) throws(OpenSSLError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drain(.failed, "starting a signature") }
        unsafe self.context = context
        self.key = key
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    borrowing func start(_ algorithm: SignatureAlgorithm, signing: Bool) throws(OpenSSLError) {
        guard unsafe key.withRaw({ unsafe EVP_PKEY_is_a($0, algorithm.keyType) }) == 1 else {
            throw OpenSSLError(.unsupported, "the key is not of type \(algorithm.keyType)")
        }
        var details: OpaquePointer?
        let hash: OpaquePointer? = unsafe algorithm.hash?.algorithm
        let started = unsafe key.withRaw { raw in
            signing
                ? unsafe EVP_DigestSignInit(context, &details, hash, nil, raw)
                : unsafe EVP_DigestVerifyInit(context, &details, hash, nil, raw)
        }
        guard started == 1, unsafe Self.configure(details, algorithm) else {
            throw .drain(.unsupported, "starting a signature")
        }
    }

    private static func configure(_ details: OpaquePointer?, _ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm {
        case .ed25519, .ecdsa: true
        case .rsaPKCS1:
            unsafe EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PADDING) == 1
        case .rsaPSS(let hash, let saltBytes):
            unsafe EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, CInt(clamping: saltBytes)) == 1
                && EVP_PKEY_CTX_set_rsa_mgf1_md(details, hash.algorithm) == 1
        }
    }

    borrowing func sign(_ message: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        var count = 0
        guard unsafe EVP_DigestSign(context, nil, &count, message, message.count) == 1 else {
            throw .drain(.failed, "signing")
        }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
            throw .drain(.failed, "signing")
        }
        return Array(signature.prefix(count))
    }

    borrowing func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
