import Codecs

/// Which encryptions of private keys are written and read. [RFC 8018 §6.2, RFC 7914]
enum KeyEncryption {
    static let iterations = 600_000
    static let maximumPassphraseBytes = 1_024
    /// More rounds would only serve to keep a processor busy.
    static let maximumIterations = 20_000_000
    /// What libcrypto allows scrypt.
    static let maximumScryptBytes = 32 << 20
    /// scrypt's N·r·p, some two seconds of a processor.
    static let maximumScryptWork = 4 << 20

    /// Refuses anything but PBES2 with PBKDF2 or scrypt before a passphrase is tried on it.
    static func check(_ der: [UInt8]) throws {
        do {
            var outer = try DERReader(inside: DERReader.single(der, .sequence))
            try check(
                algorithm: try outer.read(.sequence), newer: "openssl pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA256")
        } catch let error as CodecError {
            throw KeyError(.malformed, "an encrypted private key is malformed: \(error.reason)")
        }
    }

    /// The same of an AlgorithmIdentifier; `newer` is the command that writes the file in a form that is read. Gives what
    /// it costs to try a passphrase, in rounds of PBKDF2 or in scrypt's N·r·p, each of which takes about as long.
    @discardableResult static func check(algorithm element: DERElement, newer: String) throws -> Int {
        do {
            var algorithm = try DERReader(inside: element)
            guard try algorithm.read(.objectIdentifier).objectIdentifier() == "1.2.840.113549.1.5.13" else {
                throw KeyError(
                    .unsupported, "the private key is encrypted with a scheme older than PBES2",
                    hint: "convert it with \(newer)")
            }
            var schemes = try DERReader(inside: algorithm.read(.sequence))
            var derivation = try DERReader(inside: schemes.read(.sequence))
            let identifier = try derivation.read(.objectIdentifier).objectIdentifier()
            var parameters = try DERReader(inside: derivation.read(.sequence))
            _ = try parameters.read(.octetString)
            let cost = try parameters.read(.integer).smallInteger()
            switch identifier {
            case "1.2.840.113549.1.5.12" where (1...maximumIterations).contains(cost): return cost
            case "1.3.6.1.4.1.11591.4.11":
                let blocks = try parameters.read(.integer).smallInteger()
                let repeats = try parameters.read(.integer).smallInteger()
                return try scryptWork(cost, blocks, repeats, newer)
            case "1.2.840.113549.1.5.12":
                throw KeyError(
                    .unsupported, "the encrypted private key asks for \(cost) rounds, more than are computed")
            default:
                throw KeyError(.unsupported, "the private key is encrypted with key derivation \(identifier)")
            }
        } catch let error as CodecError {
            throw KeyError(.malformed, "an encrypted private key is malformed: \(error.reason)")
        }
    }

    private static func scryptWork(_ cost: Int, _ blocks: Int, _ repeats: Int, _ newer: String) throws(KeyError) -> Int
    {
        guard (1...1 << 20).contains(cost), (1...1 << 10).contains(blocks),
            128 * blocks * (cost + 4) <= maximumScryptBytes
        else {
            throw KeyError(
                .unsupported, "the encrypted private key asks for more memory than scrypt is given (32 MiB)",
                hint: "write it anew with \(newer)")
        }
        guard (1...maximumScryptWork / (cost * blocks)).contains(repeats) else {
            throw KeyError(
                .unsupported,
                "the encrypted private key asks scrypt for \(repeats) repetitions, more than are computed",
                hint: "write it anew with \(newer)")
        }
        return cost * blocks * repeats
    }
}
