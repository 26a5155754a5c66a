import Codecs
import OpenSSLKit

/// How a private key lies in its file.
package enum KeyFileProtection: String, Sendable {
    case plaintext, encrypted
}

/// A private key in this process's memory, from a file or just made.
package struct PrivateKey: Signer {
    package let publicKey: PublicKey
    /// How the file protected it that it came from; nil for a key that was just made.
    package let protection: KeyFileProtection?
    private let handle: KeyHandle

    package static func generate(_ type: KeyType) throws(KeyError) -> PrivateKey {
        let kind: KeyHandle.Kind
        switch type {
        case .ed25519: kind = .ed25519
        case .ec(let curve): kind = .ec(group: curve.name)
        case .rsa(let bits):
            guard KeyType.rsaBits.contains(bits), bits.isMultiple(of: 8) else {
                throw KeyError(.weak, "an RSA key of \(bits) bits is not made", hint: "use 3072 or 4096 bits")
            }
            kind = .rsa(bits: bits)
        }
        do {
            return try PrivateKey(handle: KeyHandle.generate(kind), protection: nil)
        } catch let error as OpenSSLError {
            throw KeyError(.failed, "generating a key of type \(type): \(error.reason)")
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.failed, "generating a key of type \(type)")
        }
    }

    /// Takes one PEM block: encrypted or plain PKCS#8, PKCS#1 or SEC1 (after `EC PARAMETERS`, as OpenSSL writes it).
    ///
    /// The passphrase is used only for an encrypted key; without one that is an error of its own.
    package init(pem: [UInt8], passphrase: Secret? = nil) throws(KeyError) {
        let block = try Self.block(pem)
        do {
            switch block.label {
            case "PRIVATE KEY": try self.init(handle: KeyHandle(pkcs8: block.bytes), protection: .plaintext)
            case "RSA PRIVATE KEY":
                try self.init(handle: KeyHandle(traditional: block.bytes, .pkcs1), protection: .plaintext)
            case "EC PRIVATE KEY":
                try self.init(handle: KeyHandle(traditional: block.bytes, .sec1), protection: .plaintext)
            case "ENCRYPTED PRIVATE KEY":
                guard let passphrase else {
                    throw KeyError(.passphraseMissing, "the private key is encrypted and no passphrase was given")
                }
                try KeyEncryption.check(block.bytes)
                try self.init(
                    handle: KeyHandle(encryptedPKCS8: block.bytes, passphrase: passphrase.bytes), protection: .encrypted
                )
            default: throw KeyPEM.unexpected(block.label, wanted: "PRIVATE KEY")
            }
        } catch let error as OpenSSLError {
            let isPassphrase = error.code == .authentication
            throw KeyError(isPassphrase ? .passphraseWrong : .malformed, error.reason)
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "a private key is malformed")
        }
    }

    init(handle: KeyHandle, protection: KeyFileProtection?) throws {
        publicKey = try PublicKey(spki: handle.spki())
        if case .ec = publicKey.type, !handle.halvesMatch() {
            throw KeyError(.malformed, "the two halves of a private key do not belong together")
        }
        self.handle = handle
        self.protection = protection
    }

    /// Whether a key file needs a passphrase, found out without one.
    package static func protection(ofPEM pem: [UInt8]) throws(KeyError) -> KeyFileProtection {
        switch try block(pem).label {
        case "ENCRYPTED PRIVATE KEY": .encrypted
        case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY": .plaintext
        case let label: throw KeyPEM.unexpected(label, wanted: "PRIVATE KEY")
        }
    }

    private static func block(_ pem: [UInt8]) throws(KeyError) -> PEMBlock {
        var blocks = try KeyPEM.blocks(pem)
        if blocks.count == 2, blocks[0].label == "EC PARAMETERS", blocks[1].label == "EC PRIVATE KEY" {
            blocks.removeFirst()
        }
        guard let block = blocks.first, blocks.count == 1 else {
            throw KeyError(.malformed, "\(blocks.count) PEM blocks stand where one private key belongs")
        }
        return block
    }

    /// PKCS#8 under PBES2 with PBKDF2 (HMAC-SHA-256, 600,000 rounds) and AES-256-CBC, which OpenSSL reads too.
    package func encryptedPEM(passphrase: Secret) throws(KeyError) -> String {
        guard !passphrase.isEmpty else { throw KeyError(.passphraseRefused, "an empty passphrase protects nothing") }
        guard passphrase.count <= KeyEncryption.maximumPassphraseBytes else {
            throw KeyError(
                .passphraseRefused, "a passphrase has more than \(KeyEncryption.maximumPassphraseBytes) bytes")
        }
        do {
            let sealed = try handle.encryptedPKCS8(
                passphrase: passphrase.bytes, iterations: KeyEncryption.iterations)
            return PEMBlock(label: "ENCRYPTED PRIVATE KEY", bytes: sealed).text
        } catch {
            throw KeyError(.failed, error.reason)
        }
    }

    /// PKCS#8 without protection: for keys that are sealed by other means, or where policy allows them.
    package var plaintextPEM: String {
        get throws(KeyError) { PEMBlock(label: "PRIVATE KEY", bytes: try plaintextPKCS8).text }
    }

    /// PKCS#8 without protection, DER: what a server seals under its master key.
    package var plaintextPKCS8: [UInt8] {
        get throws(KeyError) {
            do { return try handle.pkcs8() } catch { throw KeyError(.failed, error.reason) }
        }
    }

    /// Takes what ``plaintextPKCS8`` gave.
    package init(pkcs8 der: Secret) throws(KeyError) {
        do {
            self = try der.withBytes { der in
                try PrivateKey(handle: KeyHandle(pkcs8: der), protection: .plaintext)
            }
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "a private key is malformed")
        }
    }

    package func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        try signatureNow(over: message, scheme: scheme)
    }

    private func signatureNow(over message: [UInt8], scheme: SignatureScheme) throws(KeyError) -> [UInt8] {
        do {
            switch (publicKey.type, scheme) {
            case (.ed25519, .ed25519): return try handle.sign(message, .ed25519)
            case (.rsa, .rsaPSS(let hash)):
                return try handle.sign(message, .rsaPSS(hash.function, saltBytes: hash.byteCount))
            case (.ec, .ecdsa(let hash, .der)): return try handle.sign(message, .ecdsa(hash.function))
            case (.ec(let curve), .ecdsa(let hash, .fixed)):
                let der = try handle.sign(message, .ecdsa(hash.function))
                if let fixed = ECDSASignature.fixed(fromDER: der, curve) { return fixed }
            default: break
            }
        } catch {
            throw KeyError(.failed, "signing with a key of type \(publicKey.type): \(error.reason)")
        }
        throw KeyError(.scheme, "a key of type \(publicKey.type) does not make signatures of \(scheme)")
    }
}

extension PrivateKey {
    /// RSA PKCS#1 v1.5 with SHA-256, which is JWT's RS256: for asking a service for a token with a key that the service
    /// gave out, and for nothing that Roadstead signs. [RFC 7523 §2.1, RFC 7518 §3.3]
    package func tokenRequestSignature(over message: [UInt8]) throws(KeyError) -> [UInt8] {
        guard case .rsa = publicKey.type else {
            throw KeyError(.scheme, "a key of type \(publicKey.type) does not make signatures of RS256")
        }
        do { return try handle.sign(message, .rsaPKCS1(.sha256)) } catch {
            throw KeyError(.failed, "signing a token request: \(error.reason)")
        }
    }
}
