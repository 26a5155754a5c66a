import Codecs
import Files

/// What proves to a registry who is asking.
enum RegistryCredential: Sendable, Equatable {
    /// Name and password, base64 as in `Basic`.
    case password(String)
    /// Shown to the token service only. [Docker's identity token, an OAuth 2 refresh token]
    case identity(String)
    /// Shown to the registry itself.
    case bearer(String)

    var basic: String? { if case .password(let text) = self { "Basic \(text)" } else { nil } }
}

/// Names, passwords and tokens by registry, as Docker's configuration file keeps them, or names the programs that do.
///
/// Neither prints what it holds.
package struct RegistryCredentials: Sendable {
    private let stored: [String: RegistryCredential]
    /// The helper's name, by registry.
    private let helpers: [String: String]
    /// The helper for every other registry.
    private let store: String?
    private let search: CredentialHelper.Search

    package static let none = RegistryCredentials()
    private static let maximumBytes = 1 << 20

    private init() {
        (stored, helpers, store, search) = ([:], [:], nil, .environment)
    }

    /// Reads `auths`, `credHelpers` and `credsStore`.
    ///
    /// - Throws: `RegistryError(.credentials)` for a file that cannot be read; without one there are none.
    package init(file: String) throws(RegistryError) { try self.init(file: file, search: .environment) }

    init(file: String, search: CredentialHelper.Search) throws(RegistryError) {
        guard Files.exists(file) else {
            self = .none
            return
        }
        do {
            let object = try JSON(parsing: try Files.read(file, limit: Self.maximumBytes)).object(file)
            stored = try Self.stored(in: object, file)
            var helpers: [String: String] = [:]
            for (name, value) in try object["credHelpers"]?.object("\(file).credHelpers").members ?? [] {
                helpers[Self.registry(name)] = try CredentialHelper.checked(value.stringOrNil)
            }
            self.helpers = helpers
            // An empty name is how some programs write that there is none.
            let store = try object["credsStore"]?.string("\(file).credsStore")
            self.store = store == "" ? nil : try store.map(CredentialHelper.checked)
            self.search = search
        } catch {
            throw RegistryError(
                .credentials, "the credentials in \(file) cannot be used: \(error)",
                hint: "sign in anew with docker login, podman login or notation login")
        }
    }

    private static func stored(in object: JSONObject, _ file: String) throws -> [String: RegistryCredential] {
        var stored: [String: RegistryCredential] = [:]
        for (name, entry) in try object["auths"]?.object("\(file).auths").members ?? [] {
            guard let entry = entry.objectOrNil else { continue }
            if let token = entry["registrytoken"]?.stringOrNil, !token.isEmpty {
                stored[registry(name)] = .bearer(try line(token))
            } else if let token = entry["identitytoken"]?.stringOrNil, !token.isEmpty {
                stored[registry(name)] = .identity(try line(token))
            } else if let auth = entry["auth"]?.stringOrNil, !auth.isEmpty {
                _ = try Base64.decode(auth, .standard)
                stored[registry(name)] = .password(auth)
            }
        }
        return stored
    }

    /// What goes into a header is one line of visible characters.
    private static func line(_ token: String) throws(CodecError) -> String {
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CodecError(.value, "a token holds characters that no token has")
        }
        return token
    }

    /// What is known for a registry: from its own helper, else from the file, else from the helper for all.
    func credential(for host: String) async throws -> RegistryCredential? {
        let isHub = ["registry-1.docker.io", "index.docker.io", RegistryAddress.dockerHub].contains(host)
        let names = isHub ? ["index.docker.io", RegistryAddress.dockerHub, host] : [host]
        let server = isHub ? "https://index.docker.io/v1/" : host
        if let helper = names.lazy.compactMap({ helpers[$0] }).first {
            return try await CredentialHelper(name: helper, search: search).credential(for: server)
        }
        if let credential = names.lazy.compactMap({ stored[$0] }).first { return credential }
        guard let store else { return nil }
        return try await CredentialHelper(name: store, search: search).credential(for: server)
    }

    /// Old files have addresses where newer ones have names.
    private static func registry(_ name: String) -> String {
        let bare = name.hasPrefix("https://") ? String(name.dropFirst("https://".count)) : name
        return String(bare.prefix { $0 != "/" })
    }
}

extension RegistryCredentials: CustomStringConvertible, CustomReflectable {
    package var description: String { "(credentials)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
