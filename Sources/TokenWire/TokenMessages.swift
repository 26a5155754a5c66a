/// Kinds of keys that tokens make and sign with here.
package enum TokenKeyKind: Sendable, Hashable {
    case ed25519, p256, p384, p521
    case rsa(bits: Int)
}

/// How a token is asked to sign; hashing is never its work.
package enum TokenMechanism: UInt8, Sendable, CaseIterable {
    /// A whole message.
    case ed25519 = 1
    /// A digest, no longer than the curve.
    case ecdsa = 2
    /// A digest of that hash; salt as long as it.
    case pssSHA256 = 3
    case pssSHA384 = 4
    case pssSHA512 = 5
    /// A number as long as the modulus, padded before.
    case rsaRaw = 6
}

/// What a token says of itself.
package struct TokenDescription: Sendable, Hashable {
    package var label: String
    package var serial: String
    package var manufacturer: String
    package var model: String
    /// Private keys are seen only after a login.
    package var requiresLogin: Bool
    /// The PIN is typed on the token's own keys, so none is sent.
    package var hasOwnKeypad: Bool

    package init(
        label: String, serial: String, manufacturer: String, model: String, requiresLogin: Bool, hasOwnKeypad: Bool
    ) {
        self.label = label
        self.serial = serial
        self.manufacturer = manufacturer
        self.model = model
        self.requiresLogin = requiresLogin
        self.hasOwnKeypad = hasOwnKeypad
    }
}

/// What is known of one key on a token.
package struct TokenKeyDescription: Sendable, Hashable {
    package var label: String
    package var id: [UInt8]
    package var kind: TokenKeyKind
    /// SubjectPublicKeyInfo, DER; nothing but the token's word for it until a signature was checked with it.
    package var spki: [UInt8]
    /// The private half was seen, which on most tokens takes a login.
    package var isPrivate: Bool
    /// The token wants the PIN again for each signature. [CKA_ALWAYS_AUTHENTICATE]
    package var wantsPINEachTime: Bool

    package init(
        label: String, id: [UInt8], kind: TokenKeyKind, spki: [UInt8], isPrivate: Bool, wantsPINEachTime: Bool
    ) {
        self.label = label
        self.id = id
        self.kind = kind
        self.spki = spki
        self.isPrivate = isPrivate
        self.wantsPINEachTime = wantsPINEachTime
    }
}

/// A certificate on a token, as bytes.
package struct TokenCertificate: Sendable, Hashable {
    package var label: String
    package var id: [UInt8]
    package var der: [UInt8]
    /// What a token wants to have beside a certificate that it is given, in DER; empty in an answer.
    package var subject: [UInt8]
    package var issuer: [UInt8]
    package var serialNumber: [UInt8]

    package init(
        label: String, id: [UInt8], der: [UInt8], subject: [UInt8] = [], issuer: [UInt8] = [],
        serialNumber: [UInt8] = []
    ) {
        self.label = label
        self.id = id
        self.der = der
        self.subject = subject
        self.issuer = issuer
        self.serialNumber = serialNumber
    }
}

/// One signature that is asked for.
package struct TokenSignatureRequest: Sendable, Hashable {
    package var uri: String
    /// The public key that the key at the URI must have.
    package var spki: [UInt8]
    package var mechanism: TokenMechanism
    package var bytes: [UInt8]
    /// For a key that wants its PIN each time.
    package var pin: [UInt8]?

    package init(uri: String, spki: [UInt8], mechanism: TokenMechanism, bytes: [UInt8], pin: [UInt8]?) {
        self.uri = uri
        self.spki = spki
        self.mechanism = mechanism
        self.bytes = bytes
        self.pin = pin
    }
}

/// What a client asks of the helper on one of its sockets, one at a time; each is answered by one ``TokenResponse``.
package enum TokenRequest: Sendable, Hashable {
    /// Finds the one token that the URI names.
    case open(String)
    /// Gives the PIN, once; nil lets the token ask for it on its own keys.
    case logIn(pin: [UInt8]?, allowsLastTries: Bool)
    /// Every key that fits the URI.
    case list(String)
    /// The one key that fits the URI.
    case find(String)
    /// Makes a pair of keys that never leaves the token.
    case generate(TokenKeyKind, label: String, id: [UInt8]?)
    /// Signs with the key that fits the URI and has that public key; the one request that every socket takes.
    case sign(TokenSignatureRequest)
    /// The certificates with that identifier and that subject (DER), as far as one is given.
    case certificates(id: [UInt8]?, subject: [UInt8]?)
    case storeCertificate(TokenCertificate)
    /// Puts a pair of keys on the token. The numbers: of a key on a curve the secret and the point; of an RSA key
    /// the eight of RFC 8017 §A.1.2 in their order.
    case storeKey(TokenKeyKind, label: String, id: [UInt8], numbers: [[UInt8]])
}

/// What the helper answers.
package enum TokenResponse: Sendable, Hashable {
    case done
    case token(TokenDescription)
    /// Keys that can be used, and in words the objects that cannot.
    case keys([TokenKeyDescription], skipped: [String])
    case key(TokenKeyDescription)
    /// Of an EC key r and s, each as long as a coordinate.
    case signature([UInt8])
    case certificates([TokenCertificate], skipped: [String])
    case failure(code: String, reason: String, hint: String?)
}

/// What a message may hold at most.
package enum MessageLimit {
    static let uri = TokenURI.maximumBytes
    static let pin = 256
    static let label = 255
    static let id = 255
    static let spki = 2_048
    static let data = Frame.maximumBytes - 65_536
    static let signature = 1_024
    static let certificate = 16_384
    package static let certificates = 64
    static let number = 1_100
    package static let keys = 1_000
    static let text = 4_096
}
