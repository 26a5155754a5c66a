package import Codecs
import Files
package import TrustModel

/// `agent.json`: which host this is, whom it listens to, and how far its receipts have counted.
package struct AgentConfiguration: Sendable, Codable, Equatable {
    package let schema: Int
    package let server: String
    package let fleet: FleetName
    package let fleetID: FleetID
    /// The host's id at the server.
    package let host: String
    package let hostName: String
    /// SHA-256 of the root that was pinned at enrolment.
    package let rootSHA256: String
    /// Least versions of metadata that are taken, by role.
    package let minimumVersions: [String: Int64]
    /// The directory that Notation reads here; absent when the agent leaves Notation alone.
    package let notationConfig: String?
    package let enrolled: UTCDate
    /// The sequence number of the last receipt that was signed.
    package private(set) var sequence: Int64

    package init(
        server: String, fleet: FleetName, fleetID: FleetID, host: String, hostName: String, rootSHA256: String,
        minimumVersions: [String: Int64], notationConfig: String?, enrolled: UTCDate
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

    /// Takes the next sequence number. Durable before it is used: a number is never used twice.
    package mutating func nextSequence(_ state: StateDirectory) throws -> Int64 {
        let (next, overflow) = sequence.addingReportingOverflow(1)
        guard !overflow else { throw AgentError(.state, "the receipts of this host have used up their numbers") }
        sequence = next
        try save(state)
        return next
    }
}
