import Migrations
import PostgresKit

/// How each part of the server reaches the database, in its own role.
struct DatabaseAccess: Sendable {
    let settings: @Sendable (DatabaseRole) throws -> ConnectionSettings

    /// Connections of the pools beside the API's.
    static let publisherConnections = 6
    static let hostConnections = 8

    init(_ settings: @escaping @Sendable (DatabaseRole) throws -> ConnectionSettings) { self.settings = settings }

    /// From the configuration; the passwords are read once.
    init(_ configuration: DatabaseConfiguration) throws {
        let passwords = try configuration.passwords()
        self.init { role in Self.settings(configuration, user: role.rawValue, passwords) }
    }

    /// How an operator's own role, which may make roles and databases, reaches the server.
    static func administrator(_ configuration: DatabaseConfiguration, user: String) throws -> ConnectionSettings {
        var settings = settings(configuration, user: user, try configuration.passwords())
        settings.database = "postgres"
        return settings
    }

    private static func settings(
        _ configuration: DatabaseConfiguration, user: String, _ passwords: [String: String]
    ) -> ConnectionSettings {
        let isSocket = configuration.host.hasPrefix("/")
        return ConnectionSettings(
            host: isSocket ? .socketDirectory(configuration.host) : .name(configuration.host),
            port: UInt16(clamping: configuration.port), database: configuration.name, user: user,
            password: passwords[user].map { DatabasePassword($0) }, tls: tls(configuration),
            applicationName: "roadstead-server")
    }

    private static func tls(_ configuration: DatabaseConfiguration) -> ConnectionSettings.TLSMode {
        switch configuration.tls {
        case "require": .encrypted
        case "verify-full": .verified(rootCertificateFile: configuration.rootCertificate)
        default: .disabled
        }
    }
}

/// The pools of a running server, one for each role that serves.
struct DatabasePools: Sendable {
    let api: ConnectionPool
    let publisher: ConnectionPool
    let hosts: ConnectionPool

    init(_ access: DatabaseAccess, apiConnections: Int) throws {
        api = ConnectionPool(try access.settings(.api), limits: try PoolLimits(connections: apiConnections))
        publisher = ConnectionPool(
            try access.settings(.publisher), limits: try PoolLimits(connections: DatabaseAccess.publisherConnections))
        hosts = ConnectionPool(
            try access.settings(.hosts), limits: try PoolLimits(connections: DatabaseAccess.hostConnections))
    }

    var all: [(name: String, pool: ConnectionPool)] { [("api", api), ("publisher", publisher), ("hosts", hosts)] }
}
