import Codecs
import PKI

extension CACommands {
    static let list = Command(
        "ca list", "list the certificates that a CA issued",
        options: [
            ca, .flag("expired", "only those that have ended"), .flag("revoked", "only those that were revoked"),
            .value("expiring", "DAYS", "only those in force that end within so many days"), Output.option,
        ],
        examples: ["roadstead ca list --ca acme-ca --expiring 30"], run: runList)

    private static func runList(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let filters = ["expired", "revoked", "expiring"].filter(invocation.has)
        for other in filters.dropFirst() { try refuse([other], with: filters[0], invocation) }
        let days = Int64(try invocation.integer("expiring", in: 0...36_500, default: 0))
        let soon = console.now.adding(days: days)
        let register = try CADirectory(try invocation.required("ca")).register()
        let rows = ListedCertificate.all(of: register, at: console.now).filter { row in
            switch filters.first {
            case "expired": row.status == .expired
            case "revoked": row.status == .revoked
            case "expiring": row.status == .valid && (row.certificate?.notAfter ?? .latest) <= soon
            default: true
            }
        }
        if let opening = register.opening {
            if !opening.isComplete { console.say("what was issued before \(opening.at) is not in the register") }
        } else {
            console.say("this CA has no register: what it issued is unknown")
            console.hint("the next ca issue, renew or revoke begins one")
        }
        if output == .text {
            for row in rows { console.print(row.text) }
        } else {
            let members: [(String, JSON)] = [
                ("complete", .bool(register.isComplete)),
                ("since", register.opening.map { .string($0.at.description) } ?? .null),
                ("certificates", .array(rows.map(\.json))),
            ]
            console.show(.object(JSONObject(members)), as: output)
        }
        return .success
    }
}

/// A certificate of a register as it is shown.
private struct ListedCertificate {
    enum Status: String { case valid, expired, revoked, future }

    let serial: String
    /// Nil where only its revocation is known.
    let certificate: IssuedCertificate?
    let revocation: CertificateRevocation?
    let status: Status

    /// What was issued, then what was revoked without an entry.
    static func all(of register: CARegister, at now: UTCDate) -> [ListedCertificate] {
        register.certificates.map { certificate in
            let revocation = register.revocation(of: certificate.serial)
            let status: Status =
                if revocation != nil {
                    .revoked
                } else if now > certificate.notAfter {
                    .expired
                } else {
                    now < certificate.notBefore ? .future : .valid
                }
            return ListedCertificate(
                serial: certificate.serial, certificate: certificate, revocation: revocation, status: status)
        }
            + register.revocations.filter { register.certificate($0.serial) == nil }.map { revocation in
                ListedCertificate(serial: revocation.serial, certificate: nil, revocation: revocation, status: .revoked)
            }
    }

    var text: String {
        let reason = revocation.map { " (\($0.reason.rawValue), \($0.at))" } ?? ""
        let end = certificate?.notAfter.description ?? "unknown             "
        let padding = String(repeating: " ", count: max(0, 32 - serial.utf8.count))
        return "\(serial)\(padding)  \(end)  \(status.rawValue)\(reason)  \(certificate?.subject ?? "unknown")"
    }

    var json: JSON {
        let issued = certificate
        let members: [(String, JSON?)] = [
            ("serial", .string(serial)), ("status", .string(status.rawValue)),
            ("subject", issued.map { .string($0.subject) }),
            ("notBefore", issued.map { .string($0.notBefore.description) }),
            ("notAfter", issued.map { .string($0.notAfter.description) }),
            ("sha256", issued.map { .string($0.sha256) }), ("keySHA256", issued.map { .string($0.keySHA256) }),
            ("file", issued.map { .string($0.file) }), ("issuedAt", issued.map { .string($0.at.description) }),
            ("renews", issued?.renews.map { .string($0) }),
            ("revokedAt", revocation.map { .string($0.at.description) }),
            ("reason", revocation.map { .string($0.reason.rawValue) }),
            ("invalidityDate", revocation?.invalidityDate.map { .string($0.description) }),
        ]
        return .object(JSONObject(members.compactMap { name, value in value.map { (name, $0) } }))
    }
}
