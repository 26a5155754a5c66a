import Codecs

/// Where a certificate says that its revocation can be looked up. [RFC 5280 §4.2.1.13, §4.2.2.1]
package struct RevocationAddresses: Sendable, Hashable {
    /// URLs of revocation lists, in order.
    package let crlURLs: [String]
    /// URLs of delta lists that the certificate itself names.
    package let freshestCRLURLs: [String]
    package let ocspURLs: [String]
    /// An extension that should hold addresses could not be read: there may be addresses that nobody knows.
    package let isUnreadable: Bool

    package var hasCRL: Bool { !crlURLs.isEmpty }
    package var hasOCSP: Bool { !ocspURLs.isEmpty }

    /// More addresses than are ever asked.
    static let maximumAddresses = 64

    init(of extensions: [CertificateExtension]) {
        var isUnreadable = false
        func read(_ identifier: String, _ body: ([UInt8]) throws -> [String]) -> [String] {
            guard let value = extensions.first(where: { $0.identifier == identifier })?.value else { return [] }
            do {
                return Array(try body(value).prefix(Self.maximumAddresses))
            } catch {
                isUnreadable = true
                return []
            }
        }
        crlURLs = read(ObjectIdentifier.crlDistributionPoints, Self.distributionPoints)
        freshestCRLURLs = read(ObjectIdentifier.freshestCRL, Self.distributionPoints)
        ocspURLs = read(ObjectIdentifier.authorityInformationAccess, Self.ocspResponders)
        self.isUnreadable = isUnreadable
    }

    private static func distributionPoints(_ value: [UInt8]) throws -> [String] {
        var urls: [String] = []
        var points = try DERReader(inside: DERReader.single(value, .sequence))
        while !points.isAtEnd {
            var point = try DERReader(inside: points.read(.sequence))
            guard let name = try point.readOptional(.context(0, constructed: true)) else { continue }
            var choice = try DERReader(inside: name)
            guard let fullName = try choice.readOptional(.context(0, constructed: true)) else { continue }
            var names = try DERReader(inside: fullName)
            while !names.isAtEnd { if let url = url(try names.next()) { urls.append(url) } }
        }
        return urls
    }

    private static func ocspResponders(_ value: [UInt8]) throws -> [String] {
        var urls: [String] = []
        var descriptions = try DERReader(inside: DERReader.single(value, .sequence))
        while !descriptions.isAtEnd {
            var description = try DERReader(inside: descriptions.read(.sequence))
            let method = try description.read(.objectIdentifier).objectIdentifier()
            if let url = url(try description.next()), method == ObjectIdentifier.ocsp { urls.append(url) }
        }
        return urls
    }

    /// A uniformResourceIdentifier of printable ASCII.
    private static func url(_ name: DERElement) -> String? {
        guard name.tag == .context(6, constructed: false), name.content.count <= 2_048,
            name.content.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return String(decoding: name.content, as: UTF8.self)
    }
}
