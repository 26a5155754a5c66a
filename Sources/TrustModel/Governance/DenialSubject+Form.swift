import Codecs
import OCI
import PKI

/// The kinds of denials that can be issued, as they are written.
package enum DenialKind: String, Sendable, Codable, CaseIterable, Hashable {
    case certificate, key, digest, identity
    case issuerSerial = "issuer-serial"
}

extension DenialSubject {
    /// Longest value and issuer that are taken.
    package static let maximumLength = 1_024

    /// Takes what people write and copy into its one form.
    ///
    /// - Throws: `TrustModelError(.document)` for what could never match anything.
    package init(_ kind: DenialKind, value: String, issuer: String? = nil) throws(TrustModelError) {
        for text in [value, issuer ?? ""] where text.utf8.count > Self.maximumLength || text.utf8.contains(0) {
            throw TrustModelError(
                .document, "a denial's value has \(text.utf8.count) bytes", hint: "at most \(Self.maximumLength)")
        }
        guard (issuer != nil) == (kind == .issuerSerial) else {
            throw TrustModelError(
                .document, "a denial of kind \(kind.rawValue) \(issuer == nil ? "names no issuer" : "names an issuer")",
                hint: "issuer and serial number go together, and nothing else has an issuer")
        }
        switch kind {
        case .certificate: self = .certificate(sha256: try Self.fingerprint(value, "a certificate's DER"))
        case .key: self = .key(sha256: try Self.fingerprint(value, "a public key (SubjectPublicKeyInfo)"))
        case .issuerSerial:
            self = .issuerAndSerial(issuer: try Self.name(issuer ?? ""), serial: try Self.serial(value))
        case .digest: self = .digest(try Self.digest(value))
        case .identity: self = .identity(try Self.identity(value))
        }
    }

    package var kind: DenialKind {
        switch self {
        case .certificate: .certificate
        case .key: .key
        case .issuerAndSerial: .issuerSerial
        case .digest: .digest
        case .identity: .identity
        }
    }

    /// Hexadecimal as programs print it: in capitals, with colons or blanks between the bytes.
    private static func digits(_ text: String) -> String {
        String(decoding: text.lowercased().utf8.filter { ![0x3A, 0x20, 0x0A, 0x0D, 0x09].contains($0) }, as: UTF8.self)
    }

    private static func fingerprint(_ text: String, _ what: String) throws(TrustModelError) -> String {
        let bare = text.lowercased().hasPrefix("sha256:") ? String(text.dropFirst("sha256:".count)) : text
        let digits = digits(bare)
        guard digits.utf8.count == 64, (try? Hex.decode(digits)) != nil else {
            throw TrustModelError(
                .document, "\"\(text.prefix(100))\" is no SHA-256", hint: "64 hexadecimal digits, of \(what)")
        }
        return digits
    }

    private static func serial(_ text: String) throws(TrustModelError) -> String {
        let bare = text.lowercased().hasPrefix("0x") ? String(text.dropFirst(2)) : text
        let digits = digits(bare)
        let isNumber = digits.utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
        guard isNumber, (1...64).contains(digits.utf8.count) else {
            throw TrustModelError(
                .document, "\"\(text.prefix(100))\" is no serial number",
                hint: "hexadecimal, as openssl x509 -serial prints it")
        }
        let plain = digits.drop { $0 == "0" }
        return plain.isEmpty ? "0" : String(plain)
    }

    private static func name(_ text: String) throws(TrustModelError) -> String {
        guard let name = try? DistinguishedName(text), !text.allSatisfy(\.isWhitespace) else {
            throw TrustModelError(
                .document, "\"\(text.prefix(200))\" is no distinguished name",
                hint: "such as CN=Example CA,O=Example,C=US")
        }
        return "\(name)"
    }

    private static func digest(_ text: String) throws(TrustModelError) -> String {
        guard let digest = try? Digest(text.lowercased()) else {
            throw TrustModelError(
                .document, "\"\(text.prefix(160))\" is no digest of an artifact",
                hint: "sha256: and 64 hexadecimal digits")
        }
        return digest.description
    }

    private static func identity(_ text: String) throws(TrustModelError) -> String {
        guard case .subject? = try? TrustedIdentity(text) else {
            throw TrustModelError(
                .document, "\"\(text.prefix(200))\" names no signer",
                hint: "x509.subject: C=US, ST=WA, O=Example; C, ST and O are required")
        }
        return text
    }
}

extension AnchorFacts {
    /// Whether a denial takes this very certificate away.
    package func isDenied(by subject: DenialSubject) -> Bool {
        switch subject {
        case .certificate(let sha256): sha256 == certificateSHA256
        case .key(let sha256): sha256 == keySHA256
        case .issuerAndSerial(let name, let number):
            number == serial && (try? DistinguishedName(name)) == (try? DistinguishedName(issuer))
        case .digest, .identity: false
        }
    }
}
