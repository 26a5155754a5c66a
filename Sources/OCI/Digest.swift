import Codecs
package import SigningKeys

/// The name of content by its hash: `sha256:` and lower-case hexadecimal digits. [OCI image specification, "Digests"]
///
/// Only sha256, sha384 and sha512 are known; upper-case digits and other lengths are refused.
package struct Digest: Sendable, Hashable, CustomStringConvertible {
    package let algorithm: HashAlgorithm
    package let bytes: [UInt8]

    package init(_ text: String) throws(OCIError) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = HashAlgorithm(rawValue: String(decoding: parts[0], as: UTF8.self))
        else {
            throw OCIError(
                .digest, "digest \"\(text.cut(to: 80))\" does not begin with sha256:, sha384: or sha512:",
                hint: "a digest reads like sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        }
        guard let bytes = try? Hex.decode(String(decoding: parts[1], as: UTF8.self)),
            bytes.count == algorithm.byteCount
        else {
            throw OCIError(
                .digest,
                "digest \"\(text.cut(to: 160))\" is not \(algorithm.rawValue): and \(algorithm.byteCount * 2) digits 0-9 a-f"
            )
        }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// The digest of some content.
    package init(of content: [UInt8], algorithm: HashAlgorithm = .sha256) {
        self.algorithm = algorithm
        self.bytes = algorithm.digest(of: content)
    }

    /// The digest that hashing content in pieces gave.
    package init(hashed bytes: [UInt8], algorithm: HashAlgorithm) {
        guard bytes.count == algorithm.byteCount else { preconditionFailure("a digest is as long as its algorithm's") }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    package var hex: String { Hex.encode(bytes) }
    package var description: String { "\(algorithm.rawValue):\(hex)" }

    /// The tag under which registries without the referrers API list what refers to this content.
    /// [OCI distribution specification, "Referrers Tag Schema"]
    package var referrersTag: String { "\(algorithm.rawValue)-\(hex)" }
}
