import Codecs

/// Where an artifact lies: `host[:port]/repository[:tag][@digest]`. [OCI distribution specification]
///
/// Nothing is filled in: no default registry, no `library/`, no `latest`.
package struct Reference: Sendable, Hashable, CustomStringConvertible {
    package let registry: String
    package let repository: String
    package let tag: String?
    package let digest: Digest?

    package init(_ text: String) throws(OCIError) {
        guard text.utf8.count <= 1_024 else { throw Self.malformed(text, "it is longer than 1,024 bytes") }
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            throw Self.malformed(text, "it names no repository after the registry")
        }
        registry = String(text[..<slash])
        var rest = text[text.utf8.index(after: slash)...]
        if let at = rest.utf8.firstIndex(of: UInt8(ascii: "@")) {
            digest = try Digest(String(rest[rest.utf8.index(after: at)...]))
            rest = rest[..<at]
        } else {
            digest = nil
        }
        if let colon = rest.utf8.lastIndex(of: UInt8(ascii: ":")) {
            let tag = String(rest[rest.utf8.index(after: colon)...])
            guard Self.isTag(tag) else { throw Self.malformed(text, "\"\(tag.cut(to: 140))\" is not a tag") }
            self.tag = tag
            rest = rest[..<colon]
        } else {
            tag = nil
        }
        repository = String(rest)
        guard Self.isRegistry(registry) else {
            throw Self.malformed(text, "\"\(registry.cut(to: 80))\" is not a host with an optional port")
        }
        guard Self.isRepository(repository) else {
            throw Self.malformed(text, "\"\(repository.cut(to: 80))\" is not a repository name")
        }
    }

    /// Registry and repository without tag and digest: the scope of a trust policy.
    package var scope: String { "\(registry)/\(repository)" }

    package var description: String {
        scope + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
    package static func isTag(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= 128 else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && bytes.dropFirst().allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    /// Path components of lower-case letters and digits, joined inside by `.`, `_`, `__` or hyphens; 255 bytes at most.
    package static func isRepository(_ text: String) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        return text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isComponent)
    }

    /// A host name, an IPv4 address or a bracketed IPv6 address, with an optional port.
    package static func isRegistry(_ text: String) -> Bool {
        var host = Substring(text)
        if host.utf8.first == UInt8(ascii: "[") {
            guard let end = host.utf8.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = host.utf8[host.utf8.index(after: host.startIndex)..<end]
            let allowed = Array("0123456789abcdefABCDEF:.".utf8)
            guard (2...45).contains(address.count), address.allSatisfy(allowed.contains) else { return false }
            let port = host[host.utf8.index(after: end)...]
            return port.isEmpty || (port.utf8.first == UInt8(ascii: ":") && isPort(port.dropFirst()))
        }
        if let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")) {
            guard isPort(host[host.utf8.index(after: colon)...]) else { return false }
            host = host[..<colon]
        }
        guard host.utf8.count <= 253 else { return false }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isHostLabel)
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(isDigit), let port = Int(text) else {
            return false
        }
        return (1...65_535).contains(port)
    }

    private static func isHostLabel(_ label: Substring.UTF8View) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { isAlphanumeric($0) || $0 == hyphen }
    }

    private static func isComponent(_ component: Substring.UTF8View) -> Bool {
        let isWord: (UInt8) -> Bool = { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        guard let first = component.first, let last = component.last, isWord(first), isWord(last) else { return false }
        return component.split(whereSeparator: isWord).allSatisfy { separator in
            separator.allSatisfy { $0 == UInt8(ascii: "-") }
                || separator.elementsEqual(".".utf8) || separator.elementsEqual("_".utf8)
                || separator.elementsEqual("__".utf8)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func malformed(_ text: String, _ why: String) -> OCIError {
        OCIError(
            .reference, "reference \"\(text.cut(to: 160))\" is malformed: \(why)",
            hint: "a reference reads like registry.example.com/team/app:1.0 or registry.example.com/team/app@sha256:…")
    }
}
