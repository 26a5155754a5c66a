/// Kinds of keys that tokens make and sign with here.
package enum TokenKeyKind: UInt8, Sendable, CaseIterable {
    case ed25519 = 1
    case p256 = 2
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

/// What a client asks of the helper, one at a time; each is answered by one ``TokenResponse``.
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
    /// Signs with the key that fits the URI and has this public key: a message for Ed25519, its SHA-256 for P-256.
    case sign(String, spki: [UInt8], bytes: [UInt8], pin: [UInt8]?)
}

/// What the helper answers.
package enum TokenResponse: Sendable, Hashable {
    case done
    case token(TokenDescription)
    /// Keys that can be used, and in words the objects that cannot.
    case keys([TokenKeyDescription], skipped: [String])
    case key(TokenKeyDescription)
    /// Ed25519: the signature; P-256: r and s, 32 bytes each.
    case signature([UInt8])
    case failure(code: String, reason: String, hint: String?)
}

/// What a message may hold at most.
enum MessageLimit {
    static let uri = TokenURI.maximumBytes
    static let pin = 256
    static let label = 255
    static let id = 255
    static let spki = 2_048
    static let data = Frame.maximumBytes - 65_536
    static let signature = 512
    static let keys = 1_000
    static let text = 4_096
}
