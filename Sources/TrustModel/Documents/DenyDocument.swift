package import Codecs
import OCI

/// What a denial takes away.
package enum DenialSubject: Sendable, Hashable {
    /// SHA-256 of a certificate's DER, lower-case hexadecimal.
    case certificate(sha256: String)
    /// SHA-256 of a public key's SubjectPublicKeyInfo, lower-case hexadecimal.
    case key(sha256: String)
    /// Issuer as RFC 4514 text and serial number as lower-case hexadecimal without leading zeros.
    case issuerAndSerial(issuer: String, serial: String)
    /// Digest of an artifact, `sha256:…`.
    case digest(String)
    /// A signing identity in Notation's form, `x509.subject: …`.
    case identity(String)
}

/// `deny/deny.json`: everything that is never to be trusted, whatever the teams say.
package struct DenyDocument: SignedDocument, Equatable {
    package static let documentName = "deny/deny.json"

    package struct Denial: Sendable, Codable, Equatable {
        package let id: String
        /// The kind as text, so that a kind of the future does not hide those that are known.
        package let kind: String
        package let value: String
        package let issuer: String?
        /// The team whose scopes it holds for; absent for everywhere.
        package let team: TeamName?
        package let reason: String
        package let issued: UTCDate

        package init(id: String, subject: DenialSubject, team: TeamName?, reason: String, issued: UTCDate) {
            self.id = id
            self.team = team
            self.reason = reason
            self.issued = issued
            switch subject {
            case .certificate(let sha256): (kind, value, issuer) = ("certificate", sha256, nil)
            case .key(let sha256): (kind, value, issuer) = ("key", sha256, nil)
            case .issuerAndSerial(let name, let serial): (kind, value, issuer) = ("issuer-serial", serial, name)
            case .digest(let digest): (kind, value, issuer) = ("digest", digest, nil)
            case .identity(let identity): (kind, value, issuer) = ("identity", identity, nil)
            }
        }

        /// The same denial for where reasons take too much room.
        package var withoutReason: Denial {
            Denial(id: id, kind: kind, value: value, issuer: issuer, team: team, reason: "", issued: issued)
        }

        private init(
            id: String, kind: String, value: String, issuer: String?, team: TeamName?, reason: String, issued: UTCDate
        ) {
            (self.id, self.kind, self.value, self.issuer) = (id, kind, value, issuer)
            (self.team, self.reason, self.issued) = (team, reason, issued)
        }

        /// What is denied, in its one form; nil when the kind is one that this program does not know or the value is
        /// none of that kind, so that it alarms instead of never matching.
        package var subject: DenialSubject? {
            switch (kind, issuer) {
            case ("certificate", _): Self.sha256(value).map(DenialSubject.certificate)
            case ("key", _): Self.sha256(value).map(DenialSubject.key)
            case ("issuer-serial", let issuer?):
                Self.serial(value).map { .issuerAndSerial(issuer: issuer, serial: $0) }
            case ("digest", _): (try? Digest(value.lowercased())).map { .digest($0.description) }
            case ("identity", _): .identity(value)
            default: nil
            }
        }

        private static func sha256(_ text: String) -> String? {
            let digits = text.lowercased()
            return digits.utf8.count == 64 && (try? Hex.decode(digits)) != nil ? digits : nil
        }

        /// People copy serial numbers in capitals and with leading zeros, as other programs print them.
        private static func serial(_ text: String) -> String? {
            let digits = text.lowercased()
            guard !digits.isEmpty, digits.utf8.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0) }) else {
                return nil
            }
            let plain = digits.drop { $0 == "0" }
            return plain.isEmpty ? "0" : String(plain)
        }
    }

    package let schema: Int
    package let critical: [String]
    package let denials: [Denial]

    package init(denials: [Denial]) {
        schema = Self.currentSchema
        critical = []
        self.denials = denials
    }
}

/// `revocation/index.json`: the revocation lists that the fleet publishes.
package struct RevocationIndex: SignedDocument, Equatable {
    package static let documentName = "revocation/index.json"

    package struct List: Sendable, Codable, Equatable {
        package let url: String
        package let target: String

        package init(url: String, target: String) {
            self.url = url
            self.target = target
        }
    }

    package let schema: Int
    package let critical: [String]
    package let lists: [List]

    package init(lists: [List]) {
        schema = Self.currentSchema
        critical = []
        self.lists = lists
    }
}
