import Codecs
import OpenSSLKit

/// A public key of a supported type and size; two are equal when they are the same key.
///
/// Every key has one encoding only (uncompressed points, named curves, NULL parameters), so that comparing encodings
/// compares keys: counting signatures towards a threshold depends on it.
package struct PublicKey: Sendable {
    package let type: KeyType
    /// SubjectPublicKeyInfo, DER.
    package let spki: [UInt8]
    private let handle: KeyHandle

    package init(spki: [UInt8]) throws(KeyError) {
        let info = try SubjectPublicKeyInfo(spki)
        type = info.type
        self.spki = spki
        do {
            handle = try KeyHandle(info.numbers)
        } catch {
            throw KeyError(.malformed, "a public key of type \(type) is malformed: \(error.reason)")
        }
    }

    /// Takes one PEM block `PUBLIC KEY` and nothing else.
    package init(pem: [UInt8]) throws(KeyError) {
        let block = try KeyPEM.single(pem)
        guard block.label == "PUBLIC KEY" else { throw KeyPEM.unexpected(block.label, wanted: "PUBLIC KEY") }
        try self.init(spki: block.bytes)
    }

    package init(ed25519 raw: [UInt8]) throws(KeyError) {
        try Ed25519Point.check(raw)
        try self.init(spki: Self.ed25519Prefix + raw)
    }

    /// SubjectPublicKeyInfo as PEM, lines of 64 characters, final newline.
    package var pem: String { PEMBlock(label: "PUBLIC KEY", bytes: spki).text }

    /// The 32 bytes of an Ed25519 key.
    package var ed25519Bytes: [UInt8]? {
        type == .ed25519 ? Array(spki.dropFirst(Self.ed25519Prefix.count)) : nil
    }

    /// SHA-256 over the SubjectPublicKeyInfo: the key's fingerprint.
    package var fingerprint: [UInt8] { HashAlgorithm.sha256.digest(of: spki) }

    /// Whether this key made a signature; false also when the scheme is not for keys of this type, or the signature's
    /// encoding is not canonical.
    package func isValid(signature: [UInt8], over message: [UInt8], scheme: SignatureScheme) -> Bool {
        switch (type, scheme) {
        case (.ed25519, .ed25519):
            handle.isValid(signature, over: message, .ed25519)
        case (.rsa, .rsaPSS(let hash)):
            handle.isValid(signature, over: message, .rsaPSS(hash.function, saltBytes: hash.byteCount))
        case (.ec(let curve), .ecdsa(let hash, .fixed)):
            ECDSASignature.der(fromFixed: signature, curve)
                .map { handle.isValid($0, over: message, .ecdsa(hash.function)) } ?? false
        case (.ec(let curve), .ecdsa(let hash, .der)):
            ECDSASignature.fixed(fromDER: signature, curve) != nil
                && handle.isValid(signature, over: message, .ecdsa(hash.function))
        default: false
        }
    }

    /// The same for signatures on certificates and revocation lists, where older encodings have to be read.
    package func isValid(signature: [UInt8], over message: [UInt8], certificateScheme: CertificateSignatureScheme)
        -> Bool
    {
        switch (type, certificateScheme) {
        case (_, .scheme(let scheme)):
            isValid(signature: signature, over: message, scheme: scheme)
        case (.rsa, .rsaPKCS1(let hash)):
            handle.isValid(signature, over: message, .rsaPKCS1(hash.function))
        case (.rsa, .rsaPSS(let hash, let saltBytes)):
            handle.isValid(signature, over: message, .rsaPSS(hash.function, saltBytes: saltBytes))
        default: false
        }
    }

    private static let ed25519Prefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]
}

extension PublicKey: Hashable {
    package static func == (lhs: PublicKey, rhs: PublicKey) -> Bool { lhs.spki == rhs.spki }
    package func hash(into hasher: inout Hasher) { hasher.combine(spki) }
}

/// How a signature on a certificate or revocation list was made: more than we would make ourselves, never SHA-1.
package enum CertificateSignatureScheme: Sendable, Hashable {
    case scheme(SignatureScheme)
    case rsaPKCS1(HashAlgorithm)
    case rsaPSS(HashAlgorithm, saltBytes: Int)
}
