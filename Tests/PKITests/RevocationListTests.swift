import Codecs
import Foundation
import PKI
import SigningKeys
import TestVectors
import Testing

@Suite struct `Revocation lists` {
    static let week = Fixture.now.adding(days: 7)

    /// A list of the fixture's root.
    func made(
        _ f: Fixture, _ entries: [RevokedCertificate] = [], number: UInt64 = 1,
        change: (inout RevocationListTemplate) throws -> Void = { _ in }
    ) async throws -> RevocationList {
        let plain = try await CertificateBuilder.revocationList(
            of: entries, issuer: .init(certificate: f.root, signer: f.rootKey), number: number,
            thisUpdate: Fixture.now, nextUpdate: Self.week)
        var template = RevocationListTemplate(
            issuer: plain.issuer, thisUpdate: plain.thisUpdate, nextUpdate: plain.nextUpdate, entries: entries,
            extensions: plain.extensions)
        try change(&template)
        return try await template.signed(by: f.rootKey)
    }

    func entry(_ number: UInt8, _ reason: RevocationReason? = nil, invalid: UTCDate? = nil) -> RevokedCertificate {
        RevokedCertificate(
            serialNumber: SerialNumber(bytes: [number]), revokedAt: Fixture.now, reason: reason, invalidityDate: invalid
        )
    }

    @Test func `what is written is read back`() async throws {
        let f = try await Fixture()
        let entries = [entry(1), entry(2, .superseded), entry(3, .keyCompromise, invalid: Fixture.start)]
        let list = try await made(f, entries, number: 300)
        #expect(list.issuer == f.root.subject)
        #expect(list.thisUpdate == Fixture.now && list.nextUpdate == Self.week)
        #expect(list.crlNumber == [1, 44] && list.crlNumberText == "300")
        #expect(list.authorityKeyIdentifier == f.root.extensions.subjectKeyIdentifier)
        #expect(list.entries == entries)
        #expect(list[SerialNumber(bytes: [3])]?.reason == .keyCompromise)
        #expect(list[SerialNumber(bytes: [4])] == nil)
        #expect(try RevocationList(pemOrDER: Array(list.pem.utf8)).der == list.der)
        #expect(try list.verified(by: f.root, at: Self.week).list.entries == entries)
    }

    @Test func `an empty list has no entries at all`() async throws {
        let f = try await Fixture()
        let list = try await made(f)
        #expect(list.entries.isEmpty)
        #expect(try list.verified(by: f.root, at: Fixture.now).list.crlNumberText == "1")
    }

    @Test(arguments: [KeyType.ec(.p256), .ec(.p384), .rsa(bits: 3_072), .ed25519])
    func `openssl verifies the list and refuses what is on it`(type: KeyType) async throws {
        let f = try await Fixture(root: type)
        let revoked = RevokedCertificate(
            serialNumber: f.intermediate.serialNumber, revokedAt: Fixture.now, reason: .cACompromise,
            invalidityDate: Fixture.start)
        let clean = try await made(f, [entry(1, .superseded)])
        let full = try await made(f, [entry(1), revoked], number: 2)
        try await TestVectors.withTemporaryFolder { folder in
            func write(_ text: String, _ name: String) throws -> String {
                let path = folder.appendingPathComponent(name).path
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                return path
            }
            let root = try write(f.root.pem, "root.pem")
            let intermediate = try write(f.intermediate.pem, "intermediate.pem")
            func openssl(_ arguments: [String]) throws -> (status: Int32, text: String) {
                let outcome = try TestVectors.outcome("/usr/bin/openssl", arguments)
                return (outcome.status, String(decoding: outcome.output, as: UTF8.self) + outcome.text)
            }
            for (list, isRevoked) in [(clean, false), (full, true)] {
                let file = try write(list.pem, "list.pem")
                let seen = try openssl(["crl", "-in", file, "-CAfile", root, "-verify", "-noout", "-text"])
                #expect(seen.status == 0 && seen.text.contains("verify OK"), "\(seen.text)")
                #expect(seen.text.contains("X509v3 Authority Key Identifier"))
                #expect(seen.text.contains("CA Compromise") == isRevoked)
                #expect(seen.text.contains("Invalidity Date") == isRevoked)
                let verdict = try openssl([
                    "verify", "-x509_strict", "-attime", String(Fixture.now.seconds), "-crl_check", "-CRLfile", file,
                    "-CAfile", root, intermediate,
                ])
                #expect((verdict.status == 0) == !isRevoked, "\(verdict.text)")
                #expect(verdict.text.contains("certificate revoked") == isRevoked, "\(verdict.text)")
            }
        }
    }

