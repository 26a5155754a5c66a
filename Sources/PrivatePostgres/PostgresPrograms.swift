import Files
import Glibc

/// The directory that holds `initdb` and `postgres` of one major version.
struct PostgresPrograms: Sendable {
    static let oldestVersion = 15

    let directory: String
    let version: Int

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// The newest version installed, or the one that a data directory was made by.
    static func find(version wanted: Int?) throws -> PostgresPrograms {
        let found = candidates().filter { $0.version >= oldestVersion }
        if let wanted {
            guard let fitting = found.first(where: { $0.version == wanted }) else {
                throw PrivatePostgresError(
                    .notInstalled, "the database was made by PostgreSQL \(wanted), which is not installed",
                    hint: "apt-get install postgresql-\(wanted), or move the data with pg_dump")
            }
            return fitting
        }
        guard let newest = found.max(by: { $0.version < $1.version }) else {
            throw PrivatePostgresError(
                .notInstalled, "no PostgreSQL \(oldestVersion) or later was found in /usr/lib/postgresql or PATH",
                hint: "apt-get install postgresql, or give the URL of a running database")
        }
        return newest
    }

    private static func candidates() -> [PostgresPrograms] {
        let packaged = ((try? Files.list("/usr/lib/postgresql")) ?? []).compactMap { name in
            Int(name).flatMap { usable("/usr/lib/postgresql/\(name)/bin", version: $0) }
        }
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let others = path.split(separator: ":").compactMap { directory in
            declaredVersion(beside: String(directory)).flatMap { usable(String(directory), version: $0) }
        }
        return packaged + others
    }

    private static func usable(_ directory: String, version: Int) -> PostgresPrograms? {
        let programs = PostgresPrograms(directory: directory, version: version)
        let isComplete = isExecutable(programs.initdb) && isExecutable(programs.postgres)
        return isComplete ? programs : nil
    }

    private static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    /// A distribution without a directory per version names it in the header or nowhere: the share directory tells.
    private static func declaredVersion(beside directory: String) -> Int? {
        guard isExecutable(directory + "/initdb") else { return nil }
        let prefix = Files.parent(of: directory)
        let places = ["/share/postgresql", "/share"].map { prefix + $0 + "/postgres.bki" }
        for place in places {
            guard let bytes = try? Files.read(place, limit: 16 << 20) else { continue }
            let line = String(decoding: bytes.prefix(64).prefix { $0 != 10 }, as: UTF8.self)
            if let word = line.split(separator: " ").last, let version = Int(word) { return version }
        }
        return nil
    }
}
