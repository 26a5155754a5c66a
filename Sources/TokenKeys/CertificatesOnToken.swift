import Codecs
import PKI
import SigningKeys
import TokenWire

/// The certificates that lie on a token, from which the chain of one key is put together. Nothing here is trust: whoever
/// verifies decides about that.
struct CertificatesOnToken {
    /// The certificates in force at this time are taken.
    let now: UTCDate
    private var certificates: [(id: [UInt8], certificate: Certificate)] = []

    /// Longer chains are not put together.
    static let maximumChain = 10

    init(at now: UTCDate) { self.now = now }

    /// Whether there was anything new. One that cannot be read hides no other.
    @discardableResult mutating func add(_ more: [TokenCertificate]) -> Bool {
        let count = certificates.count
        for found in more where !certificates.contains(where: { $0.certificate.der == found.der && $0.id == found.id })
        {
            if let certificate = try? Certificate(der: found.der) { certificates.append((found.id, certificate)) }
        }
        return certificates.count > count
    }

    /// The name (DER) of the issuer that a chain ends for want of.
    func missingIssuer(of key: TokenKey) -> [UInt8]? {
        let chain = chain(of: key)
        return isComplete(key) || chain.count >= Self.maximumChain ? nil : chain.last?.issuer.der
    }

    func isComplete(_ key: TokenKey) -> Bool { chain(of: key).last?.isSelfIssued == true }

    /// The chain of a key, leaf first: of the certificates of that very key, those with its identifier come before others.
    func chain(of key: TokenKey) -> [Certificate] {
        Certificate.chain(
            of: key.publicKey, among: certificates.map(\.certificate),
            preferring: certificates.filter { $0.id == key.description.id }.map(\.certificate), at: now)
    }
}

/// Certificates that are to be put on a token, leaf first.
struct CertificatesToStore {
    private let chain: [Certificate]

    init(_ ders: [[UInt8]]) throws {
        guard ders.count <= 10 else {
            throw TokenError(.unsupported, "\(ders.count) certificates are to be stored, at most 10 are taken")
        }
        chain = try ders.map { try Certificate(der: $0) }
    }

    /// Refuses a leaf of another key.
    func check(belongTo key: PublicKey) throws(TokenError) {
        guard let leaf = chain.first, leaf.publicKey != key else { return }
        throw TokenError(
            .key, "the first certificate, of \(leaf.subject), is not of the key that it is to lie beside",
            hint: "the leaf comes first, then its issuers")
    }

    /// The leaf under the name of its key, the issuers under names of their own.
    func certificates(for key: TokenKeyDescription) -> [TokenCertificate] {
        chain.enumerated().map { index, certificate in
            TokenCertificate(
                label: index == 0 ? key.label : Self.label(certificate),
                id: index == 0 ? key.id : Array(HashAlgorithm.sha256.digest(of: certificate.publicKeyInfo).prefix(20)),
                der: certificate.der, subject: certificate.subject.der, issuer: certificate.issuer.der,
                serialNumber: [0x02, UInt8(certificate.serialNumber.bytes.count)] + certificate.serialNumber.bytes)
        }
    }

    private static func label(_ certificate: Certificate) -> String {
        String(certificate.subject.shortDescription.prefix(60))
    }
}
