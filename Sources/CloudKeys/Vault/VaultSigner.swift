import Codecs
import SigningKeys

/// One version of a transit key.
struct VaultSigner: Signer {
    let publicKey: PublicKey
    let key: VaultKey
    let version: Int64
    let client: VaultClient

    /// Ed25519 signs whole messages, which go to the server.
    static let maximumMessageBytes = 1 << 20

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        let data = try await client.post(
            "\(key.mount)/sign/\(key.key)", try request(message, scheme), doing: "signing with \(key)")
        let text = try KeyServiceResponse.reading(client.service) { try data.string("signature", in: "data") }
        return try bytes(of: text, scheme)
    }

    /// The salt is as long as the hash only where the request says so, and the server does not look at the length of
    /// what it takes for a digest.
    private func request(_ message: [UInt8], _ scheme: SignatureScheme) throws -> JSON {
        var members: [(String, JSON)] = [("key_version", .integer(version))]
        switch scheme {
        case .ed25519:
            guard message.count <= Self.maximumMessageBytes else {
                throw KeyError(
                    .scheme, "\(message.count) bytes are too many to sign with Ed25519 in a key service",
                    hint: "at most \(Self.maximumMessageBytes) are sent; use an ECDSA key")
            }
            members.append(("input", .string(Base64.encode(message))))
        case .ecdsa(let hash, let form):
            members += Self.digest(of: message, hash)
            members.append(("marshaling_algorithm", form == .der ? "asn1" : "jws"))
        case .rsaPSS(let hash):
            members += Self.digest(of: message, hash)
            members += [("signature_algorithm", "pss"), ("salt_length", "hash")]
        }
        return .object(JSONObject(members))
    }

    private static func digest(of message: [UInt8], _ hash: HashAlgorithm) -> [(String, JSON)] {
        let word =
            switch hash {
            case .sha256: "sha2-256"
            case .sha384: "sha2-384"
            case .sha512: "sha2-512"
            }
        return [
            ("input", .string(Base64.encode(hash.digest(of: message)))), ("prehashed", true),
            ("hash_algorithm", .string(word)),
        ]
    }

    /// `vault:vN:SIGNATURE`.
    private func bytes(of text: String, _ scheme: SignatureScheme) throws(CloudKeyError) -> [UInt8] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "vault", parts[1].first == "v", let used = Int64(parts[1].dropFirst())
        else { throw CloudKeyError(.answer, "\(client.service) answered with a signature of an unknown form") }
        guard used == version else {
            throw CloudKeyError(
                .rotated, "\(key) was opened in version \(version), and the server signed with version \(used)",
                hint: "the signature was thrown away; open the version that the certificate belongs to")
        }
        var alphabet = Base64.Alphabet.standard
        if case .ecdsa(_, .fixed) = scheme { alphabet = .url }
        do { return try Base64.decode(String(parts[2]), alphabet) } catch {
            throw CloudKeyError(.answer, "\(client.service) answered with a signature that is no base64")
        }
    }
}
