import Codecs
import SigningKeys

/// What a version of a key in Cloud KMS can sign: one algorithm with one hash.
struct GCPAlgorithm: Sendable {
    let name: String
    let type: KeyType
    /// nil for Ed25519.
    let hash: HashAlgorithm?

    private static let known: [String: (KeyType, HashAlgorithm?)] = [
        "EC_SIGN_P256_SHA256": (.ec(.p256), .sha256), "EC_SIGN_P384_SHA384": (.ec(.p384), .sha384),
        "EC_SIGN_ED25519": (.ed25519, nil), "RSA_SIGN_PSS_2048_SHA256": (.rsa(bits: 2_048), .sha256),
        "RSA_SIGN_PSS_3072_SHA256": (.rsa(bits: 3_072), .sha256),
        "RSA_SIGN_PSS_4096_SHA256": (.rsa(bits: 4_096), .sha256),
        "RSA_SIGN_PSS_4096_SHA512": (.rsa(bits: 4_096), .sha512),
    ]

    init(_ name: String, _ path: String) throws(CloudKeyError) {
        guard let (type, hash) = Self.known[name] else {
            throw CloudKeyError(
                .unusable, "\(path) is tied to \(quoted(name)), which makes no signatures that are used here",
                hint: "make one with EC_SIGN_P384_SHA384")
        }
        (self.name, self.type, self.hash) = (name, type, hash)
    }

    /// What a new key of a type is tied to, so that it can sign for Notation.
    init(making type: KeyType) throws(KeyError) {
        let name =
            switch type {
            case .ec(.p256): "EC_SIGN_P256_SHA256"
            case .ec(.p384): "EC_SIGN_P384_SHA384"
            case .rsa(bits: 2_048): "RSA_SIGN_PSS_2048_SHA256"
            case .rsa(bits: 4_096): "RSA_SIGN_PSS_4096_SHA512"
            case .ed25519: "EC_SIGN_ED25519"
            default: ""
            }
        guard let (type, hash) = Self.known[name] else {
            throw KeyError(
                .unsupported, "Cloud KMS makes no keys of type \(type) that sign for Notation or a fleet",
                hint: "use EC P-256, P-384, RSA 2048 or RSA 4096; its RSA 3072 keys sign with SHA-256 alone")
        }
        (self.name, self.type, self.hash) = (name, type, hash)
    }

    /// - Throws: `KeyError(.scheme)` with the way out where this key cannot make such signatures.
    func check(_ scheme: SignatureScheme) throws(KeyError) {
        let wanted: HashAlgorithm?
        switch (type, scheme) {
        case (.ec, .ecdsa(let hash, _)), (.rsa, .rsaPSS(let hash)): wanted = hash
        case (.ed25519, .ed25519): wanted = nil
        default: throw KeyError(.scheme, "a key of type \(type) does not make signatures of \(scheme)")
        }
        guard wanted == hash else {
            throw KeyError(
                .scheme, "Cloud KMS ties this key to \(name), and \(scheme) is wanted",
                hint: "Notation's signatures take EC_SIGN_P256_SHA256, EC_SIGN_P384_SHA384, RSA_SIGN_PSS_2048_SHA256 "
                    + "or RSA_SIGN_PSS_4096_SHA512; Cloud KMS has no RSA 3072 with SHA-384")
        }
    }
}

/// One version of a key in Cloud KMS.
struct GCPSigner: Signer {
    let publicKey: PublicKey
    let path: String
    let algorithm: GCPAlgorithm
    let client: GCPClient

    /// The longest message that the service signs whole.
    static let maximumMessageBytes = 65_536

    func check(_ scheme: SignatureScheme) throws(KeyError) { try algorithm.check(scheme) }

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        try check(scheme)
        let what = "signing with \(path)"
        let (body, verified) = try request(message)
        let answer = try await client.post("\(path):asymmetricSign", body, doing: what)
        let signature = try KeyServiceResponse.reading(client.service) {
            guard try answer.string("name", in: "the answer") == path else {
                throw CloudKeyError(
                    .rotated, "\(what): Cloud KMS signed with another key or version",
                    hint: "the signature was thrown away; open the version that the certificate belongs to")
            }
            guard answer[verified]?.boolOrNil == true else {
                throw CloudKeyError(.answer, "\(what): Cloud KMS does not confirm that it got what was sent")
            }
            let signature = try Base64.decode(try answer.string("signature", in: "the answer"))
            guard answer["signatureCrc32c"].flatMap(Self.checksum) == CRC32C.of(signature) else {
                throw CloudKeyError(.answer, "\(what): the signature came with another checksum than its own")
            }
            return signature
        }
        return try form(signature, scheme)
    }

    private func request(_ message: [UInt8]) throws(KeyError) -> (JSON, verified: String) {
        if let hash = algorithm.hash {
            let digest = hash.digest(of: message)
            let body: JSON = [
                "digest": .object(JSONObject([(hash.rawValue, .string(Base64.encode(digest)))])),
                "digestCrc32c": .string(String(CRC32C.of(digest))),
            ]
            return (body, "verifiedDigestCrc32c")
        }
        guard message.count <= Self.maximumMessageBytes else {
            throw KeyError(
                .scheme, "Cloud KMS signs at most \(Self.maximumMessageBytes) bytes with Ed25519, not \(message.count)",
                hint: "use an ECDSA key")
        }
        let body: JSON = [
            "data": .string(Base64.encode(message)), "dataCrc32c": .string(String(CRC32C.of(message))),
        ]
        return (body, "verifiedDataCrc32c")
    }

    /// A checksum as the service writes it: 64-bit numbers are texts in its JSON.
    static func checksum(_ value: JSON) -> UInt32? {
        value.stringOrNil.flatMap(UInt32.init) ?? value.integerOrNil.flatMap(UInt32.init(exactly:))
    }

    private func form(_ signature: [UInt8], _ scheme: SignatureScheme) throws(CloudKeyError) -> [UInt8] {
        guard case .ecdsa(_, .fixed) = scheme, case .ec(let curve) = publicKey.type else { return signature }
        guard let fixed = ECDSASignature.fixed(fromDER: signature, curve) else {
            throw CloudKeyError(.answer, "Cloud KMS answered with an ECDSA signature that is not in DER")
        }
        return fixed
    }
}
