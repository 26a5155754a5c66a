import Codecs
import SigningKeys

/// One version of a key in a vault.
struct AzureSigner: Signer {
    let publicKey: PublicKey
    let id: AzureKey.ID
    let vault: AzureVault

    func check(_ scheme: SignatureScheme) throws(KeyError) { try publicKey.type.checkTied(scheme, vault.service) }

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        try check(scheme)
        let (algorithm, digest) = try Self.request(message, scheme)
        let path = id.segments.joined(separator: "/")
        let answer = try await vault.post(
            "/keys/\(path)/sign", ["alg": .string(algorithm), "value": .string(Base64.encode(digest, .url))],
            doing: "signing with the key \(path)")
        return try KeyServiceResponse.reading(vault.service) {
            let used = try AzureKey.segments(try answer.string("kid", in: "the answer"), vault)
            guard used == id.segments else {
                throw CloudKeyError(
                    .rotated, "Azure Key Vault signed with \(used.joined(separator: "/")), where \(path) was opened",
                    hint: "the signature was thrown away; open the version that the certificate belongs to")
            }
            return try form(try Base64.decode(try answer.string("value", in: "the answer"), .url), scheme)
        }
    }

    private static func request(_ message: [UInt8], _ scheme: SignatureScheme) throws(KeyError) -> (String, [UInt8]) {
        switch scheme {
        case .ecdsa(let hash, _): ("ES\(hash.byteCount * 8)", hash.digest(of: message))
        case .rsaPSS(let hash): ("PS\(hash.byteCount * 8)", hash.digest(of: message))
        case .ed25519: throw KeyError(.scheme, "Azure Key Vault makes no signatures of \(scheme)")
        }
    }

    /// The service answers with r‖s.
    private func form(_ signature: [UInt8], _ scheme: SignatureScheme) throws(CloudKeyError) -> [UInt8] {
        guard case .ecdsa(_, let form) = scheme, case .ec(let curve) = publicKey.type else { return signature }
        guard let der = ECDSASignature.der(fromFixed: signature, curve) else {
            throw CloudKeyError(.answer, "Azure Key Vault answered with an ECDSA signature of \(signature.count) bytes")
        }
        return form == .der ? der : signature
    }
}
