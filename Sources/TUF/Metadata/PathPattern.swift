import Codecs
import SigningKeys

/// A shell pattern for target names, in which no wildcard matches a slash. [TUF §4.5 PATHPATTERN]
///
/// `*`, `?`, `[abc]`, `[a-z]` and `[!a-z]`, as in glob(7); bytes are compared, never letters' case or accents.
package struct PathPattern: ByteText {
    package let text: String

    package init(_ text: String) { self.text = text }

    package func matches(_ name: TargetName) -> Bool {
        let separator = UInt8(ascii: "/")
        let patterns = text.utf8.split(separator: separator, omittingEmptySubsequences: false)
        let parts = name.text.utf8.split(separator: separator, omittingEmptySubsequences: false)
        guard patterns.count == parts.count else { return false }
        return zip(patterns, parts).allSatisfy { Self.matches(Array($0), Array($1)) }
    }

    /// Matches one component with one way back, so that no pattern takes more than pattern times name steps.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (at, position) = (0, 0)
        var retry: (at: Int, position: Int)?
        while position < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                at += 1
                retry = (at, position)
            } else if let end = step(pattern, at, name[position]) {
                at = end
                position += 1
            } else if let last = retry {
                retry = (last.at, last.position + 1)
                (at, position) = (last.at, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// Where the pattern goes on when its element at an index matches a byte; nil when it does not.
    private static func step(_ pattern: [UInt8], _ at: Int, _ byte: UInt8) -> Int? {
        guard at < pattern.count else { return nil }
        switch pattern[at] {
        case UInt8(ascii: "?"): return at + 1
        case UInt8(ascii: "["):
            guard let (end, contains) = bracket(pattern, at, byte) else { return byte == pattern[at] ? at + 1 : nil }
            return contains ? end : nil
        default: return pattern[at] == byte ? at + 1 : nil
        }
    }

    /// The end of a bracket expression and whether it holds a byte; nil when the bracket is not closed.
    private static func bracket(_ pattern: [UInt8], _ at: Int, _ byte: UInt8) -> (end: Int, contains: Bool)? {
        var index = at + 1
        let isNegated = index < pattern.count && pattern[index] == UInt8(ascii: "!")
        if isNegated { index += 1 }
        let first = index
        var found = false
        while index < pattern.count {
            let low = pattern[index]
            if low == UInt8(ascii: "]"), index > first { return (index + 1, found != isNegated) }
            if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-"),
                pattern[index + 2] != UInt8(ascii: "]")
            {
                if low <= byte, byte <= pattern[index + 2] { found = true }
                index += 3
            } else {
                if low == byte { found = true }
                index += 1
            }
        }
        return nil
    }
}

extension Delegation {
    /// Whether a target name is delegated. [TUF §4.5 paths, path_hash_prefixes]
    package func covers(_ name: TargetName) -> Bool {
        switch scope {
        case .paths(let patterns): return patterns.contains { $0.matches(name) }
        case .pathHashPrefixes(let prefixes):
            let hash = Hex.encode(HashAlgorithm.sha256.digest(of: Array(name.text.utf8)))
            return prefixes.contains { hash.utf8.starts(with: $0.utf8) }
        }
    }
}
