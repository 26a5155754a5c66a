import Codecs
import Yams

/// The one document of a text that is JSON where it begins with a brace, and YAML otherwise.
func document(_ text: String, name: String) throws -> JSON {
    if text.drop(while: \.isWhitespace).first == "{" { return try JSON(parsing: Array(text.utf8)) }
    let documents = try YAMLDocuments(text, name: name).documents
    guard let first = documents.first, documents.count == 1 else {
        throw RemoteError(.file, "\(name) holds \(documents.count) documents, and is to hold one")
    }
    return first.tree
}

/// The documents of a YAML text as JSON trees, read strictly, each with the line that it begins at.
///
/// Of YAML it takes mappings, lists and scalars. Tags and aliases are refused, a key that stands twice too: none has a
/// use here, and each has misled people or filled their memory.
struct YAMLDocuments {
    static let maximumBytes = 4 << 20
    static let maximumNodes = 100_000
    static let maximumDepth = 32

    let documents: [(line: Int, tree: JSON)]

    /// - Parameter name: the file, for error messages.
    init(_ text: String, name: String) throws {
        guard text.utf8.count <= Self.maximumBytes else {
            throw RemoteError(.file, "\(name) is larger than \(Self.maximumBytes) bytes")
        }
        var reader = Reader(name: name)
        var found: [(line: Int, tree: JSON)] = []
        do {
            var nodes = try Yams.compose_all(yaml: text)
            while let node = nodes.next() {
                if case .scalar(let scalar) = node, scalar.style == .any || scalar.style == .plain,
                    scalar.string.isEmpty
                {
                    continue
                }
                found.append((node.mark?.line ?? 1, try reader.tree(node, depth: 0)))
            }
            if let error = nodes.error { throw error }
        } catch let error as YamlError {
            throw RemoteError(.file, "\(name) is not YAML: \(error)")
        }
        documents = found
    }

    private struct Reader {
        let name: String
        var nodes = 0
        /// Where the node before stands. One that stands before it was put here by an alias.
        var last = (line: 0, column: 0)

        mutating func tree(_ node: Node, depth: Int) throws -> JSON {
            try count(node, depth)
            switch node {
            case .scalar(let scalar): return try value(scalar)
            case .sequence(let sequence):
                try check(sequence.tag, node)
                var values: [JSON] = []
                for child in sequence { values.append(try tree(child, depth: depth + 1)) }
                return .array(values)
            case .mapping(let mapping):
                try check(mapping.tag, node)
                var object = JSONObject()
                for (key, child) in mapping {
                    try count(key, depth)
                    guard case .scalar(let name) = key else { throw refused("a key that is no text", key) }
                    guard object[name.string] == nil else { throw refused("the key \"\(name.string)\" twice", key) }
                    object[name.string] = try tree(child, depth: depth + 1)
                }
                return .object(object)
            case .alias: throw refused("an alias", node)
            }
        }

        private mutating func count(_ node: Node, _ depth: Int) throws {
            nodes += 1
            guard nodes <= YAMLDocuments.maximumNodes else {
                throw RemoteError(.file, "\(name) has more than \(YAMLDocuments.maximumNodes) values")
            }
            guard depth <= YAMLDocuments.maximumDepth else {
                throw refused("a value nested deeper than \(YAMLDocuments.maximumDepth)", node)
            }
            guard let mark = node.mark else { return }
            guard (mark.line, mark.column) >= last else {
                throw refused("an alias of what stands in line \(mark.line)", line: last.line)
            }
            last = (mark.line, mark.column)
        }

        /// Plain words mean true, false and numbers; what is quoted is text.
        private func value(_ scalar: Node.Scalar) throws -> JSON {
            try check(scalar.tag, .scalar(scalar))
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            switch scalar.string {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "", "~", "null": throw refused("nothing where a value belongs", .scalar(scalar))
            case let text:
                guard let number = Int64(text), String(number) == text else { return .string(text) }
                return .integer(number)
            }
        }

        private func check(_ tag: Tag, _ node: Node) throws {
            // Text in quotes comes with the tag of text.
            guard tag == Tag.implicit || (node.scalar.map { $0.style != .plain } ?? false) && tag == Tag(.str) else {
                throw refused("a tag", node)
            }
        }

        private func refused(_ what: String, _ node: Node) -> RemoteError {
            refused(what, line: node.mark?.line ?? 1)
        }

        private func refused(_ what: String, line: Int) -> RemoteError {
            RemoteError(.file, "\(name):\(line): \(what)", hint: "write it out, plainly; text may be quoted")
        }
    }
}
