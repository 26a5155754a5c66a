import Codecs
import Foundation
import TestVectors
import Testing

@testable import SigningKeys

@Suite struct KeyBundleTests {
    private static let data = "1.2.840.113549.1.7.1"

    /// A PKCS#12 file whose encrypted parts ask for so many rounds each. Nothing in it can be opened.
    private static func file(parts rounds: [UInt64], mac: UInt64 = 2_048) throws -> [UInt8] {
        let safe = DER.sequence(of: try rounds.map(encryptedPart))
        let sha256 = DER.sequence(try DER.objectIdentifier("2.16.840.1.101.3.4.2.1"))
        return DER.sequence(
            DER.integer(3),
            DER.sequence(try DER.objectIdentifier(data), DER.explicit(0, DER.octetString(safe))),
            DER.sequence(
                DER.sequence(sha256, DER.octetString([UInt8](repeating: 1, count: 32))), DER.octetString([1]),
                DER.integer(mac)))
    }

    private static func encryptedPart(_ rounds: UInt64) throws -> [UInt8] {
        let derivation = DER.sequence(
            try DER.objectIdentifier("1.2.840.113549.1.5.12"),
            DER.sequence(DER.octetString([1]), DER.integer(rounds)))
        let algorithm = DER.sequence(
            try DER.objectIdentifier("1.2.840.113549.1.5.13"), DER.sequence(derivation, DER.sequence()))
        let info = DER.sequence(try DER.objectIdentifier(data), algorithm)
        return DER.sequence(
            try DER.objectIdentifier("1.2.840.113549.1.7.6"),
            DER.explicit(0, DER.sequence(DER.integer(0), info)))
    }

    @Test func `what a file costs as a whole is bounded before its passphrase is tried`() throws {
        try PKCS12Check.run(try Self.file(parts: [600_000, 600_000]))
        try PKCS12Check.run(try Self.file(parts: [9_000_000, 9_000_000], mac: 2_000_000))
        #expect(throws: KeyError(.unsupported, "")) {
            try PKCS12Check.run(try Self.file(parts: [9_000_000, 9_000_000], mac: 2_000_001))
        }
        try PKCS12Check.run(try Self.file(parts: Array(repeating: 1, count: 8)))
        #expect(throws: KeyError(.malformed, "")) {
            try PKCS12Check.run(try Self.file(parts: Array(repeating: 1, count: 9)))
        }
    }

    @Test func `a file that openssl writes is opened with its passphrase`() throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let bundle = try TestVectors.run(
            "/usr/bin/openssl", ["pkcs12", "-export", "-nocerts", "-inkey", "/dev/stdin", "-passout", "pass:secret"],
            input: Array(key.plaintextPEM.utf8))
        #expect(try KeyBundle(pkcs12: bundle, passphrase: Secret("secret")).key.publicKey == key.publicKey)
        #expect(throws: KeyError(.passphraseWrong, "")) {
            try KeyBundle(pkcs12: bundle, passphrase: Secret("other"))
        }
    }
}
