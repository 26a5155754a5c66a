import Codecs
import Files
import Problems
import SigningKeys
import TUF

/// Where targets are downloaded to: one target name, one file name, flat, so that no name can leave the directory.
struct TargetDirectory: Sendable {
    /// Bytes of an encoded name that leave room for the temporary file's name.
    static let maximumNameBytes = 200

    let path: String

    /// The target's content if it is there and as listed.
    func holds(_ target: FoundTarget) throws -> Bool {
        let place = file(target.name)
        let status: FileStatus
        do { status = try Files.status(place) } catch {
            guard error.code == .notFound else { throw error }
            return false
        }
        guard status.kind == .regular else {
            throw ClientError(
                .obstructed, "\(place) is not a regular file, so the target \"\(target.name)\" is not written there",
                hint: "find out who put it there and remove it")
        }
        guard Int64(status.size) == target.file.length, let limit = Int(exactly: target.file.length) else {
            return false
        }
        let content = try Files.read(place, limit: limit, links: .refused)
        return (try? target.file.check(content)) != nil
    }

    /// Writes verified content in the target's place.
    func store(_ content: [UInt8], as target: FoundTarget) throws {
        try removeLeftovers(of: target.name)
        try Files.write(content, to: file(target.name))
    }

    func file(_ name: TargetName) -> String { path + "/" + Self.fileName(name) }

    /// Everything outside `A-Za-z0-9_.-~` percent-encoded, slashes and a leading dot too. A name that would be too
    /// long is replaced by its hash after a `%`, which no encoded name begins with in this way.
    static func fileName(_ name: TargetName) -> String {
        var encoded = name.path().replacing("/", with: "%2F")
        if encoded.hasPrefix(".") { encoded = "%2E" + encoded.dropFirst() }
        guard encoded.utf8.count > maximumNameBytes else { return encoded }
        return "%sha256-" + Hex.encode(HashAlgorithm.sha256.digest(of: Array(name.text.utf8)))
    }

    /// Removes what a killed download left of this target.
    private func removeLeftovers(of name: TargetName) throws {
        let prefix = ".\(Self.fileName(name))."
        for entry in try Files.list(path) where entry.hasPrefix(prefix) && entry.hasSuffix(".tmp") {
            let middle = entry.dropFirst(prefix.count).dropLast(4)
            guard middle.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) else { continue }
            try Files.remove(path + "/" + entry)
        }
    }
}
