import Codecs

extension Certificate {
    /// Reads a file that people call a certificate: one in DER, or one or more in PEM with nothing around them.
    package static func parse(pemOrDER bytes: [UInt8]) throws(PKIError) -> [Certificate] {
        guard bytes.contains(where: { !($0 == 0x20 || (0x09...0x0D).contains($0)) }) else {
            throw PKIError(.empty, "a certificate file is empty")
        }
        if bytes.first == 0x30 { return [try parse(der: bytes)] }
        let blocks: [PEMBlock]
        do {
            blocks = try PEM.decode(bytes)
        } catch {
            throw PKIError(
                .malformed, "a certificate file is neither DER nor clean PEM: \(error.reason)",
                hint: error.hint ?? "openssl x509 -in FILE -out CLEAN rewrites one that OpenSSL can read")
        }
        var certificates: [Certificate] = []
        for block in blocks {
            guard block.label == "CERTIFICATE" else { throw unexpected(block.label) }
            certificates.append(try Certificate(der: block.bytes))
        }
        return certificates
    }

    /// Reads a file that holds exactly one certificate.
    package init(pemOrDER bytes: [UInt8]) throws(PKIError) {
        let certificates = try Self.parse(pemOrDER: bytes)
        guard let certificate = certificates.first, certificates.count == 1 else {
            throw PKIError(.malformed, "\(certificates.count) certificates stand where one belongs")
        }
        self = certificate
    }

    private static func parse(der: [UInt8]) throws(PKIError) -> Certificate {
        do {
            return try Certificate(der: der)
        } catch {
            guard let other = kind(ofDER: der) else { throw error }
            throw PKIError(.notACertificate, "\(other) stands where a certificate belongs")
        }
    }

    private static func unexpected(_ label: String) -> PKIError {
        let name: String
        var hint: String?
        switch label {
        case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY":
            name = "a private key"
            hint = "give the certificate that belongs to the key; the key itself is never to be handed out"
        case "PUBLIC KEY", "RSA PUBLIC KEY":
            name = "a public key"
            hint = "a key alone is no trust anchor; give a certificate"
        case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST": name = "a certificate request"
        case "X509 CRL": name = "a revocation list"
        case "PKCS7", "CMS":
            name = "a PKCS#7 bundle"
            hint = "openssl pkcs7 -print_certs takes the certificates out"
        case "TRUSTED CERTIFICATE":
            name = "a certificate in OpenSSL's own form"
            hint = "openssl x509 -in FILE -out CLEAN rewrites it"
        default: name = "a PEM block \"\(label)\""
        }
        return PKIError(.notACertificate, "\(name) stands where a certificate belongs", hint: hint)
    }

    /// What a structure that is no certificate looks like from its first elements.
    private static func kind(ofDER der: [UInt8]) -> String? {
        guard var outer = try? DERReader(inside: DERReader.single(der, .sequence)),
            let first = try? outer.next()
        else { return nil }
        let second = try? outer.next()
        switch (first.tag, second?.tag) {
        case (.sequence, .bitString): return outer.isAtEnd ? "a public key" : nil
        case (.sequence, .octetString): return "an encrypted private key"
        case (.integer, .octetString), (.integer, .integer): return "a private key"
        case (.integer, .sequence): return first.content == [3] ? "a PKCS#12 file" : "a private key"
        case (.objectIdentifier, _): return "a PKCS#7 bundle"
        default: return nil
        }
    }
}
