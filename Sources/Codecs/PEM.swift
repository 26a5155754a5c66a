/// One PEM block: a label and the bytes it wraps. [RFC 7468]
package struct PEMBlock: Sendable, Hashable {
    package let label: String
    package let bytes: [UInt8]

    package init(label: String, bytes: [UInt8]) {
        self.label = label
        self.bytes = bytes
    }

    /// The block as text with lines of 64 characters and a final newline.
    package var text: String {
        var lines = ["-----BEGIN \(label)-----"]
        var rest = Base64.encode(bytes)[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(64)))
            rest = rest.dropFirst(64)
        }
        lines.append("-----END \(label)-----")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Strict textual encodings: blocks one after the other, only blank lines between them, nothing else anywhere.
package enum PEM {
    /// More blocks than any chain or bundle holds.
    package static let maximumBlocks = 2_048

    package static func decode(_ text: [UInt8], maximumBytes: Int = 8 << 20) throws(CodecError) -> [PEMBlock] {
        guard text.count <= maximumBytes else {
            throw CodecError(.limit, "PEM text has \(text.count) bytes, at most \(maximumBytes) are read")
        }
        var blocks: [PEMBlock] = []
        var open: (label: String, body: [UInt8])?
        var number = 0
        for slice in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let line = trimmed(slice)
            if let current = open {
                if let label = label(of: line, "END") {
                    guard label == current.label else {
                        throw CodecError(
                            .syntax, "PEM line \(number) ends \"\(label)\" inside a block \"\(current.label)\"")
                    }
                    blocks.append(PEMBlock(label: label, bytes: try Base64.decode(current.body)))
                    open = nil
                } else {
                    guard line.first != UInt8(ascii: "-"), !line.isEmpty else {
                        throw CodecError(.syntax, "PEM line \(number) is neither base64 nor the end of the block")
                    }
                    open?.body.append(contentsOf: line)
                }
            } else if let label = label(of: line, "BEGIN") {
                guard blocks.count < maximumBlocks else {
                    throw CodecError(.limit, "PEM text holds more than \(maximumBlocks) blocks")
                }
                open = (label, [])
            } else if !line.isEmpty {
                throw CodecError(
                    .syntax, "PEM line \(number) stands outside of any block",
                    hint: "remove everything around the -----BEGIN …----- and -----END …----- lines")
            }
        }
        guard open == nil else { throw CodecError(.syntax, "PEM text ends inside a block") }
        return blocks
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last == 0x0D || last == 0x20 || last == 0x09 { line.removeLast() }
        return line
    }

    private static func label(of line: ArraySlice<UInt8>, _ word: String) -> String? {
        let opening = Array("-----\(word) ".utf8)
        let closing = Array("-----".utf8)
        guard line.starts(with: opening), line.suffix(5).elementsEqual(closing),
            line.count > opening.count + closing.count
        else { return nil }
        let label = line.dropFirst(opening.count).dropLast(closing.count)
        guard label.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "-") }) else { return nil }
        return String(decoding: label, as: UTF8.self)
    }
}
