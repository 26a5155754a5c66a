package import Codecs
package import SigningKeys

/// Hashes of a file by the name of their algorithm; unknown algorithms are kept and never trusted. [TUF §4.4 HASHES]
package struct Hashes: Sendable, Equatable {
    /// The algorithms that count.
    package static let algorithms: [HashAlgorithm] = [.sha256, .sha512]

    package private(set) var members: JSONObject
    private var known: [HashAlgorithm: [UInt8]] = [:]

    /// Hashes content with the given algorithms.
    package init(of content: [UInt8], _ algorithms: [HashAlgorithm] = [.sha256]) {
        members = JSONObject()
        for algorithm in algorithms {
            let digest = algorithm.digest(of: content)
            known[algorithm] = digest
            members[algorithm.rawValue] = .string(Hex.encode(digest))
        }
    }

    /// A SHA-256 that is already known.
    package init(sha256 digest: [UInt8]) {
        members = JSONObject([("sha256", .string(Hex.encode(digest)))])
        known = [.sha256: digest]
    }

    init(_ members: JSONObject, _ place: String) throws(TUFError) {
        guard !members.isEmpty else { throw TUFError(.malformed, "\(place) holds no hash") }
        self.members = members
        for (name, value) in members.members {
            let text = try value.asText("\(place).\(name.prefix(40))")
            guard let algorithm = HashAlgorithm(rawValue: name), Self.algorithms.contains(algorithm) else { continue }
            guard let digest = try? Hex.decode(text.lowercased()), digest.count == algorithm.byteCount else {
                throw TUFError(.malformed, "\(place).\(name) is not a hash in hexadecimal")
            }
            known[algorithm] = digest
        }
    }

    package subscript(algorithm: HashAlgorithm) -> [UInt8]? { known[algorithm] }

    /// Whether at least one known algorithm is listed.
    package var isUsable: Bool { !known.isEmpty }

    /// Whether every known hash is that of the content; false when none is known.
    package func match(_ content: [UInt8]) -> Bool {
        isUsable && known.allSatisfy { algorithm, digest in algorithm.digest(of: content) == digest }
    }

    /// The hash that names the file where consistent snapshots are used, as it was listed. [TUF §5.7.3]
    package var fileNamePrefix: String? {
        Self.algorithms.first { known[$0] != nil }.flatMap { members[$0.rawValue]?.stringOrNil }
    }
}

extension JSONObject {
    func hashes(_ place: String) throws(TUFError) -> Hashes {
        try Hashes(try members("hashes", place), "\(place).hashes")
    }
}
