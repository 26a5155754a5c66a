import Files
import Glibc
import Subprocess
import SystemPackage

/// The files of a private PostgreSQL below one state directory: `data`, `postgres.log`, `lock`.
struct Cluster: Sendable {
    let configuration: PrivatePostgres.Configuration
    let account: ServiceAccount
    let socket: SocketDirectory

    var data: String { configuration.stateDirectory + "/data" }
    var log: String { configuration.stateDirectory + "/postgres.log" }
    var lock: String { configuration.stateDirectory + "/lock" }

    init(_ configuration: PrivatePostgres.Configuration) throws {
        self.configuration = configuration
        account = try ServiceAccount.choose()
        socket = try SocketDirectory(for: configuration.stateDirectory, account)
    }

    /// Makes the state directory for the service's user alone.
    func prepareDirectories() throws {
        let state = configuration.stateDirectory
        guard state.hasPrefix("/") else {
            throw PrivatePostgresError(.system, "the state directory \(state) is not an absolute path")
        }
        try account.requireReach(state)
        if !Files.exists(state) {
            try Files.createDirectory(Files.parent(of: state))
            try Files.createDirectory(state, mode: 0o700)
            try account.takeOver(state)
        }
        try account.requireReach(state)
        let status = try Files.status(state, links: .followed)
        guard status.owner == account.userID, status.mode & 0o022 == 0 else {
            throw PrivatePostgresError(
                .exposed, "the state directory \(state) does not belong to the user \(account.name) alone",
                hint: "chown \(account.name) \(state) && chmod 700 \(state)")
        }
        try socket.prepare(account)
    }

    /// The programs that fit the data, which is made first when there is none.
    func initialised() async throws -> PostgresPrograms {
        if let bytes = try? Files.read(data + "/PG_VERSION", limit: 64) {
            return try PostgresPrograms.find(version: Int(String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)))
        }
        let programs = try PostgresPrograms.find(version: nil)
        try await initialise(with: programs)
        return programs
    }

    /// initdb works beside the final place, so that a killed one leaves nothing half-made under it.
    private func initialise(with programs: PostgresPrograms) async throws {
        let fresh = configuration.stateDirectory + "/data.new"
        try Files.removeTree(fresh)
        var arguments = [
            "-D", fresh, "-U", PrivatePostgres.superuser, "--auth=peer", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-instructions",
        ]
        if configuration.durability == .none { arguments.append("--no-sync") }
        let done = try await Subprocess.run(
            .path(FilePath(executable(programs.initdb))), arguments: self.arguments(programs.initdb, arguments),
            environment: environment,
            workingDirectory: "/", platformOptions: options(), output: .discarded, error: .string(limit: 65_536))
        guard done.terminationStatus.isSuccess else {
            throw PrivatePostgresError(
                .initialise, "initdb failed below \(configuration.stateDirectory)",
                hint: Self.lastLine(done.standardError))
        }
        try Files.rename(fresh, to: data)
    }

    private static func lastLine(_ text: String?) -> String? {
        guard let line = (text ?? "").split(separator: "\n").last else { return nil }
        return String(line)
    }

    /// Lets the caller's user be the superuser and the roles given, and nobody else anything.
    func writeAuthentication() throws {
        let caller = try ServiceAccount.callerName()
        let roles = [PrivatePostgres.superuser] + configuration.roles
        let map = roles.map { "roadstead \"\(caller)\" \"\($0)\"\n" }.joined()
        for (name, text) in [("pg_hba.conf", "local all all peer map=roadstead\n"), ("pg_ident.conf", map)] {
            try Files.write(Array(text.utf8), to: "\(data)/\(name)", mode: 0o600)
            try account.takeOver("\(data)/\(name)")
        }
    }

    var serverArguments: [String] {
        var settings = [
            "listen_addresses=", "unix_socket_directories=\(socket.path)", "unix_socket_permissions=0700",
            "max_connections=\(configuration.maxConnections)", "log_min_messages=warning", "timezone=UTC",
            "log_timezone=UTC",
        ]
        if configuration.durability == .none {
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
        }
        return ["-D", data] + settings.flatMap { ["-c", $0] }
    }

    var environment: Environment { .custom(["LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"]) }

    /// A session of its own, so that Ctrl-C reaches the program first, which then ends the server.
    /// What is executed: the program, or setpriv when it must run as another user.
    ///
    /// A child that changes its own user between fork and exec can hang for ever: the C library then waits for threads
    /// of the parent that the child does not have.
    func executable(_ program: String) -> String { account.isOther ? "/usr/bin/setpriv" : program }

    func arguments(_ program: String, _ arguments: [String]) -> Arguments {
        guard account.isOther else { return Arguments(arguments) }
        let drop = ["--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", "--", program]
        return Arguments(drop + arguments)
    }

    func options() -> PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .interrupt, allowedDurationToNextStep: .seconds(10)),
            .send(signal: .quit, allowedDurationToNextStep: .seconds(5)),
        ]
        return options
    }
}
