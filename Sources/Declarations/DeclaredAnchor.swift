import PKI
import SigningKeys
package import TrustModel
package import Codecs

/// `kind: Anchor`: one certificate in one store.
package struct DeclaredAnchor: Codable, Sendable, Equatable {
    package let team: TeamName
    package let store: DeclaredStore
    package let origin: AnchorOrigin
    /// PEM with exactly one certificate.
    package let certificate: String
    package let reviewBy: UTCDate?
    /// Of the certificate, lower-case hexadecimal.
    package let sha256: String

    package init(
        team: TeamName, store: DeclaredStore, origin: AnchorOrigin, certificate: String, reviewBy: UTCDate? = nil
    ) throws {
        let der = try Certificate(pemOrDER: Array(certificate.utf8)).der
        self.team = team
        self.store = store
        self.origin = origin
        self.certificate = PEMBlock(label: "CERTIFICATE", bytes: der).text
        self.reviewBy = reviewBy
        sha256 = Hex.encode(HashAlgorithm.sha256.digest(of: der))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            team: try container.decode(TeamName.self, forKey: .team),
            store: try container.decode(DeclaredStore.self, forKey: .store),
            origin: try container.decodeIfPresent(AnchorOrigin.self, forKey: .origin) ?? .own,
            certificate: try container.decode(String.self, forKey: .certificate),
            reviewBy: try container.decodeIfPresent(UTCDate.self, forKey: .reviewBy))
    }

    private enum CodingKeys: String, CodingKey { case team, store, origin, certificate, reviewBy }
}
