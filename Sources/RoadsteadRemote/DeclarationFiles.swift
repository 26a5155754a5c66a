import Codecs
import Declarations
import Files

/// The declarations of files and directories.
enum DeclarationFiles {
    static let maximumFiles = 1_000
    /// Largest certificate that a document may refer to.
    private static let largestCertificate = 256 << 10

    static func read(_ paths: [String]) throws -> [Declaration] {
        let files = try paths.flatMap { try Self.files($0) }
        guard !files.isEmpty else {
            throw RemoteError(.file, "there is no .yaml, .yml or .json file in \(paths.joined(separator: ", "))")
        }
        guard files.count <= maximumFiles else {
            throw RemoteError(.file, "\(files.count) files are more than the \(maximumFiles) read at once")
        }
        return try files.flatMap(declarations)
    }

    /// The files of a directory and those below it, in the order of their names; hidden ones stay out.
    private static func files(_ path: String) throws -> [String] {
        guard path != "-", let names = try? Files.list(path) else { return [path] }
        return try names.sorted().filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
            let inner = "\(path)/\(name)"
            if (try? Files.list(inner)) != nil { return try files(inner) }
            return [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) } ? [inner] : []
        }
    }

    private static func declarations(_ path: String) throws -> [Declaration] {
        let text = try readText(path, limit: YAMLDocuments.maximumBytes)
        return try YAMLDocuments(text, name: path).documents.map { document in
            let place = "\(path):\(document.line)"
            return try Declaration(try withCertificate(document.tree, of: path, place), place: place)
        }
    }

    /// An anchor may name a file beside its own instead of holding the certificate.
    private static func withCertificate(_ tree: JSON, of path: String, _ place: String) throws -> JSON {
        guard case .object(let object) = tree, object["kind"] == "Anchor", let file = object["file"] else {
            return tree
        }
        let name = try file.string("\(place): Anchor.file")
        guard object["certificate"] == nil, !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            throw RemoteError(
                .file, "\(place): the anchor's certificate is not to be had from \"\(name.prefix(100))\"",
                hint: "a file in the same directory or below it, or `certificate` with PEM, not both")
        }
        let folder = path == "-" ? "." : Files.parent(of: path)
        let certificate = try readText("\(folder.isEmpty ? "." : folder)/\(name)", limit: largestCertificate)
        let others = object.members.filter { $0.name != "file" }.map { ($0.name, $0.value) }
        return .object(JSONObject(others + [("certificate", .string(certificate))]))
    }
}
