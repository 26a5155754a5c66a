internal import CPKCS11

/// A private key that comes from outside, in the numbers that a token takes.
package enum KeyMaterial: Sendable {
    /// A scalar, big-endian, and its public point.
    case ec(KeyKind.Curve, scalar: [UInt8], point: [UInt8])
    /// The seed of RFC 8032 §5.1.5 and its public point.
    case ed25519(seed: [UInt8], point: [UInt8])
    /// The numbers in the order of RFC 8017 §A.1.2.
    case rsa(
        modulus: [UInt8], publicExponent: [UInt8], privateExponent: [UInt8], primes: [[UInt8]], exponents: [[UInt8]],
        coefficient: [UInt8])

    fileprivate var kind: CK_ULONG {
        switch self {
        case .ec: CK_ULONG(CKK_EC)
        case .ed25519: CK_ULONG(CKK_EC_EDWARDS)
        case .rsa: CK_ULONG(CKK_RSA)
        }
    }
}

extension Session {
    /// Makes a pair of keys that the token never gives out.
    package func generate(_ kind: KeyKind, label: String, id: [UInt8]) throws(PKCS11Error) {
        guard case .rsa(let bits) = kind else { return try generateOnCurve(kind, label, id) }
        let parameters = [
            ObjectAttribute.number(CKA_MODULUS_BITS, bits), .bytes(CKA_PUBLIC_EXPONENT, [0x01, 0x00, 0x01]),
        ]
        try PKCS11Error.check(try generate(kind, parameters, label, id), "making a key of type \(kind)")
    }

    private func generateOnCurve(_ kind: KeyKind, _ label: String, _ id: [UInt8]) throws(PKCS11Error) {
        for (index, name) in kind.curveNames.enumerated() {
            let value = try generate(kind, [.bytes(CKA_EC_PARAMS, name)], label, id)
            let isCurveRefused = [
                CKR_ATTRIBUTE_VALUE_INVALID, CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED,
                CKR_TEMPLATE_INCONSISTENT,
            ].contains(value)
            if isCurveRefused, index + 1 < kind.curveNames.count { continue }
            return try PKCS11Error.check(value, "making a key of type \(kind)")
        }
    }

    private func generate(
        _ kind: KeyKind, _ parameters: [ObjectAttribute], _ label: String, _ id: [UInt8]
    ) throws(PKCS11Error) -> CK_RV {
        guard let generate = unsafe module.functions.C_GenerateKeyPair else {
            throw Module.missing("C_GenerateKeyPair")
        }
        let name = Self.name(label, id)
        let publicPart = name + parameters + [.flag(CKA_VERIFY, true), .flag(CKA_PRIVATE, false)]
        var mechanism = unsafe CK_MECHANISM()
        unsafe mechanism.mechanism = kind.generation
        var publicKey: CK_OBJECT_HANDLE = 0
        var privateKey: CK_OBJECT_HANDLE = 0
        return unsafe ObjectAttribute.withTemplate(publicPart) { publicTemplate, publicCount in
            unsafe ObjectAttribute.withTemplate(name + Self.keptInside) { privateTemplate, privateCount in
                unsafe generate(
                    handle, &mechanism, publicTemplate, publicCount, privateTemplate, privateCount, &publicKey,
                    &privateKey)
            }
        }
    }

    /// Puts a pair of keys on the token, which gives the private half out no more.
    package func create(_ key: KeyMaterial, label: String, id: [UInt8]) throws(PKCS11Error) {
        let name = Self.name(label, id) + [.number(CKA_KEY_TYPE, key.kind)]
        let privatePart = [.number(CKA_CLASS, CKO_PRIVATE_KEY)] + name + Self.keptInside + key.privateNumbers
        let made = try create(privatePart, "putting a private key on the token")
        let publicPart =
            [.number(CKA_CLASS, CKO_PUBLIC_KEY)] + name + [.flag(CKA_VERIFY, true), .flag(CKA_PRIVATE, false)]
            + key.publicNumbers
        do throws(PKCS11Error) {
            _ = try create(publicPart, "putting a public key on the token")
        } catch {
            if let destroy = module.functions.C_DestroyObject { _ = destroy(handle, made) }
            throw error
        }
    }

