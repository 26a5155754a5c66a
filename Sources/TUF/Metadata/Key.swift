package import Codecs
package import SigningKeys

/// The id of a key: the SHA-256 of its canonical form, in hexadecimal. Received ids are text until recomputed.
package struct KeyID: ByteText {
    package let text: String

    package init(_ text: String) { self.text = text }
}

/// A public key as metadata carries it, with everything that its id covers. [TUF §4.2 KEY]
///
/// A key of an unknown type, or one that is weak or malformed, is kept but never counts.
package struct Key: Sendable, Equatable {
    /// Computed from the members, never read. [TUF §4.3: clients MUST calculate each KEYID]
    package let id: KeyID
    package let type: String
    package let scheme: String
    /// The whole object, unknown members included.
    package let members: JSONObject
    private let values: JSONObject

    /// Whether a key can verify, and how.
    package enum Use: Sendable, Equatable {
        case verifies(PublicKey, SignatureScheme)
        case unusable(String)
    }

    /// Reads a key object.
    package init(_ value: JSON, place: String = "key") throws(TUFError) {
        let members = try value.asObject(place)
        type = try members.text("keytype", place)
        scheme = try members.text("scheme", place)
        values = try members.members("keyval", place)
        self.members = members
        id = KeyID(Hex.encode(HashAlgorithm.sha256.digest(of: try value.canonical(place))))
    }

    /// The canonical object for a public key: what this product writes, so that one key has one id.
    package init(_ publicKey: PublicKey) throws(TUFError) {
        let (type, scheme, text): (String, String, String)
        switch publicKey.type {
        case .ed25519:
            guard let raw = publicKey.ed25519Bytes else { throw TUFError(.key, "an Ed25519 key has no raw form") }
            (type, scheme, text) = ("ed25519", "ed25519", Hex.encode(raw))
        case .ec(.p256): (type, scheme, text) = ("ecdsa", "ecdsa-sha2-nistp256", publicKey.pem)
        case .ec(.p384): (type, scheme, text) = ("ecdsa", "ecdsa-sha2-nistp384", publicKey.pem)
        case .rsa: (type, scheme, text) = ("rsa", "rsassa-pss-sha256", publicKey.pem)
        case .ec(.p521):
            throw TUFError(
                .key, "a key of type \(publicKey.type) cannot sign TUF metadata",
                hint: "use Ed25519, ECDSA P-256 or P-384, or RSA")
        }
        let value: JSON = [
            "keytype": .string(type), "scheme": .string(scheme), "keyval": ["public": .string(text)],
        ]
        try self.init(value.sorted)
        if case .unusable(let why) = use { throw TUFError(.key, "a key cannot sign TUF metadata: \(why)") }
    }

    package var json: JSON { .object(members) }

    /// The key itself, equal for two objects that carry one key in two forms; nil when it does not count.
    package var material: PublicKey? { if case .verifies(let key, _) = use { key } else { nil } }

    /// How the key signs; nil when it does not count.
    package var signatureScheme: SignatureScheme? { if case .verifies(_, let scheme) = use { scheme } else { nil } }

    /// Whether the object is the one that `init(_: PublicKey)` makes for its key: no other encoding, no extra member.
    package var isCanonical: Bool {
        guard let material, let canonical = try? Key(material) else { return false }
        return canonical.id == id
    }

    /// Whether and how the key verifies. Worked out when asked for: a file may list a thousand keys of which a host
    /// needs three.
    package var use: Use {
        guard let text = values["public"]?.stringOrNil else { return .unusable("it has no text \"public\"") }
        do throws(KeyError) {
            switch (type, scheme) {
            case ("ed25519", "ed25519"):
                guard let raw = try? Hex.decode(text.lowercased()) else {
                    return .unusable("its \"public\" is not hexadecimal")
                }
                return .verifies(try PublicKey(ed25519: raw), .ed25519)
            case ("ecdsa", "ecdsa-sha2-nistp256"), ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"):
                let key = try PublicKey(pem: Array(text.utf8))
                return key.type == .ec(.p256)
                    ? .verifies(key, .ecdsa(.sha256, .der)) : .unusable("it is an \(key.type) key, not P-256")
            case ("ecdsa", "ecdsa-sha2-nistp384"), ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"):
                let key = try PublicKey(pem: Array(text.utf8))
                return key.type == .ec(.p384)
                    ? .verifies(key, .ecdsa(.sha384, .der)) : .unusable("it is an \(key.type) key, not P-384")
            case ("rsa", "rsassa-pss-sha256"):
                let key = try PublicKey(pem: Array(text.utf8))
                guard case .rsa = key.type else { return .unusable("it is an \(key.type) key, not RSA") }
                return .verifies(key, .rsaPSS(.sha256))
            default: return .unusable("type \"\(type.prefix(40))\" with scheme \"\(scheme.prefix(40))\" is not known")
            }
        } catch { return .unusable(error.reason) }
    }
}
