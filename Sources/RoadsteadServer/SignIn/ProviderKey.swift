import Codecs
import JWTKit

/// One public key of an issuer, with the algorithms that its own kind allows. [RFC 7517, RFC 7518 §3.1]
struct ProviderKey: Sendable {
    let id: String
    private let verifiers: [String: JWTKeyCollection]

    /// The algorithms that a token may name with this key; a token never chooses beyond them.
    var algorithms: [String] { verifiers.keys.sorted() }

    /// Reads a key of a key set.
    ///
    /// - Returns: nil for keys of other kinds or for other uses, and for weak ones.
    init?(_ key: JSONObject) async {
        guard let id = key["kid"]?.stringOrNil, (1...256).contains(id.utf8.count),
            key["use"] == nil || key["use"]?.stringOrNil == "sig", key["d"] == nil, key["k"] == nil,
            let verifiers = await Self.verifiers(key, JWKIdentifier(string: id))
        else { return nil }
        if let operations = key["key_ops"] {
            guard operations.arrayOrNil?.contains("verify") == true else { return nil }
        }
        self.id = id
        if let only = key["alg"] {
            guard let name = only.stringOrNil, let verifier = verifiers[name] else { return nil }
            self.verifiers = [name: verifier]
        } else {
            self.verifiers = verifiers
        }
    }

    /// - Throws: `.algorithm` for one that this key is not for, `.signature` for a signature that is not this key's.
    func verify(_ token: CompactToken) async throws(IdentityTokenError) {
        guard let verifier = verifiers[token.algorithm] else {
            throw IdentityTokenError(
                .algorithm,
                "the token is signed by \(token.algorithm.prefix(20)), its key is for "
                    + algorithms.joined(separator: ", "))
        }
        do { _ = try await verifier.verify(token.text, as: UnreadClaims.self) } catch {
            throw IdentityTokenError(.signature, "the token's signature is not of the key that it names")
        }
    }

    /// The claims are read strictly elsewhere; here only the signature counts.
    private struct UnreadClaims: JWTPayload {
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private static func verifiers(_ key: JSONObject, _ id: JWKIdentifier) async -> [String: JWTKeyCollection]? {
        func text(_ name: String) -> String? { key[name]?.stringOrNil }
        switch (text("kty"), text("crv")) {
        case ("RSA", nil):
            guard let modulus = text("n"), let exponent = text("e"), isStrong(modulus, exponent),
                let key = try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)
            else { return nil }
            return [
                "RS256": await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256, kid: id),
                "PS256": await JWTKeyCollection().add(pss: key, digestAlgorithm: .sha256, kid: id),
            ]
        case ("EC", "P-256"):
            guard let x = text("x"), let y = text("y"), let key = try? ES256PublicKey(parameters: (x, y)) else {
                return nil
            }
            return ["ES256": await JWTKeyCollection().add(ecdsa: key, kid: id)]
        case ("EC", "P-384"):
            guard let x = text("x"), let y = text("y"), let key = try? ES384PublicKey(parameters: (x, y)) else {
                return nil
            }
            return ["ES384": await JWTKeyCollection().add(ecdsa: key, kid: id)]
        case ("OKP", "Ed25519"):
            guard let x = text("x"), let key = try? EdDSA.PublicKey(x: x, curve: .ed25519) else { return nil }
            return ["EdDSA": await JWTKeyCollection().add(eddsa: key, kid: id)]
        default: return nil
        }
    }

    /// 2048 to 8192 bits, and an odd exponent above one. [NIST SP 800-131A]
    private static func isStrong(_ modulus: String, _ exponent: String) -> Bool {
        guard let n = try? Base64.decode(modulus, .url), let e = try? Base64.decode(exponent, .url),
            let first = n.first, let last = e.last
        else { return false }
        let bits = n.count * 8 - first.leadingZeroBitCount
        return (2_048...8_192).contains(bits) && e.count <= 4 && last & 1 == 1 && e != [1]
    }
}
