import Codecs
import PKI
import SigningKeys

/// What denials and enforcers ask of an anchor's certificate.
struct TrustAnchorFacts: Sendable, Equatable {
    /// DER of the certificate.
    let der: [UInt8]
    /// SHA-256 of the certificate, lower-case hexadecimal.
    let sha256: String
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    let keySHA256: String
    let issuer: DistinguishedName
    /// Lower-case hexadecimal without leading zeros.
    let serial: String
    let isCA: Bool
    let isSelfSigned: Bool

    init(der: [UInt8]) throws(TrustModelError) {
        let certificate: Certificate
        do throws(PKIError) { certificate = try Certificate(der: der) } catch {
            throw TrustModelError(.store, "an anchor is not a certificate: \(error.reason)")
        }
        self.der = der
        sha256 = certificate.sha256
        keySHA256 = Hex.encode(HashAlgorithm.sha256.digest(of: certificate.publicKeyInfo))
        issuer = certificate.issuer
        serial = Self.plain(certificate.serialNumber.description)
        isCA = certificate.isCA
        isSelfSigned = certificate.isSelfSigned
    }

    /// The certificates of a store's PEM text; an empty text is an empty store.
    static func parse(pem: [UInt8], of store: TrustStoreID) throws(TrustModelError) -> [TrustAnchorFacts] {
        let blocks: [PEMBlock]
        do throws(CodecError) { blocks = try PEM.decode(pem) } catch {
            throw TrustModelError(.store, "trust store \(store): \(error.reason)", hint: error.hint)
        }
        var anchors: [TrustAnchorFacts] = []
        for block in blocks {
            guard block.label == "CERTIFICATE" else {
                throw TrustModelError(
                    .store, "trust store \(store) holds a \"\(block.label)\" where certificates belong")
            }
            let anchor = try TrustAnchorFacts(der: block.bytes)
            if !anchors.contains(where: { $0.sha256 == anchor.sha256 }) { anchors.append(anchor) }
        }
        return anchors
    }

    /// Whether a denial names this certificate, its key, or its issuer and serial number.
    func isDenied(by subject: DenialSubject) -> Bool {
        switch subject {
        case .certificate(let denied): denied == sha256
        case .key(let denied): denied == keySHA256
        case .issuerAndSerial(let name, let number):
            Self.plain(number) == serial && (try? DistinguishedName(name)) == issuer
        case .digest, .identity: false
        }
    }

    private static func plain(_ serial: String) -> String { String(serial.drop { $0 == "0" }) }
}
