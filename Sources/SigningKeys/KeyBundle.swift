import Codecs
import OpenSSLKit

/// A private key and its certificates as certification authorities deliver them: one PKCS#12 file. [RFC 7292]
///
/// Only what is made today is read: PBES2 with AES and a MAC with SHA-2, each with a bounded cost, and exactly one key,
/// which must be encrypted. The old schemes of PKCS#12 are refused with the command that converts them.
package struct KeyBundle: Sendable {
    package let key: PrivateKey
    /// DER, the key's own certificate first where it is there.
    package let certificates: [[UInt8]]

    package static let maximumBytes = 1 << 20
    static let maximumCertificates = 32
    /// There are two of what is usually made: the certificates and the key.
    static let maximumParts = 8

    package init(pkcs12 der: [UInt8], passphrase: Secret) throws(KeyError) {
        try PKCS12Check.run(der)
        guard passphrase.withBytes({ !$0.contains(0) }), passphrase.count <= KeyEncryption.maximumPassphraseBytes else {
            throw KeyError(.passphraseWrong, "a passphrase with a zero byte, or a very long one, opens no PKCS#12 file")
        }
        do {
            let file = try PKCS12File(der: der, passphrase: passphrase.bytes)
            key = try PrivateKey(handle: file.key, protection: .encrypted)
            certificates = file.certificates
        } catch let error as OpenSSLError {
            throw KeyError(error.code == .authentication ? .passphraseWrong : .malformed, error.reason)
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "a PKCS#12 file is malformed")
        }
        guard certificates.count <= Self.maximumCertificates else {
            throw KeyError(
                .malformed,
                "a PKCS#12 file holds \(certificates.count) certificates, at most \(Self.maximumCertificates) are read")
        }
    }
}

/// Looks at a PKCS#12 file without its passphrase: how it is protected, how much that costs, how many keys are in it.
enum PKCS12Check {
    static let newer =
        "openssl pkcs12 -legacy -in OLD -noenc | openssl pkcs12 -export -out NEW, which asks for the passphrase of each"

    static func run(_ der: [UInt8]) throws(KeyError) {
        guard der.count <= KeyBundle.maximumBytes else {
            throw KeyError(
                .malformed, "a PKCS#12 file has \(der.count) bytes, at most \(KeyBundle.maximumBytes) are read")
        }
        do {
            var outer = try DERReader(inside: DERReader.single(der, .sequence))
            guard try outer.read(.integer).smallInteger() == 3 else {
                throw KeyError(.unsupported, "a PKCS#12 file is not of version 3")
            }
            let safe = try content(try outer.read(.sequence), data)
            guard !outer.isAtEnd else {
                throw KeyError(.unsupported, "nothing authenticates the PKCS#12 file: it has no MAC", hint: newer)
            }
            var seen = Seen()
            seen.rounds = try checkMAC(try outer.read(.sequence))
            try outer.end()
            var parts = try DERReader(inside: DERReader.single(safe, .sequence))
            while !parts.isAtEnd { try seen.add(try part(try parts.read(.sequence))) }
        } catch let error as CodecError {
            throw KeyError(
                .malformed, "a PKCS#12 file is malformed, or not in DER: \(error.reason)",
                hint: "write it anew with \(newer)")
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "a PKCS#12 file is malformed")
        }
    }

    /// What the parts of a file come to.
    private struct Seen {
        var parts = 0
        var keys = 0
        var rounds = 0

        mutating func add(_ part: (keys: Int, rounds: Int)) throws(KeyError) {
            parts += 1
            keys += part.keys
            rounds += part.rounds
            guard parts <= KeyBundle.maximumParts else {
                throw KeyError(.malformed, "a PKCS#12 file has more than \(KeyBundle.maximumParts) parts")
            }
            guard keys <= 1 else {
                throw KeyError(.malformed, "a PKCS#12 file holds \(keys) private keys where one belongs")
            }
            guard rounds <= KeyEncryption.maximumIterations else {
                throw KeyError(.unsupported, "a PKCS#12 file asks for \(rounds) rounds, more than are computed")
            }
        }
    }

    private static let data = "1.2.840.113549.1.7.1"
    private static let encryptedData = "1.2.840.113549.1.7.6"
    private static let keyBag = "1.2.840.113549.1.12.10.1.1"
    private static let shroudedKeyBag = "1.2.840.113549.1.12.10.1.2"
    private static let hashes: Set<String> = [
        "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3",
    ]

    /// The octets of a ContentInfo of one type.
    private static func content(_ element: DERElement, _ type: String) throws -> [UInt8] {
        var reader = try DERReader(inside: element)
        guard try reader.read(.objectIdentifier).objectIdentifier() == type else {
            throw KeyError(.unsupported, "a PKCS#12 file is not authenticated by a passphrase")
        }
        var inner = try DERReader(inside: reader.read(.context(0, constructed: true)))
        let octets = try inner.read(.octetString).bytes
        try inner.end()
        return octets
    }

    /// Gives how many rounds it costs.
    private static func checkMAC(_ element: DERElement) throws -> Int {
        var mac = try DERReader(inside: element)
        var digest = try DERReader(inside: mac.read(.sequence))
        var algorithm = try DERReader(inside: digest.read(.sequence))
        let hash = try algorithm.read(.objectIdentifier).objectIdentifier()
        guard hashes.contains(hash) else {
            throw KeyError(
                .unsupported, "a PKCS#12 file is authenticated with \(hash), which is not SHA-2",
                hint: "convert it with \(newer)")
        }
        _ = try mac.read(.octetString)
        let rounds = mac.isAtEnd ? 1 : try mac.read(.integer).smallInteger()
        guard (1...KeyEncryption.maximumIterations).contains(rounds) else {
            throw KeyError(.unsupported, "a PKCS#12 file asks for \(rounds) rounds, more than are computed")
        }
        return rounds
    }

    /// Checks one part of the safe and gives how many keys are seen in it, and what it costs to open.
    private static func part(_ element: DERElement) throws -> (keys: Int, rounds: Int) {
        var reader = try DERReader(inside: element)
        let type = try reader.read(.objectIdentifier).objectIdentifier()
        guard type == encryptedData else {
            var bags = try DERReader(inside: DERReader.single(try content(element, data), .sequence))
            var seen = (keys: 0, rounds: 0)
            while !bags.isAtEnd {
                guard let rounds = try bag(try bags.read(.sequence)) else { continue }
                seen = (seen.keys + 1, seen.rounds + rounds)
            }
            return seen
        }
        var wrapper = try DERReader(inside: reader.read(.context(0, constructed: true)))
        var encrypted = try DERReader(inside: wrapper.read(.sequence))
        _ = try encrypted.read(.integer)
        var info = try DERReader(inside: encrypted.read(.sequence))
        _ = try info.read(.objectIdentifier)
        return (0, try KeyEncryption.check(algorithm: try info.read(.sequence), newer: newer))
    }

    /// What it costs to open the key in a bag; nil where there is none.
    private static func bag(_ element: DERElement) throws -> Int? {
        var reader = try DERReader(inside: element)
        switch try reader.read(.objectIdentifier).objectIdentifier() {
        case keyBag:
            throw KeyError(
                .refused, "the private key in a PKCS#12 file is not encrypted", hint: "convert it with \(newer)")
        case shroudedKeyBag:
            var key = try DERReader(inside: reader.read(.context(0, constructed: true)))
            var sealed = try DERReader(inside: key.read(.sequence))
            return try KeyEncryption.check(algorithm: try sealed.read(.sequence), newer: newer)
        default: return nil
        }
    }
}
