/// Where a database is, who connects, and how long anything may take.
package struct ConnectionSettings: Sendable {
    package enum Host: Sendable, Hashable {
        /// The directory of the server's Unix socket; its path and the socket's name fit 107 bytes.
        case socketDirectory(String)
        /// A name or address, or several with commas: libpq tries them in turn.
        case name(String)
    }

    /// How a TCP connection is protected; a Unix socket needs nothing.
    package enum TLSMode: Sendable, Hashable {
        case disabled
        /// Encrypted, but whoever answers is believed.
        case encrypted
        /// Encrypted, and the server's certificate and name are checked, against the system's roots without a file.
        case verified(rootCertificateFile: String?)
    }

    package var host: Host
    package var port: UInt16
    package var database: String
    package var user: String
    package var password: DatabasePassword?
    package var tls: TLSMode
    package var applicationName: String
    package var connectDeadline: Duration
    /// The server ends a statement at this age by itself; when it does not, the connection is dropped 250 ms later.
    package var statementDeadline: Duration
    /// Session parameters given with the connection, such as `lock_timeout`.
    package var options: [String: String]
    /// Refuses servers that are read-only, so that several hosts find the one that leads.
    package var requiresWritable: Bool

    package init(
        host: Host, port: UInt16 = 5432, database: String, user: String, password: DatabasePassword? = nil,
        tls: TLSMode = .verified(rootCertificateFile: nil), applicationName: String = "roadstead",
        connectDeadline: Duration = .seconds(5), statementDeadline: Duration = .seconds(10),
        options: [String: String] = [:], requiresWritable: Bool = false
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
        self.tls = tls
        self.applicationName = applicationName
        self.connectDeadline = connectDeadline
        self.statementDeadline = statementDeadline
        self.options = options
        self.requiresWritable = requiresWritable
    }

    /// What a person may see: no password.
    package var summary: String {
        switch host {
        case .socketDirectory(let path): "\(user)@\(path):\(port)/\(database)"
        case .name(let name): "\(user)@\(name):\(port)/\(database)"
        }
    }

    static let grace = Duration.milliseconds(250)

    /// The keywords and values for libpq.
    func parameters() throws(PostgresError) -> [(String, String)] {
        var result = [
            ("dbname", database), ("user", user), ("port", String(port)), ("application_name", applicationName),
            ("client_encoding", "UTF8"), ("gssencmode", "disable"), ("options", sessionOptions),
        ]
        switch host {
        case .socketDirectory(let path):
            guard path.hasPrefix("/") else {
                throw PostgresError(.settings, "the socket directory \"\(path)\" is not an absolute path")
            }
            let bytes = path.utf8.count + "/.s.PGSQL.\(port)".utf8.count
            guard bytes <= 107 else {
                throw PostgresError(
                    .settings, "the socket below \"\(path)\" has a path of \(bytes) bytes, more than the 107 that fit",
                    hint: "use a shorter directory")
            }
            result += [("host", path), ("sslmode", "disable")]
        case .name(let name):
            guard !name.isEmpty, !name.hasPrefix("/") else {
                throw PostgresError(.settings, "the host \"\(name)\" is not a name or address")
            }
            result += [("host", name)] + tlsParameters
        }
        if let password { result.append(("password", password.text)) }
        if requiresWritable { result.append(("target_session_attrs", "read-write")) }
        guard !result.contains(where: { $0.1.utf8.contains(0) }) else {
            throw PostgresError(.settings, "a connection setting contains a NUL byte")
        }
        return result
    }

    private var tlsParameters: [(String, String)] {
        switch tls {
        case .disabled: [("sslmode", "disable")]
        case .encrypted: [("sslmode", "require")]
        case .verified(let file?): [("sslmode", "verify-full"), ("sslrootcert", file)]
        case .verified(nil): [("sslmode", "verify-full"), ("sslrootcert", "/etc/ssl/certs/ca-certificates.crt")]
        }
    }

    private var sessionOptions: String {
        var all = ["TimeZone": "UTC", "idle_in_transaction_session_timeout": "60000"]
        all["statement_timeout"] = String(max(1, statementDeadline.milliseconds))
        all.merge(options) { $1 }
        return all.sorted { $0.key < $1.key }.map { "-c \(Self.escaped("\($0.key)=\($0.value)"))" }
            .joined(separator: " ")
    }

    /// Spaces and backslashes end an option unless a backslash stands before them.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            if character == " " || character == "\\" { result.append("\\") }
            result.append(character)
        }
    }
}

extension Duration {
    /// Whole milliseconds, clamped to what `poll` and PostgreSQL take.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
