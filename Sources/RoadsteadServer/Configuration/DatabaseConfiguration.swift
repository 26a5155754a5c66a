import Files
import PostgresKit

/// Where PostgreSQL is and how the server's roles sign in there.
struct DatabaseConfiguration: Sendable {
    var host: String
    var port: Int
    var name: String
    var tls: String
    var rootCertificate: String?
    /// File with `ROLE:PASSWORD` lines; without it the server signs in as its operating-system user does.
    var passwordFile: String?
    var connections: Int

    init(host: String, port: Int, name: String) {
        (self.host, self.port, self.name) = (host, port, name)
        (tls, rootCertificate, passwordFile, connections) = ("disable", nil, nil, 10)
    }

    init(_ reader: inout SettingReader) {
        host = reader.text(.databaseHost) ?? "/run/postgresql"
        port = reader.number(.databasePort, 1...65_535) ?? 5_432
        name = reader.text(.databaseName) ?? "roadstead"
        let isLocal = host.hasPrefix("/") || host == "localhost" || host.hasPrefix("127.") || host == "::1"
        tls =
            reader.oneOf(.databaseTLS, ["disable", "require", "verify-full"]) ?? (isLocal ? "disable" : "verify-full")
        rootCertificate = reader.text(.databaseRootCertificate)
        passwordFile = reader.text(.databasePasswords)
        connections = reader.number(.databaseConnections, 2...80) ?? 10
        if tls == "disable", !isLocal {
            reader.refuse(.databaseTLS, "the database at \(host) would be spoken to in the clear", "use verify-full")
        }
    }

    var summary: [(ConfigurationKey, String)] {
        [
            (.databaseHost, host), (.databasePort, String(port)), (.databaseName, name), (.databaseTLS, tls),
            (.databaseRootCertificate, rootCertificate ?? "(system)"), (.databasePasswords, passwordFile ?? "(none)"),
            (.databaseConnections, String(connections)),
        ]
    }

    /// The password of each role in the file.
    func passwords() throws -> [String: String] {
        guard let passwordFile else { return [:] }
        let text = String(decoding: try Files.readSecret(passwordFile), as: UTF8.self)
        var passwords: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":") else {
                throw ServerError(.configuration, "\(passwordFile) has a line that is not ROLE:PASSWORD")
            }
            passwords[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return passwords
    }
}
