package import Codecs
import Files
package import TrustModel

/// `agent.json`: which host this is, whom it listens to, and how far its receipts have counted.
package struct AgentConfiguration: Sendable, Codable, Equatable {
    package let schema: Int
    package private(set) var server: String
    package let fleet: FleetName
    package let fleetID: FleetID
    /// The host's id at the server.
    package let host: String
    package let hostName: String
    /// SHA-256 of the root that was pinned at enrolment, or since. For people: what is believed is `tuf/root.json`.
    package private(set) var rootSHA256: String
    /// Least versions of metadata that are taken, by role.
    package private(set) var minimumVersions: [String: Int64]
    /// The directory that Notation reads here; absent when the agent leaves Notation alone.
    package let notationConfig: String?
    /// PEM file with the only CA certificates that are believed for TLS to the server; the system's when absent.
    package let caFile: String?
    package let enrolled: UTCDate
    /// The sequence number of the last receipt that was signed.
    package private(set) var sequence: Int64

    package init(
        server: String, fleet: FleetName, fleetID: FleetID, host: String, hostName: String, rootSHA256: String,
        minimumVersions: [String: Int64], notationConfig: String?, caFile: String? = nil, enrolled: UTCDate
    ) {
        schema = 1
        self.server = server
        self.fleet = fleet
        self.fleetID = fleetID
        self.host = host
        self.hostName = hostName
        self.rootSHA256 = rootSHA256
        self.minimumVersions = minimumVersions
        self.notationConfig = notationConfig
        self.caFile = caFile
        self.enrolled = enrolled
        sequence = 0
    }

    package static func load(_ state: StateDirectory) throws -> AgentConfiguration {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try Files.read(state.configuration, limit: 1 << 20) } catch {
            guard error.code == .notFound else { throw error }
            throw AgentError(
                .notEnrolled, "\(state.path) belongs to no enrolled host",
                hint: "roadstead-agent enroll --state \(state.path) --join-string-file FILE")
        }
        do {
            let configuration: AgentConfiguration = try JSON(parsing: bytes).decode(place: "agent.json")
            guard configuration.schema == 1 else {
                throw AgentError(.state, "it has the schema \(configuration.schema)", hint: "update the agent")
            }
            return configuration
        } catch {
            throw AgentError(.state, "\(state.configuration) cannot be read: \(error)", hint: "enrol this host again")
        }
    }

    package func save(_ state: StateDirectory) throws {
        try Files.write(Array(JSON(encoding: self).prettyText.utf8), to: state.configuration, mode: 0o600)
    }

    /// The same host under another pinned root.
    ///
    /// - Parameters:
    ///   - minimumVersions: what counts from now on, beside what counted before.
    ///   - forgetsVersions: what counted before no longer does.
    package func pinning(
        rootSHA256: String, server: String, minimumVersions: [String: Int64], forgetsVersions: Bool
    ) -> AgentConfiguration {
        var configuration = self
        configuration.rootSHA256 = rootSHA256
        configuration.server = server
        let former = forgetsVersions ? [:] : self.minimumVersions
        configuration.minimumVersions = former.merging(minimumVersions, uniquingKeysWith: max)
        return configuration
    }

    /// Takes the next sequence number. Durable before it is used: a number is never used twice.
    package mutating func nextSequence(_ state: StateDirectory) throws -> Int64 {
        let (next, overflow) = sequence.addingReportingOverflow(1)
        guard !overflow else { throw AgentError(.state, "the receipts of this host have used up their numbers") }
        sequence = next
        try save(state)
        return next
    }
}