    @Test func `lists that openssl makes are read`() async throws {
        let f = try await Fixture()
        try await TestVectors.withTemporaryFolder { folder in
            func write(_ text: String, _ name: String) throws {
                try text.write(
                    toFile: folder.appendingPathComponent(name).path, atomically: false, encoding: .utf8)
            }
            try write(f.root.pem, "root.pem")
            try write(try f.rootKey.plaintextPEM, "root.key")
            try write("1000\n", "number")
            try write(
                "R\t300101000000Z\t260115000000Z,keyTime,20260110000000Z\t0A\tunknown\t/CN=a\n"
                    + "R\t300101000000Z\t260115000000Z,superseded\t0B\tunknown\t/CN=b\n", "index.txt")
            try write(
                """
                [ca]
                default_ca = own
                [own]
                database = \(folder.path)/index.txt
                crlnumber = \(folder.path)/number
                default_md = sha256
                crl_extensions = crl
                [crl]
                authorityKeyIdentifier = keyid:always
                """, "ca.cnf")
            let written = try TestVectors.outcome(
                "/usr/bin/openssl",
                [
                    "ca", "-config", "\(folder.path)/ca.cnf", "-gencrl", "-cert", "\(folder.path)/root.pem", "-keyfile",
                    "\(folder.path)/root.key", "-crldays", "30", "-out", "\(folder.path)/list.pem",
                ])
            #expect(written.status == 0, "\(written.text)")
            let bytes = Array(try Data(contentsOf: folder.appendingPathComponent("list.pem")))
            let list = try RevocationList(pemOrDER: bytes)
            #expect(list.crlNumberText == "4096")
            #expect(list[SerialNumber(bytes: [10])]?.reason == .keyCompromise)
            #expect(try list[SerialNumber(bytes: [10])]?.invalidityDate == UTCDate("2026-01-10T00:00:00Z"))
            #expect(list[SerialNumber(bytes: [11])]?.reason == .superseded)
            #expect(try list.verified(by: f.root, at: list.thisUpdate).list.entries.count == 2)
        }
    }

    @Test func `nothing is concluded from a list of somebody else`() async throws {
        let (f, other) = (try await Fixture(), try await Fixture())
        let list = try await made(f)
        #expect(throws: PKIError(.revocationList, "")) { try list.verified(by: f.intermediate, at: Fixture.now) }
        #expect(throws: PKIError(.revocationList, "")) { try list.verified(by: other.root, at: Fixture.now) }
        let mute = try await f.root { $0.replace(.keyUsage([.keyCertSign])) }
        #expect(throws: PKIError(.revocationList, "")) { try list.verified(by: mute, at: Fixture.now) }
    }

