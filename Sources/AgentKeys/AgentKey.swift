import Codecs
import SigningKeys

/// One identity that an agent listed.
struct AgentIdentity: Sendable {
    /// The key in SSH's own form, by which the agent knows it.
    let blob: [UInt8]
    let comment: String
    /// The key, or why it cannot sign here.
    let key: Result<PublicKey, AgentError>

    /// As ssh-add -l shows it.
    var fingerprint: String {
        let digest = Base64.encode(HashAlgorithm.sha256.digest(of: blob))
        return "SHA256:" + digest.prefix { $0 != "=" }
    }

    init(blob: [UInt8], comment: String) {
        self.blob = blob
        self.comment = comment
        key = Result { () throws(AgentError) in try Self.publicKey(blob) }
    }

    private static func publicKey(_ blob: [UInt8]) throws(AgentError) -> PublicKey {
        var reader = AgentReader(blob)
        let type = try reader.text()
        do throws(KeyError) {
            switch type {
            case "ssh-ed25519":
                let raw = try agent { () throws(AgentError) in try reader.string() }
                return try PublicKey(ed25519: raw)
            case "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521":
                let curve = try agent { () throws(AgentError) in try reader.text() }
                let point = try agent { () throws(AgentError) in try reader.string() }
                guard type.hasSuffix("-\(curve)"), let identifier = curves[curve] else {
                    throw KeyError(.malformed, "the curve of the key is not that of its type")
                }
                return try PublicKey(spki: try spki(identifier, point))
            default: throw KeyError(.unsupported, reason(type))
            }
        } catch {
            throw AgentError(.unsupported, error.reason)
        }
    }

    /// An agent's malformed key is a malformed key.
    private static func agent<Value>(_ body: () throws(AgentError) -> Value) throws(KeyError) -> Value {
        do throws(AgentError) { return try body() } catch { throw KeyError(.malformed, error.reason) }
    }

    private static let curves = [
        "nistp256": "1.2.840.10045.3.1.7", "nistp384": "1.3.132.0.34", "nistp521": "1.3.132.0.35",
    ]

    private static func spki(_ curve: String, _ point: [UInt8]) throws(KeyError) -> [UInt8] {
        do throws(CodecError) {
            let algorithm = DER.sequence(
                try DER.objectIdentifier("1.2.840.10045.2.1"), try DER.objectIdentifier(curve))
            return DER.sequence(algorithm, DER.bitString(point))
        } catch {
            throw KeyError(.malformed, error.reason)
        }
    }

    private static func reason(_ type: String) -> String {
        if type.hasPrefix("sk-") {
            return "a FIDO key signs only with a prefix of its own, which no envelope and no metadata can carry"
        }
        if type.contains("-cert-") { return "an SSH certificate is listed beside its key, which is named instead" }
        if type == "ssh-rsa" {
            return "agents sign with RSA only in the form PKCS#1 v1.5, and RSA-PSS is needed; use an EC or Ed25519 key"
        }
        return "keys of the SSH type \"\(type.prefix(60))\" do not sign here"
    }
}

/// A private key in an agent, which signs whole messages with the hash of the key's curve.
struct AgentKey: Signer {
    let publicKey: PublicKey
    let blob: [UInt8]
    let socket: AgentSocket

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        guard publicKey.type.agentScheme(like: scheme) == scheme else {
            throw KeyError(.scheme, "a key of type \(publicKey.type) in an agent does not make signatures of \(scheme)")
        }
        guard message.count <= AgentWire.maximumMessage - 4_096 else {
            throw AgentError(
                .unsupported, "a message of \(message.count) bytes is too long for an agent, which takes it whole",
                hint: "use a key on a token or in a file")
        }
        let request = [Kind.sign] + AgentWire.string(blob) + AgentWire.string(message) + AgentWire.number(0)
        var answer = AgentReader(try await socket.exchange(request))
        switch try answer.byte() {
        case Kind.signature: break
        case Kind.failure:
            throw AgentError(
                .denied, "the agent refused to sign",
                hint: "it may be locked (ssh-add -X unlocks it), or the signature was not confirmed")
        case let other: throw AgentReader.malformed("message \(other) answers a request to sign")
        }
        let signature = try answer.string()
        try answer.end()
        return try read(signature, scheme)
    }

    private func read(_ bytes: [UInt8], _ scheme: SignatureScheme) throws -> [UInt8] {
        var outer = AgentReader(bytes)
        let type = try outer.text()
        let content = try outer.string()
        try outer.end()
        var named = AgentReader(blob)
        guard type == (try named.text()) else {
            throw AgentReader.malformed("the signature is of type \(type.prefix(60))")
        }
        guard case .ec(let curve) = publicKey.type, case .ecdsa(_, let form) = scheme else { return content }
        var numbers = AgentReader(content)
        let fixed = try numbers.magnitude(curve.coordinateBytes) + numbers.magnitude(curve.coordinateBytes)
        try numbers.end()
        guard form == .der else { return fixed }
        guard let der = ECDSASignature.der(fromFixed: fixed, curve) else {
            throw AgentReader.malformed("the signature has another length than the curve")
        }
        return der
    }

    enum Kind {
        static let failure: UInt8 = 5
        static let listRequest: UInt8 = 11
        static let list: UInt8 = 12
        static let sign: UInt8 = 13
        static let signature: UInt8 = 14
    }
}

extension KeyType {
    /// What an agent makes with keys of this type, in the form that is wanted; nil where it makes nothing of use.
    fileprivate func agentScheme(like wanted: SignatureScheme) -> SignatureScheme? {
        var form = ECDSAForm.der
        if case .ecdsa(_, let given) = wanted { form = given }
        return switch self {
        case .ed25519: .ed25519
        case .ec(.p256): .ecdsa(.sha256, form)
        case .ec(.p384): .ecdsa(.sha384, form)
        case .ec(.p521): .ecdsa(.sha512, form)
        case .rsa: nil
        }
    }
}
