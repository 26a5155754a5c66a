package import Codecs
import JWTKit

/// One public key of an issuer, with the algorithms that its own kind allows. [RFC 7517, RFC 7518 §3.1]
package struct ProviderKey: Sendable {
    private enum Material: Sendable {
        case rsa(Insecure.RSA.PublicKey)
        case p256(ES256PublicKey)
        case p384(ES384PublicKey)
        case ed25519(EdDSA.PublicKey)

        var algorithms: [String] {
            switch self {
            case .rsa: ["PS256", "RS256"]
            case .p256: ["ES256"]
            case .p384: ["ES384"]
            case .ed25519: ["EdDSA"]
            }
        }
    }

    package let id: String
    /// The algorithms that a token may name with this key; a token never chooses beyond them.
    package let algorithms: [String]
    private let material: Material

    /// Reads a key of a key set.
    ///
    /// - Returns: nil for keys of other kinds or for other uses, and for weak ones.
    package init?(_ key: JSONObject) {
        guard let id = key["kid"]?.stringOrNil, (1...256).contains(id.utf8.count),
            key["use"] == nil || key["use"]?.stringOrNil == "sig", key["d"] == nil, key["k"] == nil,
            let material = Self.material(key)
        else { return nil }
        if let operations = key["key_ops"] {
            guard operations.arrayOrNil?.contains("verify") == true else { return nil }
        }
        self.id = id
        self.material = material
        if let only = key["alg"] {
            guard let name = only.stringOrNil, material.algorithms.contains(name) else { return nil }
            algorithms = [name]
        } else {
            algorithms = material.algorithms
        }
    }

    /// - Throws: `.algorithm` for one that this key is not for, `.signature` for a signature that is not this key's.
    package func verify(_ token: CompactToken) async throws(IdentityTokenError) {
        guard algorithms.contains(token.algorithm) else {
            throw IdentityTokenError(
                .algorithm,
                "the token is signed by \(token.algorithm.prefix(20)), its key is for "
                    + algorithms.joined(separator: ", "))
        }
        do { _ = try await verifier(for: token.algorithm).verify(token.text, as: UnreadClaims.self) } catch {
            throw IdentityTokenError(.signature, "the token's signature is not of the key that it names")
        }
    }

    /// The claims are read strictly elsewhere; here only the signature counts.
    private struct UnreadClaims: JWTPayload {
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// Holds this key alone, for one algorithm, which the token cannot change any more.
    private func verifier(for algorithm: String) async -> JWTKeyCollection {
        let (keys, id) = (JWTKeyCollection(), JWKIdentifier(string: id))
        switch material {
        case .rsa(let key) where algorithm == "PS256":
            return await keys.add(pss: key, digestAlgorithm: .sha256, kid: id)
        case .rsa(let key): return await keys.add(rsa: key, digestAlgorithm: .sha256, kid: id)
        case .p256(let key): return await keys.add(ecdsa: key, kid: id)
        case .p384(let key): return await keys.add(ecdsa: key, kid: id)
        case .ed25519(let key): return await keys.add(eddsa: key, kid: id)
        }
    }

    private static func material(_ key: JSONObject) -> Material? {
        func text(_ name: String) -> String? { key[name]?.stringOrNil }
        switch (text("kty"), text("crv")) {
        case ("RSA", nil):
            guard let modulus = text("n"), let exponent = text("e"), isStrong(modulus, exponent) else { return nil }
            return (try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)).map { .rsa($0) }
        case ("EC", "P-256"):
            guard let x = text("x"), let y = text("y") else { return nil }
            return (try? ES256PublicKey(parameters: (x, y))).map { .p256($0) }
        case ("EC", "P-384"):
            guard let x = text("x"), let y = text("y") else { return nil }
            return (try? ES384PublicKey(parameters: (x, y))).map { .p384($0) }
        case ("OKP", "Ed25519"):
            guard let x = text("x") else { return nil }
            return (try? EdDSA.PublicKey(x: x, curve: .ed25519)).map { .ed25519($0) }
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
