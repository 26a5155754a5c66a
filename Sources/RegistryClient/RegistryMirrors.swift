import Codecs
import Files
import OCI

/// Other places that hold what a registry holds: `{"mirrors":{"registry.example.com":["mirror.example.com/prefix"]}}`.
///
/// They are asked first, and only for what is named by its digest.
package struct RegistryMirrors: Sendable {
    struct Mirror: Sendable, Equatable {
        let host: String
        /// What stands before the repository's name there, with its slash.
        let prefix: String

        init(_ text: String) throws(RegistryError) {
            host = String(text.prefix { $0 != "/" })
            let path = text.dropFirst(host.count).dropFirst()
            guard Reference.isRegistry(host), path.isEmpty ? text == host : Reference.isRepository(String(path)) else {
                throw RegistryError(
                    .configuration, "\"\(text.prefix(160))\" is not a mirror",
                    hint: "a mirror reads like mirror.example.com or mirror.example.com:5000/prefix")
            }
            prefix = path.isEmpty ? "" : "\(path)/"
        }
    }

    private let mirrors: [String: [Mirror]]

    package static let none = RegistryMirrors(mirrors: [:])
    private static let maximumBytes = 1 << 20
    private static let maximumMirrors = 8

    private init(mirrors: [String: [Mirror]]) { self.mirrors = mirrors }

    /// - Throws: `RegistryError(.configuration)` for a file that cannot be read, or has anything else in it.
    package init(file: String) throws(RegistryError) {
        do {
            let object = try JSON(parsing: try Files.read(file, limit: Self.maximumBytes)).object(file)
            if let name = object.names.first(where: { $0 != "mirrors" }) {
                throw RegistryError(.configuration, "\"\(name.prefix(80))\" is not known; only \"mirrors\" is")
            }
            var mirrors: [String: [Mirror]] = [:]
            for (name, value) in try object.object("mirrors", in: file).members {
                guard Reference.isRegistry(name) else {
                    throw RegistryError(.configuration, "\"\(name.prefix(80))\" is not a registry")
                }
                let texts = try value.array("\(file).mirrors.\(name)")
                guard texts.count <= Self.maximumMirrors else {
                    throw RegistryError(.configuration, "\(name) has more than \(Self.maximumMirrors) mirrors")
                }
                mirrors[name] = try texts.map { try Mirror(try $0.string("\(file).mirrors.\(name)")) }
            }
            self.mirrors = mirrors
        } catch {
            throw RegistryError(.configuration, "the registries in \(file) cannot be used: \(error)")
        }
    }

    func of(_ registry: String) -> [Mirror] { mirrors[registry] ?? [] }
}
