import Problems

/// The address that paths of a repository are appended to, as text: nothing in it is decoded or normalised.
package struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// Ends with a slash.
    package let text: String

    package init(_ text: String) throws(ClientError) {
        let lower = text.lowercased()
        let scheme = ["http://", "https://"].first { lower.hasPrefix($0) }
        let isClean =
            text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && !text.utf8.contains { "?#\\\"<>^`{|}".utf8.contains($0) }
        guard let scheme, text.utf8.count > scheme.utf8.count, text.utf8.count <= 4_000, isClean else {
            throw ClientError(
                .usage, "\"\(text.prefix(200))\" is not the address of a repository",
                hint: "write it like https://tuf.example.com/metadata/")
        }
        self.text = text.hasSuffix("/") ? text : text + "/"
    }

    package var description: String { text }
}