    @Test func `a list is in force from its first second to its last`() async throws {
        let f = try await Fixture()
        let list = try await made(f)
        #expect(throws: PKIError(.revocationList, "")) {
            try list.verified(by: f.root, at: Fixture.now.adding(seconds: -1))
        }
        #expect(throws: Never.self) { try list.verified(by: f.root, at: Fixture.now) }
        #expect(throws: Never.self) { try list.verified(by: f.root, at: Self.week) }
        #expect(throws: PKIError(.revocationList, "")) {
            try list.verified(by: f.root, at: Self.week.adding(seconds: 1))
        }
    }

    @Test(arguments: [
        (ObjectIdentifier.deltaCRLIndicator, [0x02, 0x01, 0x01] as [UInt8], "only changes"),
        (ObjectIdentifier.issuingDistributionPoint, [0x30, 0x00], "a scope of its own"),
        ("1.2.3.4", [0x05, 0x00], "critical extension 1.2.3.4"),
    ])
    func `deltas, parts and lists with unknown critical extensions are refused`(
        identifier: String, value: [UInt8], words: String
    ) async throws {
        let f = try await Fixture()
        let list = try await made(f) { template in
            template.extensions.append(
                CertificateExtension(identifier: identifier, isCritical: true, value: value))
        }
        let error = #expect(throws: PKIError.self) { try list.verified(by: f.root, at: Fixture.now) }
        #expect(error?.code == .revocationList)
        #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "")")
    }

    @Test func `an entry that takes a certificate off is refused in a full list`() async throws {
        let f = try await Fixture()
        let list = try await made(f, [entry(1, .removeFromCRL)])
        #expect(throws: PKIError(.revocationList, "")) { try list.verified(by: f.root, at: Fixture.now) }
    }

    @Test func `a serial number twice, a negative number of the list, and bytes after it are malformed`()
        async throws
    {
        let f = try await Fixture()
        await #expect(throws: PKIError(.malformed, "")) { try await made(f, [entry(1), entry(1, .superseded)]) }
        await #expect(throws: PKIError(.malformed, "")) {
            try await made(f) { template in
                template.extensions = [
                    CertificateExtension(
                        identifier: ObjectIdentifier.crlNumber, isCritical: false, value: [0x02, 0x01, 0xFF])
                ]
            }
        }
        let list = try await made(f)
        #expect(throws: PKIError(.malformed, "")) { try RevocationList(der: list.der + [0]) }
        #expect(throws: PKIError(.malformed, "")) { try RevocationList(der: f.root.der) }
        for count in stride(from: 0, to: list.der.count, by: 7) {
            #expect(throws: PKIError(.malformed, "")) { try RevocationList(der: Array(list.der.prefix(count))) }
        }
    }

    @Test func `a list without extensions is read and has no number`() async throws {
        let f = try await Fixture()
        let list = try await made(f, [entry(1)]) { $0.extensions = [] }
        #expect(list.crlNumber == nil && list.entries.count == 1)
    }

    @Test func `the form of the lists that others made is judged as it should be`() throws {
        guard let cases = try TestVectors.cases("x509/revocation.jsonl.gz") else { return }
        var (read, refused) = (0, 0)
        for json in cases {
            let object = try json.object("case")
            let (id, verdict) = (try object.string("id", in: "case"), try object.string("expect", in: "case"))
            guard id.hasPrefix("crl/"), verdict != "either" else { continue }
            let input = try object.object("in", in: "case")
            let certificate = try Certificate(pemOrDER: Array(try input.string("cert", in: "in").utf8))
            let text = try input.string("crl", in: "in")
            let der = try text.hasPrefix("M") ? Base64.decode(text) : Hex.decode(text)
            guard let list = try? RevocationList(der: der) else {
                // Version 1, which nobody makes any more, is the one good form that is not read.
                #expect(verdict == "unknown" || id == "crl/good_no_version", "\(id)")
                refused += 1
                continue
            }
            let isBadForm = id.hasPrefix("crl/invalid_") && !id.contains("_idp_") && !id.contains("_keyusage_")
            #expect(!isBadForm, "\(id)")
            #expect(list.isPartial == id.contains("idp_"), "\(id)")
            // One entry that is not understood makes the whole list one.
            let isClear = list.entries.allSatisfy(\.unknownCritical.isEmpty)
            let isRevoked = isClear && list[certificate.serialNumber] != nil
            #expect(isRevoked == (verdict == "revoked"), "\(id)")
            read += 1
        }
        #expect(read == 30 && refused == 25, "\(read) read, \(refused) refused")
    }

    @Test func `a list is not made by a certificate that may not, nor backwards in time`() async throws {
        let f = try await Fixture()
        let mute = try await f.root { $0.replace(.keyUsage([.keyCertSign])) }
        for (root, end) in [(mute, Self.week), (f.root, Fixture.now)] {
            await #expect(throws: PKIError(.refused, "")) {
                try await CertificateBuilder.revocationList(
                    of: [], issuer: .init(certificate: root, signer: f.rootKey), number: 1, thisUpdate: Fixture.now,
                    nextUpdate: end)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a list of 100000 certificates is made and read within seconds`() async throws {
        let f = try await Fixture()
        let entries = (0..<100_000).map { number in
            RevokedCertificate(
                serialNumber: SerialNumber(bytes: [0x40] + SecureRandom.bytes(15)), revokedAt: Fixture.now,
                reason: number.isMultiple(of: 3) ? .keyCompromise : nil)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let list = try await made(f, entries)
        let taken = clock.now - start
        #expect(list[entries[99_999].serialNumber] == entries[99_999])
        #expect(list.der.count < 6 << 20)
        // Twice here, in a debug build on a busy machine; a release build takes well below a second.
        #expect(taken < .seconds(60), "took \(taken)")
    }
}
