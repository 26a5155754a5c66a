import Codecs
import PKI
import SigningKeys
import TrustModel

extension CACommands {
    static let renew = Command(
        "ca renew", "issue a certificate again, with a new number and a new end", operand: "CERTIFICATE|SERIAL",
        options: [
            ca, out, days(leafDays), crlURL,
            .value("csr", "FILE", "renew for the key of this request, which replaces the old one"),
            .value("public-key", "FILE", "renew for this public key, in PEM"),
        ] + CADirectory.keyOptions + KeyOptions.all,
        discussion: """
            Subject, key and revocation addresses stay, unless the options say otherwise. The old certificate counts until
            it ends or is revoked. What was revoked is not renewed, nor is a key that others may have.
            """,
        examples: [
            "roadstead ca renew --ca acme-ca ci/signing.crt --out ci-2027",
            "roadstead ca renew --ca acme-ca 4c1d9f… --csr ci.csr --out ci-2027",
        ], run: runRenew)

    private static func runRenew(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let word = try invocation.operand("certificate or serial number")
        let paths = paths(in: try invocation.required("out"))
        let applicant = try applicant(invocation)
        try NewFiles.checkAbsent(paths.public)
        let authority = try CADirectory(try invocation.required("ca"))
        let old = try renewable(word, authority, try authority.register())
        if let subject = applicant?.subject, subject != old.subject {
            throw CommandError(
                .refused,
                "the request is for \"\(subject.shortDescription)\", but the certificate for \"\(old.subjectText)\"",
                hint: "a renewal keeps the name; roadstead ca issue --csr certifies another one")
        }
        let key = try applicant?.key ?? old.key.get()
        let issuer = try await authority.authority(invocation, KeyRequest(invocation, console), reach)
        // Asked for again: what was read before may have been revoked while a passphrase was typed.
        let register = try authority.openRegister(at: console.now)
        _ = try renewable(word, authority, register.register)
        try check(key, register.register)
        let certificate = try await CertificateBuilder.leaf(
            try purpose(of: old), subject: old.subject, publicKey: key, issuer: issuer,
            validity: try validity(invocation, leafDays, console, within: authority.certificate),
            crlURLs: crlURLs(invocation, old, register.register))
        try give(certificate, [], paths, authority, register, renews: old.serialText, console)
        return .success
    }

    /// The certificate that a word names, unless it was revoked.
    private static func renewable(
        _ word: String, _ authority: CADirectory, _ register: CARegister
    ) throws -> Certificate {
        let (serial, certificate) = try authority.named(word, register)
        if let revocation = register.revocation(of: serial.text) {
            throw CommandError(
                .refused,
                "the certificate \(serial.text) was revoked at \(revocation.at) (\(revocation.reason.rawValue)), and is not renewed",
                hint: "roadstead ca issue makes a certificate for a new key")
        }
        guard let certificate else {
            throw CommandError(
                .environment, "the register holds no certificate with the serial number \(serial.text)",
                hint: "give the certificate's file instead; roadstead ca list shows the register")
        }
        return certificate
    }

    private static func purpose(of certificate: Certificate) throws(CommandError) -> ChainPurpose {
        let purposes = certificate.extensions.extendedKeyUsage?.purposes ?? []
        switch (certificate.isCA, purposes) {
        case (false, [ObjectIdentifier.codeSigning]): return .codeSigning
        case (false, [ObjectIdentifier.timeStamping]): return .timestamping
        default:
            throw CommandError(
                .refused, "\"\(certificate.subjectText)\" is no certificate for signing artifacts or timestamps alone",
                hint: "only what roadstead ca issue makes is renewed")
        }
    }

    private static func crlURLs(_ invocation: Invocation, _ old: Certificate, _ register: CARegister) -> [String] {
        if invocation.has("crl-url") { return invocation.all("crl-url") }
        let urls = old.extensions.revocation.crlURLs
        return urls.isEmpty ? register.opening?.crlURLs ?? [] : urls
    }
}