    /// Puts a certificate on the token. Its names are written beside it, because tokens are searched by them.
    package func create(_ certificate: CertificateObject) throws(PKCS11Error) {
        let template: [ObjectAttribute] =
            [
                .number(CKA_CLASS, CKO_CERTIFICATE), .number(CKA_CERTIFICATE_TYPE, CKC_X_509),
                .flag(CKA_PRIVATE, false),
            ] + Self.name(certificate.label, certificate.id) + [
                .bytes(CKA_SUBJECT, certificate.subject), .bytes(CKA_ISSUER, certificate.issuer),
                .bytes(CKA_SERIAL_NUMBER, certificate.serialNumber), .bytes(CKA_VALUE, certificate.der),
            ]
        _ = try create(template, "putting a certificate on the token")
    }

    private func create(_ template: [ObjectAttribute], _ doing: String) throws(PKCS11Error) -> CK_OBJECT_HANDLE {
        guard let create = unsafe module.functions.C_CreateObject else { throw Module.missing("C_CreateObject") }
        var object: CK_OBJECT_HANDLE = 0
        let value = unsafe ObjectAttribute.withTemplate(template) { unsafe create(handle, $0, $1, &object) }
        try PKCS11Error.check(value, doing)
        return object
    }

    private static func name(_ label: String, _ id: [UInt8]) -> [ObjectAttribute] {
        [.bytes(CKA_LABEL, Array(label.utf8)), .bytes(CKA_ID, id), .flag(CKA_TOKEN, true)]
    }

    private static let keptInside: [ObjectAttribute] = [
        .flag(CKA_PRIVATE, true), .flag(CKA_SENSITIVE, true), .flag(CKA_EXTRACTABLE, false), .flag(CKA_SIGN, true),
    ]
}

extension KeyMaterial {
    fileprivate var privateNumbers: [ObjectAttribute] {
        switch self {
        case .ec(let curve, let scalar, _):
            [.bytes(CKA_EC_PARAMS, KeyKind.ec(curve).curveNames[0]), .bytes(CKA_VALUE, scalar)]
        case .ed25519(let seed, _):
            [.bytes(CKA_EC_PARAMS, KeyKind.ed25519.curveNames[0]), .bytes(CKA_VALUE, seed)]
        case .rsa(let modulus, let publicExponent, let privateExponent, let primes, let exponents, let coefficient):
            [
                .bytes(CKA_MODULUS, modulus), .bytes(CKA_PUBLIC_EXPONENT, publicExponent),
                .bytes(CKA_PRIVATE_EXPONENT, privateExponent), .bytes(CKA_COEFFICIENT, coefficient),
            ] + zip([CKA_PRIME_1, CKA_PRIME_2], primes).map { .bytes($0, $1) }
                + zip([CKA_EXPONENT_1, CKA_EXPONENT_2], exponents).map { .bytes($0, $1) }
        }
    }

    fileprivate var publicNumbers: [ObjectAttribute] {
        switch self {
        case .ec(let curve, _, let point):
            [
                .bytes(CKA_EC_PARAMS, KeyKind.ec(curve).curveNames[0]),
                .bytes(CKA_EC_POINT, KeyKind.wrapped(point)),
            ]
        case .ed25519(_, let point):
            [
                .bytes(CKA_EC_PARAMS, KeyKind.ed25519.curveNames[0]),
                .bytes(CKA_EC_POINT, KeyKind.wrapped(point)),
            ]
        case .rsa(let modulus, let publicExponent, _, _, _, _):
            [.bytes(CKA_MODULUS, modulus), .bytes(CKA_PUBLIC_EXPONENT, publicExponent)]
        }
    }
}
