import Codecs
import SigningKeys

/// What stands behind a key service's scheme: `HOST/PATH?NAME=VALUE`, each part decoded once.
struct ServiceKeyURI: Sendable {
    /// Up to the first slash; may be empty.
    let authority: String
    /// After that slash, split at slashes.
    let segments: [String]
    /// Whether the path ends with a slash, and so names a folder.
    let isFolder: Bool
    let query: [String: String]

    /// - Throws: `CloudKeyError(.name)` for unknown or repeated parameters, bad escapes and characters that no service
    ///   has in its names.
    init(_ name: KeyName, parameters: Set<String>) throws(CloudKeyError) {
        let parts = name.rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var pieces = parts[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        authority = pieces.removeFirst()
        isFolder = pieces.last == ""
        if isFolder { pieces.removeLast() }
        segments = pieces
        guard segments.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isNameByte) && $0 != "." && $0 != ".." })
        else { throw CloudKeyError(.name, "the path of \(name) has empty parts or characters that no key's name has") }
        query = try Self.query(parts.count > 1 ? parts[1] : "", parameters, name)
    }

    /// The authority and the segments as one path, for services that have no host in their URIs.
    func path(_ name: KeyName) throws(CloudKeyError) -> [String] {
        guard !authority.isEmpty, authority.utf8.allSatisfy(Self.isNameByte), authority != ".", authority != ".." else {
            throw CloudKeyError(.name, "\(name) does not begin with a plain name")
        }
        return [authority] + segments
    }

    private static func query(
        _ text: Substring, _ allowed: Set<String>, _ name: KeyName
    ) throws(CloudKeyError) -> [String: String] {
        var query: [String: String] = [:]
        for part in text.split(separator: "&", omittingEmptySubsequences: true) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2, allowed.contains(pair[0]), query[pair[0]] == nil, !pair[1].isEmpty,
                pair[1].utf8.allSatisfy(isNameByte)
            else {
                let known = allowed.isEmpty ? "none" : allowed.sorted().joined(separator: ", ")
                throw CloudKeyError(
                    .name, "a parameter of \(name) is not known, stands twice or has no plain value",
                    hint: "known are: \(known)")
            }
            query[pair[0]] = pair[1]
        }
        return query
    }

    /// Letters, digits and `-._:`, which is what the services allow in names, versions and ARNs.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) && byte >= 0x41 || (0x30...0x3A).contains(byte) || byte == 0x2D
            || byte == 0x2E || byte == 0x5F
    }
}

extension KeyName {
    /// A name that a backend puts together from what a service said.
    init(built text: String) throws(CloudKeyError) {
        do { try self.init(text) } catch {
            throw CloudKeyError(.answer, "a key service's name for a key makes no URI: \(error.reason)")
        }
    }
}
