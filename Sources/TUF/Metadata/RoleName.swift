/// The name of a delegated role, as metadata gives it. [TUF §4.5 ROLENAME]
///
/// Any text may stand in received metadata; `fileStem` is what reaches URLs and file names. Names that we give
/// ourselves are slugs (`init(slug:)`).
package struct RoleName: ByteText {
    package let text: String

    /// Bytes of the encoded name: with version and extension it still fits a file name of 255 bytes.
    package static let maximumEncodedBytes = 200
    /// Names that top-level roles have, which no delegation may give.
    package static let reserved = ["root", "timestamp", "snapshot", "targets"]

    /// Takes a name from received metadata.
    package init(_ text: String) throws(TUFError) {
        guard !text.isEmpty else { throw TUFError(.value, "a delegated role has an empty name") }
        guard !Self.reserved.contains(where: { $0.utf8.elementsEqual(text.utf8) }) else {
            throw TUFError(.value, "a delegated role is called \"\(text)\", as a top-level role is")
        }
        guard PercentEncoding.encode(text).utf8.count <= Self.maximumEncodedBytes else {
            throw TUFError(
                .tooLarge, "the role name \"\(text.prefix(40))…\" has more than \(Self.maximumEncodedBytes) bytes")
        }
        self.text = text
    }

    /// Takes a name for a role of our own: `[a-z0-9][a-z0-9._-]{0,62}`.
    package init(slug text: String) throws(TUFError) {
        guard Self.isSlug(text), !text.utf8.elementsEqual("mirrors".utf8) else {
            throw TUFError(
                .value, "the role name \"\(text.prefix(80))\" is not a slug",
                hint: "use 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
        }
        try self.init(text)
    }

    /// The name as part of a URL or file name, everything outside `A-Za-z0-9_.-~` percent-encoded.
    package var fileStem: String { PercentEncoding.encode(text) }

    static func isSlug(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count) else { return false }
        return text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): index > 0
            default: false
            }
        }
    }
}
