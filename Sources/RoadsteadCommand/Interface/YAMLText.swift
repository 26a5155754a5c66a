package import Codecs

/// A JSON tree as YAML in block form, which strict readers of YAML read back to the same tree.
package enum YAMLText {
    /// Several documents, with marks between them.
    package static func documents(_ trees: [JSON]) -> String { trees.map { "---\n" + text($0) }.joined() }

    package static func text(_ tree: JSON) -> String { lines(tree).joined(separator: "\n") + "\n" }

    private static func lines(_ tree: JSON) -> [String] {
        switch tree {
        case .object(let object) where !object.isEmpty: object.members.flatMap { member(name($0.name), $0.value) }
        case .array(let values) where !values.isEmpty: values.flatMap(item)
        default: [scalar(tree)]
        }
    }

    private static func member(_ name: String, _ value: JSON) -> [String] {
        if let block = block(value) { return ["\(name): |"] + block.map { "  " + $0 } }
        return isCollection(value) ? ["\(name):"] + lines(value).map { "  " + $0 } : ["\(name): \(scalar(value))"]
    }

    private static func item(_ value: JSON) -> [String] {
        guard isCollection(value) else { return ["- \(scalar(value))"] }
        let inner = lines(value)
        return ["- " + inner[0]] + inner.dropFirst().map { "  " + $0 }
    }

    private static func isCollection(_ value: JSON) -> Bool {
        switch value {
        case .object(let object): !object.isEmpty
        case .array(let values): !values.isEmpty
        default: false
        }
    }

    /// The lines of a text of several, such as a certificate; nil for one that a block would not give back exactly.
    private static func block(_ value: JSON) -> [String]? {
        guard case .string(let text) = value, text.hasSuffix("\n"), !text.hasSuffix("\n\n") else { return nil }
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let isPlain = lines.allSatisfy { line in
            !line.isEmpty && line.utf8.first != UInt8(ascii: " ") && line.utf8.last != UInt8(ascii: " ")
                && line.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        }
        return isPlain ? lines : nil
    }

    private static func scalar(_ value: JSON) -> String {
        guard case .string(let text) = value else { return value.text }
        return name(text)
    }

    /// Without quotes where nothing could be misread.
    private static func name(_ text: String) -> String {
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let first = text.utf8.first.map { isLetter($0) } ?? false
        let isPlain =
            first && !words.contains(text.lowercased())
            && text.utf8.allSatisfy { byte in
                isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "._/@-".utf8.contains(byte)
            }
        // Readers drop a mark of byte order, and fold these ends of lines, unless they are written as escapes.
        return isPlain
            ? text
            : JSON.string(text).text.unicodeScalars.map { escapes[$0] ?? String($0) }.joined()
    }

    private static let escapes: [Unicode.Scalar: String] = [
        "\u{FEFF}": "\\uFEFF", "\u{85}": "\\u0085", "\u{2028}": "\\u2028", "\u{2029}": "\\u2029",
    ]

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
