import Codecs
import SigningKeys

/// One key of AWS KMS.
struct AWSSigner: Signer {
    let publicKey: PublicKey
    let arn: String
    let client: AWSClient

    /// The longest message that the service signs whole.
    static let maximumMessageBytes = 4_096

    func check(_ scheme: SignatureScheme) throws(KeyError) { try publicKey.type.checkTied(scheme, client.service) }

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        try check(scheme)
        let (algorithm, type, bytes) = try Self.request(message, scheme)
        let answer = try await client.call(
            "Sign",
            [
                "KeyId": .string(arn), "Message": .string(Base64.encode(bytes)), "MessageType": .string(type),
                "SigningAlgorithm": .string(algorithm),
            ], doing: "signing with \(arn)")
        return try KeyServiceResponse.reading(client.service) {
            let used = try answer.string("KeyId", in: "the answer")
            guard used == arn, try answer.string("SigningAlgorithm", in: "the answer") == algorithm else {
                throw CloudKeyError(
                    .rotated, "AWS KMS signed with \(quoted(used)), or by another algorithm, where \(arn) was opened",
                    hint: "the signature was thrown away; open the key again")
            }
            return try form(try Base64.decode(try answer.string("Signature", in: "the answer")), scheme)
        }
    }

    private static func request(
        _ message: [UInt8], _ scheme: SignatureScheme
    ) throws(KeyError) -> (algorithm: String, type: String, bytes: [UInt8]) {
        switch scheme {
        case .ecdsa(let hash, _): ("ECDSA_\(word(hash))", "DIGEST", hash.digest(of: message))
        case .rsaPSS(let hash): ("RSASSA_PSS_\(word(hash))", "DIGEST", hash.digest(of: message))
        case .ed25519:
            if message.count <= maximumMessageBytes {
                ("ED25519_SHA_512", "RAW", message)
            } else {
                throw KeyError(
                    .scheme, "AWS KMS signs at most \(maximumMessageBytes) bytes with Ed25519, not \(message.count)",
                    hint: "use an ECDSA key")
            }
        }
    }

    private static func word(_ hash: HashAlgorithm) -> String {
        switch hash {
        case .sha256: "SHA_256"
        case .sha384: "SHA_384"
        case .sha512: "SHA_512"
        }
    }

    private func form(_ signature: [UInt8], _ scheme: SignatureScheme) throws(CloudKeyError) -> [UInt8] {
        guard case .ecdsa(_, .fixed) = scheme, case .ec(let curve) = publicKey.type else { return signature }
        guard let fixed = ECDSASignature.fixed(fromDER: signature, curve) else {
            throw CloudKeyError(.answer, "AWS KMS answered with an ECDSA signature that is not in DER")
        }
        return fixed
    }
}
