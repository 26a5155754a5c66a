import Codecs
import Files

/// A configuration file as dotted keys and texts: JSON, or the plain part of YAML.
///
/// Of YAML it takes nested mappings, scalars and lists of scalars in block form, with comments; tabs, anchors, tags, flow
/// collections and several documents are refused, since their surprises have no place in a server's settings.
struct ConfigurationFile {
    private(set) var values: [(key: String, value: String)] = []

    static let largestFile = 256 * 1024

    init(path: String) throws {
        let bytes = try Files.read(path, limit: Self.largestFile)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ServerError(.configuration, "\(path) is not UTF-8 text")
        }
        if text.first(where: { !$0.isWhitespace }) == "{" {
            try readJSON(try JSON(parsing: bytes), "", path)
        } else {
            try readYAML(text, path)
        }
    }

    private mutating func readJSON(_ tree: JSON, _ prefix: String, _ path: String) throws {
        switch tree {
        case .object(let object):
            for (name, value) in object.members {
                try readJSON(value, prefix.isEmpty ? name : "\(prefix).\(name)", path)
            }
        case .array(let items):
            values.append((prefix, try items.map { try Self.scalar($0, prefix, path) }.joined(separator: ",")))
        default: values.append((prefix, try Self.scalar(tree, prefix, path)))
        }
    }

    private static func scalar(_ tree: JSON, _ key: String, _ path: String) throws -> String {
        switch tree {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .bool(let value): return String(value)
        default: throw ServerError(.configuration, "\(path): \(key) is \(tree.kind), which no setting takes")
        }
    }

    // MARK: YAML

    private mutating func readYAML(_ text: String, _ path: String) throws {
        var parents: [(indent: Int, key: String)] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = Self.withoutComment(line)
            let indent = content.prefix { $0 == " " }.count
            let body = content.dropFirst(indent)
            guard !body.isEmpty else { continue }
            func refuse(_ why: String) -> ServerError {
                ServerError(
                    .configuration, "\(path), line \(number + 1): \(why)",
                    hint: "only nested mappings, scalars and lists with \"- \" are read")
            }
            if body.contains("\t") { throw refuse("a tab") }
            if body.hasPrefix("---") || body.hasPrefix("...") || body.hasPrefix("%") { throw refuse("a document mark") }
            let isItem = body.hasPrefix("- ")
            while let last = parents.last, isItem ? last.indent > indent : last.indent >= indent {
                parents.removeLast()
            }
            if isItem {
                guard !parents.isEmpty else { throw refuse("a list without a key") }
                let item = try Self.plain(body.dropFirst(2), refuse)
                let key = parents.map(\.key).joined(separator: ".")
                if let last = values.last, last.key == key {
                    values[values.count - 1].value = "\(last.value),\(item)"
                } else {
                    values.append((key, item))
                }
                continue
            }
            guard let colon = body.firstIndex(of: ":") else { throw refuse("neither \"key: value\" nor a list item") }
            let (key, rest) = (String(body[..<colon]), body[body.index(after: colon)...])
            guard !key.isEmpty, key.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == "." })
            else { throw refuse("\"\(key.prefix(40))\" is no key") }
            guard rest.isEmpty || rest.hasPrefix(" ") else { throw refuse("no blank after the colon") }
            let value = rest.drop { $0 == " " }
            if value.isEmpty {
                parents.append((indent, key))
            } else {
                values.append(((parents.map(\.key) + [key]).joined(separator: "."), try Self.plain(value, refuse)))
            }
        }
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        var quote: Character?
        var previous: Character = " "
        var end = line.endIndex
        for index in line.indices {
            let character = line[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "#", previous == " " {
                end = index
                break
            } else if character == "\"" || character == "'" {
                quote = previous == " " ? character : nil
            }
            previous = character
        }
        var content = line[..<end]
        while let last = content.last, last == " " || last == "\r" { content.removeLast() }
        return content
    }

    private static func plain(_ text: Substring, _ refuse: (String) -> ServerError) throws -> String {
        guard let first = text.first else { return "" }
        if first == "\"" || first == "'" {
            let inner = text.dropFirst().dropLast()
            guard text.count >= 2, text.last == first, !inner.contains(first), !inner.contains("\\") else {
                throw refuse("a quoted text with an escape or without its end")
            }
            return String(inner)
        }
        guard !"[]{}&*!|>%@`,?".contains(first) else { throw refuse("a value that begins with \(first)") }
        return String(text)
    }
}
