import Codecs
import Files
import PKI
import SigningKeys

extension CACommands {
    static let revocationList = Command(
        "ca crl", "sign the list of what a CA revoked",
        options: [
            ca, .value("next-update", "TIME", "when the next list is due: until then this one counts (default: 7d)"),
            .value("out", "FILE", "the list in DER, or in PEM where the name ends with .pem; an older one is replaced"),
            .value("publish", "DIR", "the list as ca.crl, in DER, such as in a web server's directory"),
        ] + CADirectory.keyOptions + KeyOptions.all,
        discussion: """
            The list is full, of version 2, and numbered: each number is larger than the last. Sign one in good time before
            the last is due to be followed, also when nothing was revoked: a list that is overdue counts for nothing, and
            hosts that check refuse. Files are replaced at once, never half.
            """,
        examples: [
            "roadstead ca crl --ca acme-ca --publish /srv/www/pki",
            "roadstead ca crl --ca acme-ca --key 'pkcs11:token=root' --pin-file pin --next-update 30d --out acme.crl",
        ], run: runRevocationList)

    private static let standardDays: Int64 = 7

    private static func runRevocationList(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let files = [invocation["out"], invocation["publish"].map { "\($0)/ca.crl" }].compactMap(\.self)
        guard !files.isEmpty else {
            throw CommandError(.usage, "there is no place for the list", hint: "give --out FILE, --publish DIR or both")
        }
        let seconds = try invocation.duration("next-update") ?? standardDays * 86_400
        let authority = try CADirectory(try invocation.required("ca"))
        let replaced = try files.compactMap { try number(ofListIn: $0, authority) }
        let issuer = try await authority.authority(invocation, KeyRequest(invocation, console), reach)
        let file = try authority.openRegister(at: console.now)
        let last = max(file.register.lastList?.number ?? 0, replaced.max() ?? 0)
        guard last < .max else { throw CommandError(.environment, "the revocation lists have used up their numbers") }
        let entries = try file.register.revocations.map { try $0.entry() }
        let list = try await CertificateBuilder.revocationList(
            of: entries, issuer: issuer, number: UInt64(last + 1), thisUpdate: console.now,
            nextUpdate: console.now.adding(seconds: seconds))
        // What clients would refuse is not given out.
        _ = try list.verified(by: authority.certificate, at: console.now)
        try file.append(
            .list(
                IssuedList(at: list.thisUpdate, number: last + 1, nextUpdate: list.nextUpdate, entries: entries.count)))
        for path in files {
            try Files.write(path.hasSuffix(".pem") ? Array(list.pem.utf8) : list.der, to: path)
        }
        console.print("revocation list \(last + 1), \(entries.count) revoked, due to be followed by \(list.nextUpdate)")
        for path in files { console.print(path) }
        if list.nextUpdate > authority.certificate.notAfter {
            console.say("the CA's certificate ends before that, at \(authority.certificate.notAfter)")
        }
        return .success
    }

    /// The number of the list that a new one will replace, which a restored register may not know of; nil where there is
    /// no file.
    private static func number(ofListIn path: String, _ authority: CADirectory) throws -> Int64? {
        guard Files.exists(path) else { return nil }
        let found = try? RevocationList(pemOrDER: try Files.read(path, limit: RevocationList.maximumBytes * 3 / 2))
        guard let found, (try? found.verified(by: authority.certificate, at: found.thisUpdate)) != nil else {
            throw CommandError(
                .environment, "\(path) exists and is no revocation list of this CA: it is not replaced",
                hint: "choose another name, or remove it")
        }
        guard let number = found.crlNumber else { return 0 }
        guard number.count < 8 else {
            throw CommandError(
                .environment, "the list in \(path) has the number \(found.crlNumberText ?? ""), too large")
        }
        return number.reduce(0) { $0 << 8 | Int64($1) }
    }
}
