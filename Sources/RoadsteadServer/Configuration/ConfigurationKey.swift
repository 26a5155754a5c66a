/// What can be configured. The same word is the flag (`--listen-port`), the environment (`ROADSTEAD_LISTEN_PORT`) and the file's key (`listen.port`).
enum ConfigurationKey: String, CaseIterable, Sendable {
    case listenHost = "listen.host"
    case listenPort = "listen.port"
    case publicURL = "public.url"
    case tlsCertificate = "tls.certificate"
    case tlsKey = "tls.key"
    case trustedProxy = "trusted.proxy"
    case databaseHost = "database.host"
    case databasePort = "database.port"
    case databaseName = "database.name"
    case databaseTLS = "database.tls"
    case databaseRootCertificate = "database.root.certificate"
    case databasePasswords = "database.passwords"
    case databaseConnections = "database.connections"
    case stateDirectory = "state.directory"
    case masterKey = "master.key"
    case logLevel = "log.level"
    case cacheMegabytes = "cache.megabytes"
    case shutdownSeconds = "shutdown.seconds"

    /// One line for people.
    var summary: String {
        switch self {
        case .listenHost: "address to listen on"
        case .listenPort: "port to listen on; 0 takes a free one"
        case .publicURL: "address by which hosts reach the server, as join strings carry it"
        case .tlsCertificate: "PEM file with the certificate chain"
        case .tlsKey: "PEM file with its key, mode 0600"
        case .trustedProxy: "addresses of proxies that terminate TLS, separated by commas"
        case .databaseHost: "host, or directory of the socket"
        case .databasePort: "port of PostgreSQL"
        case .databaseName: "name of the database"
        case .databaseTLS: "disable, require or verify-full"
        case .databaseRootCertificate: "PEM file for verify-full"
        case .databasePasswords: "0600 file with lines ROLE:PASSWORD"
        case .databaseConnections: "most connections of the API's pool"
        case .stateDirectory: "directory for published files and the bootstrap token"
        case .masterKey: "0600 file with the master key; the systemd credential roadstead-master-key unless said"
        case .logLevel: "trace, debug, info, notice, warning, error"
        case .cacheMegabytes: "memory for published files"
        case .shutdownSeconds: "how long requests may take to end at shutdown"
        }
    }
}
