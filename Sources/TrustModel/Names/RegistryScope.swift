/// A registry, or a prefix of its repositories, matched by whole path segments: `host[:port][/path]`.
///
/// `registry.example.com/acme` covers itself and `registry.example.com/acme/app`, never `registry.example.com/acme-x`.
package struct RegistryScope: Slug {
    package let rawValue: String

    /// Longest scope taken in, in bytes; a repository name has at most 255.
    package static let maximumLength = 512

    package init(_ text: String) throws(TrustModelError) {
        let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.maximumLength, let host = segments.first, Self.isHost(host),
            segments.dropFirst().allSatisfy(Self.isPathSegment)
        else {
            throw TrustModelError(
                .scope, "registry scope \"\(text.prefix(120))\" is malformed",
                hint: "host[:port][/path] in lower case, without scheme, tag, digest or wildcard")
        }
        rawValue = text
    }

    /// Whether a scope or repository lies within this one.
    package func covers(_ other: RegistryScope) -> Bool {
        let (mine, theirs) = (Array(rawValue.utf8), Array(other.rawValue.utf8))
        return theirs.starts(with: mine) && (theirs.count == mine.count || theirs[mine.count] == UInt8(ascii: "/"))
    }

    /// Whether there is a path after the host, so that the scope may itself be a repository.
    package var hasPath: Bool { rawValue.utf8.contains(UInt8(ascii: "/")) }

    private static func isHost(_ host: Substring.UTF8View.SubSequence) -> Bool {
        let parts = host.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let name = parts.first, parts.count <= 2, !name.isEmpty, name.count <= 253 else { return false }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(isHostLabel) else { return false }
        guard parts.count == 2 else { return true }
        guard let port = Int(String(decoding: parts[1], as: UTF8.self)), parts[1].first != UInt8(ascii: "+") else {
            return false
        }
        return (1...65_535).contains(port) && parts[1].first != UInt8(ascii: "0")
    }

    private static func isHostLabel(_ label: Substring.UTF8View.SubSequence) -> Bool {
        guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
        let hyphen = UInt8(ascii: "-")
        return first != hyphen && last != hyphen && label.allSatisfy { isLowerCase($0) || isDigit($0) || $0 == hyphen }
    }

    /// A path component of a repository name. [OCI distribution specification, "Pulling manifests"]
    private static func isPathSegment(_ segment: Substring.UTF8View.SubSequence) -> Bool {
        let separators = Array("._-".utf8)
        guard let first = segment.first, let last = segment.last else { return false }
        guard !separators.contains(first), !separators.contains(last) else { return false }
        guard segment.allSatisfy({ isLowerCase($0) || isDigit($0) || separators.contains($0) }) else { return false }
        let words = segment.split(whereSeparator: { isLowerCase($0) || isDigit($0) })
        return words.allSatisfy { word in
            word.allSatisfy { $0 == UInt8(ascii: "-") } || [[0x2E], [0x5F], [0x5F, 0x5F]].contains(Array(word))
        }
    }
}
