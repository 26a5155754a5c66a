import Codecs
import Files
import Foundation

/// Where a person is signed in. Profiles live in one file of mode 0600 below the user's configuration directory.
struct Profile: Codable, Sendable {
    let server: String
    /// The API token; never printed. Absent where a client certificate is the credential.
    let token: String?
    let certificateAuthority: String?
    var identity: ClientIdentity?

    func client() throws -> APIClient {
        try APIClient(server: server, token: token, certificateAuthority: certificateAuthority, identity: identity)
    }
}

/// The files of a client certificate; their contents stay where they are.
struct ClientIdentity: Codable, Sendable {
    let certificate: String
    let key: String
}

/// The profiles of this user and the roots of fleets whose ceremonies were held here.
struct ProfileStore {
    private struct Contents: Codable {
        var profiles: [String: Profile] = [:]
        var fleets: [String: PinnedRoot] = [:]
        /// By fleet id and role, the newest of each; absent where nothing was signed yet.
        var signed: [String: SignedDraft]?
        /// By server, the last entry of its audit log that was found good from here.
        var audit: [String: AuditMark]?
    }

    /// How far a server's audit log was verified on this machine.
    struct AuditMark: Codable, Sendable {
        let sequence: Int64
        let hash: String
    }

    /// What was signed on this machine.
    struct SignedDraft: Codable, Sendable {
        let version: Int64
        /// Of the exact bytes that were signed.
        let sha256: String
    }

    /// The root of a fleet that was verified on this machine, against which a server's word is held.
    struct PinnedRoot: Codable, Sendable {
        let version: Int64
        let sha256: String
    }

    private let directory: String
    private var path: String { directory + "/profiles.json" }

    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        if let directory = environment["ROADSTEAD_CONFIG_HOME"], !directory.isEmpty {
            self.directory = directory
        } else if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
            directory = base + "/roadstead"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            directory = home + "/.config/roadstead"
        } else {
            throw RemoteError(.file, "there is no home directory for profiles", hint: "set ROADSTEAD_CONFIG_HOME")
        }
    }

    func profile(_ name: String) throws -> Profile {
        guard let profile = try read().profiles[name] else {
            throw RemoteError(
                .notSignedIn, "nobody is signed in under profile \"\(name)\"", hint: "roadstead login --server URL")
        }
        return profile
    }

    func save(_ profile: Profile, as name: String) throws { try change { $0.profiles[name] = profile } }

    func remove(_ name: String) throws { try change { $0.profiles[name] = nil } }

    func pinnedRoot(fleetID: String) throws -> PinnedRoot? { try read().fleets[fleetID] }

    func pin(_ root: PinnedRoot, fleetID: String) throws { try change { $0.fleets[fleetID] = root } }

    func signedDraft(fleetID: String, role: String) throws -> SignedDraft? {
        try read().signed?[Self.place(fleetID, role)]
    }

    func remember(_ draft: SignedDraft, fleetID: String, role: String) throws {
        try change { $0.signed = ($0.signed ?? [:]).merging([Self.place(fleetID, role): draft]) { $1 } }
    }

    func auditMark(of server: String) throws -> AuditMark? { try read().audit?[server] }

    func remember(_ mark: AuditMark, of server: String) throws {
        try change { $0.audit = ($0.audit ?? [:]).merging([server: mark]) { $1 } }
    }

    private static func place(_ fleetID: String, _ role: String) -> String { "\(fleetID)/\(role)" }

    private func read() throws -> Contents {
        guard Files.exists(path) else { return Contents() }
        return try JSON(parsing: try Files.readSecret(path, limit: 1 << 20)).decode(place: path)
    }

    private func change(_ body: (inout Contents) -> Void) throws {
        try Files.createDirectory(directory, mode: 0o700)
        var contents = try read()
        body(&contents)
        try Files.write(Array(try JSON(encoding: contents).prettyText.utf8), to: path, mode: 0o600)
    }
}
