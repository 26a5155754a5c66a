internal import CPKCS11

/// How a token is asked to sign. Hashing is never its work: what it would hash with, and whether it can, differs.
package enum SigningMechanism: Sendable, Hashable {
    /// The hash that a digest was made with. [RFC 8017 §9.1]
    package enum Hash: Sendable, CaseIterable { case sha256, sha384, sha512 }

    /// A whole message.
    case ed25519
    /// A digest, no longer than the curve.
    case ecdsa
    /// A digest; salt as long as it, MGF1 with the same hash.
    case rsaPSS(Hash)
    /// A number as long as the modulus, padded before. [CKM_RSA_X_509]
    case rsaRaw

    /// Lays the mechanism out in memory for one call.
    func withMechanism<Result>(_ body: (UnsafeMutablePointer<CK_MECHANISM>) -> Result) -> Result {
        var mechanism = unsafe CK_MECHANISM()
        unsafe mechanism.mechanism = name
        guard case .rsaPSS(let hash) = self else { return unsafe body(&mechanism) }
        var parameters = hash.parameters
        return unsafe withUnsafeMutablePointer(to: &parameters) { pointer in
            unsafe mechanism.pParameter = UnsafeMutableRawPointer(pointer)
            unsafe mechanism.ulParameterLen = CK_ULONG(MemoryLayout<CK_RSA_PKCS_PSS_PARAMS>.size)
            return unsafe body(&mechanism)
        }
    }

    private var name: CK_MECHANISM_TYPE {
        switch self {
        case .ed25519: CK_MECHANISM_TYPE(CKM_EDDSA)
        case .ecdsa: CK_MECHANISM_TYPE(CKM_ECDSA)
        case .rsaPSS: CK_MECHANISM_TYPE(CKM_RSA_PKCS_PSS)
        case .rsaRaw: CK_MECHANISM_TYPE(CKM_RSA_X_509)
        }
    }
}

extension SigningMechanism.Hash {
    fileprivate var parameters: CK_RSA_PKCS_PSS_PARAMS {
        var parameters = CK_RSA_PKCS_PSS_PARAMS()
        switch self {
        case .sha256:
            (parameters.hashAlg, parameters.mgf, parameters.sLen) = (
                CK_MECHANISM_TYPE(CKM_SHA256), CK_ULONG(CKG_MGF1_SHA256), 32
            )
        case .sha384:
            (parameters.hashAlg, parameters.mgf, parameters.sLen) = (
                CK_MECHANISM_TYPE(CKM_SHA384), CK_ULONG(CKG_MGF1_SHA384), 48
            )
        case .sha512:
            (parameters.hashAlg, parameters.mgf, parameters.sLen) = (
                CK_MECHANISM_TYPE(CKM_SHA512), CK_ULONG(CKG_MGF1_SHA512), 64
            )
        }
        return parameters
    }
}
