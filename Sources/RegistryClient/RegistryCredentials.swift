import Codecs
import Files

/// Names and passwords by registry, as Docker's configuration file keeps them.
///
/// Programs that the file names as credential helpers are not run.
package struct RegistryCredentials: Sendable {
    /// The text after `Basic `, by registry.
    private let basic: [String: String]

    package static let none = RegistryCredentials(basic: [:])
    private static let maximumBytes = 1 << 20

    private init(basic: [String: String]) { self.basic = basic }

    /// - Throws: `RegistryError(.credentials)` for a file that cannot be read; without one there are none.
    package init(file: String) throws(RegistryError) {
        guard Files.exists(file) else {
            self = .none
            return
        }
        do {
            let bytes = try Files.read(file, limit: Self.maximumBytes)
            let entries = try JSON(parsing: bytes).object(file)["auths"]?.object("\(file).auths").members ?? []
            var basic: [String: String] = [:]
            for (name, entry) in entries {
                guard let auth = entry.objectOrNil?["auth"]?.stringOrNil, !auth.isEmpty else { continue }
                _ = try Base64.decode(auth, .standard)
                basic[Self.registry(name)] = auth
            }
            self.basic = basic
        } catch {
            throw RegistryError(
                .credentials, "the credentials in \(file) cannot be used: \(error)",
                hint: "sign in anew with docker login, podman login or notation login")
        }
    }

    func header(for registry: String) -> String? { basic[registry].map { "Basic \($0)" } }

    /// Old files have addresses where newer ones have names.
    private static func registry(_ name: String) -> String {
        let bare = name.hasPrefix("https://") ? String(name.dropFirst("https://".count)) : name
        return String(bare.prefix { $0 != "/" })
    }
}
