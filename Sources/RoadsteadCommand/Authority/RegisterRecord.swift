import Codecs
import PKI

/// One line of an authority's register: what happened, and when.
enum RegisterRecord {
    case opened(RegisterOpening)
    case issued(IssuedCertificate)
    case revoked(CertificateRevocation)
    case list(IssuedList)

    private static let member = "event"

    /// Reads one line; members that nothing reads are refused.
    init(_ line: [UInt8]) throws {
        var object = try JSON(parsing: line).object("a record")
        let event = try object.string(Self.member, in: "a record")
        object[Self.member] = nil
        let rest = JSON.object(object)
        switch event {
        case "opened": self = .opened(try rest.decode(place: event, unknownMembers: .refused))
        case "issued": self = .issued(try rest.decode(place: event, unknownMembers: .refused))
        case "revoked": self = .revoked(try rest.decode(place: event, unknownMembers: .refused))
        case "list": self = .list(try rest.decode(place: event, unknownMembers: .refused))
        default: throw CodecError(.value, "a record has the event \"\(event.prefix(32))\", which has no meaning here")
        }
    }

    /// The line, with its end.
    func line() throws -> [UInt8] {
        switch self {
        case .opened(let value): try Self.line("opened", value)
        case .issued(let value): try Self.line("issued", value)
        case .revoked(let value): try Self.line("revoked", value)
        case .list(let value): try Self.line("list", value)
        }
    }

    private static func line(_ event: String, _ value: some Encodable) throws -> [UInt8] {
        let members = try JSON(encoding: value).object(event).members.map { ($0.name, $0.value) }
        return JSON.object(JSONObject([(member, .string(event))] + members)).bytes + [UInt8(ascii: "\n")]
    }
}

/// Where a register begins.
struct RegisterOpening: Codable {
    let at: UTCDate
    /// Fingerprint of the authority's key.
    let keySHA256: String
    /// Whether the authority has issued nothing before.
    let isComplete: Bool
    /// Where the authority's revocation list will be, for certificates that name no other place.
    let crlURLs: [String]
}

/// A certificate that an authority made.
struct IssuedCertificate: Codable {
    let at: UTCDate
    /// As it is shown: lower-case hexadecimal without leading zeros.
    let serial: String
    let subject: String
    let notBefore: UTCDate
    let notAfter: UTCDate
    let sha256: String
    let keySHA256: String
    /// Where it was written, as the command line named it.
    let file: String
    /// Serial number of the certificate that it renews.
    let renews: String?
    /// DER in base64.
    let certificate: String

    init(_ certificate: Certificate, at time: UTCDate, file: String, renews: String? = nil) {
        at = time
        serial = certificate.serialNumber.text
        subject = certificate.subject.shortDescription
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        sha256 = certificate.sha256
        keySHA256 = certificate.keySHA256
        self.file = file
        self.renews = renews
        self.certificate = Base64.encode(certificate.der)
    }

    /// The certificate itself.
    func decoded() throws -> Certificate {
        let certificate = try Certificate(der: try Base64.decode(certificate))
        guard certificate.sha256 == sha256, certificate.serialNumber.text == serial else {
            throw CommandError(.environment, "the register holds another certificate under the serial number \(serial)")
        }
        return certificate
    }
}

/// That a certificate is revoked. A later one for the same certificate takes the place of an earlier one.
struct CertificateRevocation: Codable {
    /// When it was revoked first.
    let at: UTCDate
    let serial: String
    let reason: RevocationReason
    let invalidityDate: UTCDate?
    /// Fingerprint of the certificate's key where the certificate is known.
    let keySHA256: String?

    /// As it stands in the revocation list.
    func entry() throws -> RevokedCertificate {
        RevokedCertificate(
            serialNumber: try SerialNumber(text: serial), revokedAt: at, reason: reason, invalidityDate: invalidityDate)
    }
}

/// A revocation list that was made.
struct IssuedList: Codable {
    let at: UTCDate
    let number: Int64
    let nextUpdate: UTCDate
    let entries: Int
}
