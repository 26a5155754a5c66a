import Codecs

/// PEM with exactly one block, and words for what was found instead of a key.
enum KeyPEM {
    static let maximumBytes = 64 << 10

    static func single(_ pem: [UInt8]) throws(KeyError) -> PEMBlock {
        let blocks = try blocks(pem)
        guard let block = blocks.first, blocks.count == 1 else {
            throw KeyError(.malformed, "\(blocks.count) PEM blocks stand where one key belongs")
        }
        return block
    }

    static func blocks(_ pem: [UInt8]) throws(KeyError) -> [PEMBlock] {
        guard pem.contains(where: { !$0.isASCIIWhitespace }) else { throw KeyError(.notAKey, "a key file is empty") }
        if pem.first == 0x30 {
            throw KeyError(
                .notAKey, "a key is in binary form where PEM belongs",
                hint: "convert it with openssl pkey -inform DER")
        }
        if let text = String(validating: pem, as: UTF8.self) {
            if text.contains("Proc-Type: 4,ENCRYPTED") {
                throw KeyError(
                    .unsupported, "the private key is encrypted in the form that OpenSSL used before PKCS#8",
                    hint: "convert it with openssl pkcs8 -topk8 -v2 aes256")
            }
        }
        do {
            return try PEM.decode(pem, maximumBytes: maximumBytes)
        } catch {
            throw KeyError(.malformed, "a key file is malformed: \(error.reason)", hint: error.hint)
        }
    }

    static func unexpected(_ label: String, wanted: String) -> KeyError {
        switch label {
        case "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
            KeyError(
                .notAKey, "a certificate stands where a key belongs",
                hint: "openssl x509 -pubkey -noout prints the public key of a certificate")
        case "OPENSSH PRIVATE KEY":
            KeyError(
                .unsupported, "the key is in OpenSSH's own form", hint: "convert it with ssh-keygen -p -m PKCS8")
        case "PUBLIC KEY": KeyError(.notAKey, "a public key stands where a private key belongs")
        case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
            KeyError(
                .notAKey, "a private key stands where a public key belongs",
                hint: "openssl pkey -pubout prints the public half")
        default: KeyError(.notAKey, "a PEM block \"\(label)\" stands where \"\(wanted)\" belongs")
        }
    }
}

extension UInt8 {
    fileprivate var isASCIIWhitespace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
