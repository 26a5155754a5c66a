/// The name of a target file: a relative path that cannot leave the directory it is placed in. [TUF §4.5 TARGETPATH]
package struct TargetName: ByteText {
    package let text: String

    /// Bytes of the whole name.
    package static let maximumBytes = 1_024
    /// Bytes of one component: with a SHA-512 prefix it is still a file name of 255 bytes.
    package static let maximumComponentBytes = 126

    /// Refuses empty components, `.`, `..`, backslashes, control characters and a leading slash.
    package init(_ text: String) throws(TUFError) {
        let components = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.maximumBytes,
            components.allSatisfy({ $0.count <= Self.maximumComponentBytes })
        else { throw TUFError(.tooLarge, "the target name \"\(text.prefix(40))…\" is too long") }
        let isSafe = components.allSatisfy { component in
            !component.isEmpty && !component.elementsEqual(".".utf8) && !component.elementsEqual("..".utf8)
        }
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        guard isSafe, isPlain else {
            throw TUFError(
                .value, "the target name \"\(text.prefix(80))\" is not a plain relative path",
                hint: "use names separated by single slashes, without '.', '..', backslashes and control characters")
        }
        self.text = text
    }

    package var components: [String] { text.utf8.split(separator: UInt8(ascii: "/")).map { String($0) ?? "" } }

    /// The path below the targets URL, each component percent-encoded; with a hash the last one is prefixed.
    /// [TUF §5.7.3]
    package func path(hashPrefix: String? = nil) -> String {
        var components = components.map(PercentEncoding.encode)
        if let hashPrefix, let last = components.popLast() { components.append("\(hashPrefix).\(last)") }
        return components.joined(separator: "/")
    }
}
