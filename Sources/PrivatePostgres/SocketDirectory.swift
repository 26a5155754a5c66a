import Files
import Glibc

/// A short directory of its own for the socket, mode 0700: whoever cannot enter it cannot connect.
struct SocketDirectory: Sendable {
    let path: String

    /// The same directory for the same data, so that a server that was left running is found again.
    init(for dataDirectory: String, _ account: ServiceAccount) throws {
        let name = "roadstead-pg-" + Self.fingerprint(dataDirectory)
        path = Self.base(account) + "/" + name
        let bytes = path.utf8.count + "/.s.PGSQL.5432.lock".utf8.count
        guard bytes <= 107 else {
            throw PrivatePostgresError(
                .socketPath, "the socket directory \(path) is too long for a Unix socket", hint: "unset XDG_RUNTIME_DIR"
            )
        }
    }

    /// Makes the directory, or takes it as it is when it is this user's own and closed to others.
    func prepare(_ account: ServiceAccount) throws {
        if unsafe mkdir(path, 0o700) == 0 {
            try account.takeOver(path)
        } else if errno != EEXIST {
            throw PrivatePostgresError(.system, "the socket directory \(path) cannot be made")
        }
        let status = try Files.status(path, links: .refused)
        guard status.kind == .directory, status.owner == account.userID, status.mode & 0o077 == 0 else {
            throw PrivatePostgresError(
                .exposed, "the socket directory \(path) is not a directory of the user \(account.name) alone",
                hint: "remove it")
        }
    }

    /// Removes the directory once no server has its socket there.
    func remove() { _ = unsafe rmdir(path) }

    private static func base(_ account: ServiceAccount) -> String {
        if account.isOther { return "/run" }
        let runtime = unsafe getenv("XDG_RUNTIME_DIR").map { unsafe String(cString: $0) } ?? ""
        guard runtime.hasPrefix("/"), runtime.utf8.count <= 60 else { return "/tmp" }
        return unsafe access(runtime, W_OK | X_OK) == 0 ? runtime : "/tmp"
    }

    /// FNV-1a: a short name for a path, nothing secret.
    private static func fingerprint(_ path: String) -> String {
        let hash = path.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36)
    }
}
