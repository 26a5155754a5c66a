import Codecs
import Files
import PKI
import SigningKeys
import TrustModel

extension CACommands {
    private static let reasons: [RevocationReason] = [
        .keyCompromise, .superseded, .cessationOfOperation, .affiliationChanged, .privilegeWithdrawn, .cACompromise,
        .unspecified,
    ]

    static let revoke = Command(
        "ca revoke", "revoke a certificate for ever; the next revocation list says so",
        operand: "CERTIFICATE|SERIAL",
        options: [
            ca,
            .value(
                "reason", "REASON", required: true, reasons.map(\.rawValue).joined(separator: ", ")),
            .value(
                "invalidity-date", "DATE",
                "since when others may have had the key: what was signed before, by a timestamp, stays good"),
            .flag("yes", "do not ask"),
        ],
        discussion: """
            Needs no key: it is written into the register, and counts once a list that roadstead ca crl signs has reached
            whoever checks. A revocation is not taken back; another reason or date for it may be given later.
            """,
        examples: [
            "roadstead ca revoke --ca acme-ca ci/signing.crt --reason superseded",
            "roadstead ca revoke --ca acme-ca 4c1d9f… --reason keyCompromise --invalidity-date 2026-11-20T00:00:00Z --yes",
        ], run: runRevoke)

    private static func runRevoke(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let word = try invocation.operand("certificate or serial number")
        let reason = try reason(invocation)
        let invalid = try invalidityDate(invocation, console.now)
        let authority = try CADirectory(try invocation.required("ca"))
        let file = try authority.openRegister(at: console.now)
        let (serial, certificate) = try authority.named(word, file.register)
        guard certificate != nil || !file.register.isComplete || file.register.revocation(of: serial.text) != nil else {
            throw CommandError(
                .environment, "this CA never issued a certificate with the serial number \(serial.text)",
                hint: "roadstead ca list shows what it issued")
        }
        let earlier = file.register.revocation(of: serial.text)
        let name = certificate.map { "\"\($0.subjectText)\" (\(serial.text))" } ?? serial.text
        if let earlier, earlier.reason == reason, earlier.invalidityDate == invalid {
            console.print("\(name) was revoked at \(earlier.at) already (\(reason.rawValue))")
            return .success
        }
        if reason == .cACompromise, certificate?.isCA == false {
            throw CommandError(
                .usage, "\(name) is no certificate of a CA", hint: "--reason keyCompromise says that its key is lost")
        }
        try confirm("revoke \(name) for ever?", invocation, console)
        let revocation = CertificateRevocation(
            at: earlier?.at ?? console.now, serial: serial.text, reason: reason, invalidityDate: invalid,
            keySHA256: certificate?.keySHA256 ?? earlier?.keySHA256)
        try file.append(.revoked(revocation))
        console.print("revoked \(name) at \(revocation.at) (\(reason.rawValue))")
        console.say("it counts once the next list is out: roadstead ca crl --ca \(authority.path)")
        warn(ofOthersWithTheKeyOf: revocation, file.register, console)
        return .success
    }

    private static func reason(_ invocation: Invocation) throws(CommandError) -> RevocationReason {
        let text = try invocation.required("reason")
        if let reason = RevocationReason(rawValue: text), reasons.contains(reason) { return reason }
        let known = reasons.map(\.rawValue).joined(separator: ", ")
        guard text == RevocationReason.certificateHold.rawValue else {
            throw CommandError(.usage, "--reason is \"\(text)\", not one of \(known)")
        }
        throw CommandError(
            .usage, "a revocation is never for the time being, so certificateHold is no reason",
            hint: "a denial can be lifted again: roadstead deny add")
    }

    /// A moment, or the first of a day; not one to come.
    private static func invalidityDate(_ invocation: Invocation, _ now: UTCDate) throws(CommandError) -> UTCDate? {
        guard let text = invocation["invalidity-date"] else { return nil }
        guard let date = try? UTCDate(text.utf8.count == 10 ? "\(text)T00:00:00Z" : text) else {
            throw CommandError(
                .usage, "--invalidity-date is \"\(text)\", not of the form 2026-11-20 or 2026-11-20T08:30:00Z")
        }
        guard date <= now else { throw CommandError(.usage, "--invalidity-date \(text) is still to come") }
        return date
    }

    private static func confirm(
        _ question: String, _ invocation: Invocation, _ console: Console
    ) throws(CommandError) {
        guard !invocation.has("yes"), console.confirms(question) != true else { return }
        throw CommandError(.usage, "nothing was revoked: it was not confirmed", hint: "answer y, or give --yes")
    }

    /// Certificates in force that a lost key has, beside the one that was revoked.
    private static func warn(
        ofOthersWithTheKeyOf revocation: CertificateRevocation, _ register: CARegister, _ console: Console
    ) {
        guard let key = revocation.keySHA256, register.compromise(ofKey: key) != nil else { return }
        for other in register.certificates
        where other.keySHA256 == key && register.revocation(of: other.serial) == nil && console.now <= other.notAfter {
            console.say(
                "the same key has the certificate \(other.serial) of \"\(other.subject)\", in force until \(other.notAfter)"
            )
        }
    }
}
