import PKCS11Kit
import TokenWire

extension Token {
    /// Whether everything that the URI says of a token is true of this one.
    func fits(_ uri: TokenURI) -> Bool {
        (uri.token ?? label) == label && (uri.serial ?? serial) == serial
            && (uri.manufacturer ?? manufacturer) == manufacturer && (uri.model ?? model) == model
    }
}

extension TokenDescription {
    init(_ token: Token) {
        self.init(
            label: token.label, serial: token.serial, manufacturer: token.manufacturer, model: token.model,
            requiresLogin: token.requiresLogin, hasOwnKeypad: token.hasOwnKeypad)
    }
}

extension KeyFilter {
    init(_ uri: TokenURI) { self.init(label: uri.object, id: uri.id) }
}

extension KeyKind {
    init(_ kind: TokenKeyKind) {
        switch kind {
        case .ed25519: self = .ed25519
        case .p256: self = .ec(.p256)
        case .p384: self = .ec(.p384)
        case .p521: self = .ec(.p521)
        case .rsa(let bits): self = .rsa(bits: bits)
        }
    }
}

extension TokenKeyKind {
    init(_ kind: KeyKind) {
        switch kind {
        case .ed25519: self = .ed25519
        case .ec(.p256): self = .p256
        case .ec(.p384): self = .p384
        case .ec(.p521): self = .p521
        case .rsa(let bits): self = .rsa(bits: bits)
        }
    }
}

extension SigningMechanism {
    init(_ mechanism: TokenMechanism) {
        switch mechanism {
        case .ed25519: self = .ed25519
        case .ecdsa: self = .ecdsa
        case .pssSHA256: self = .rsaPSS(.sha256)
        case .pssSHA384: self = .rsaPSS(.sha384)
        case .pssSHA512: self = .rsaPSS(.sha512)
        case .rsaRaw: self = .rsaRaw
        }
    }
}

extension TokenKeyDescription {
    init(_ key: KeyObject) {
        self.init(
            label: key.label, id: key.id, kind: TokenKeyKind(key.kind), spki: key.spki, isPrivate: key.isPrivate,
            wantsPINEachTime: key.wantsPINEachTime)
    }
}

extension TokenCertificate {
    init(_ certificate: CertificateObject) {
        self.init(label: certificate.label, id: certificate.id, der: certificate.der)
    }
}

extension CertificateObject {
    init(_ certificate: TokenCertificate) {
        self.init(
            label: certificate.label, id: certificate.id, der: certificate.der, subject: certificate.subject,
            issuer: certificate.issuer, serialNumber: certificate.serialNumber)
    }
}

extension KeyMaterial {
    init(_ kind: TokenKeyKind, _ numbers: [[UInt8]]) throws(TokenError) {
        guard numbers.count == (KeyKind(kind).isRSA ? 8 : 2) else {
            throw TokenError(.wire, "a key to be stored comes as \(numbers.count) numbers")
        }
        switch kind {
        case .ed25519: self = .ed25519(seed: numbers[0], point: numbers[1])
        case .p256: self = .ec(.p256, scalar: numbers[0], point: numbers[1])
        case .p384: self = .ec(.p384, scalar: numbers[0], point: numbers[1])
        case .p521: self = .ec(.p521, scalar: numbers[0], point: numbers[1])
        case .rsa:
            self = .rsa(
                modulus: numbers[0], publicExponent: numbers[1], privateExponent: numbers[2],
                primes: Array(numbers[3...4]), exponents: Array(numbers[5...6]), coefficient: numbers[7])
        }
    }
}

extension KeyKind {
    fileprivate var isRSA: Bool { if case .rsa = self { true } else { false } }
}

extension KeyObject {
    /// How a key is told from others in a message.
    var name: String {
        "\"\(label)\" (\(TokenURI(token: "", serial: "", object: nil, id: id)), \(isPrivate ? "private" : "public"))"
    }
}

extension TokenError {
    init(_ error: PKCS11Error) {
        let (code, hint): (Code, String?) =
            switch error.code {
            case .module: (.module, "give the path of a PKCS#11 module with --pkcs11-module")
            case .pinWrong: (.pinWrong, "it was tried once and is not tried again; tokens lock after a few wrong ones")
            case .pinLocked: (.pinLocked, nil)
            case .notLoggedIn: (.pinMissing, "give the PIN")
            case .lost: (.lost, "see that the token is plugged in and answers")
            case .mechanism: (.unsupported, nil)
            case .sessions: (.failed, "other programs hold the token's sessions: end some of them")
            case .malformed, .failed: (.failed, nil)
            }
        self.init(code, error.reason, hint: error.hint ?? hint)
    }
}
