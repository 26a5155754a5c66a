import MetadataTransport
import TUF
package import TrustModel

/// Where a fleet's published files come from. What it yields is untrusted until it is verified.
package protocol FleetSource: Sendable {
    /// A metadata file by its path; nil when the source says that there is none.
    func metadata(_ path: String, limit: Int) async throws -> [UInt8]?
    /// A target file by its path below the targets directory; nil when the source says that there is none.
    func target(_ path: String, limit: Int) async throws -> [UInt8]?
}

/// A fleet's files over HTTP.
package actor HTTPFleetSource: FleetSource {
    /// Statuses that say "there is no such file"; anything else that is no success is a failure. [TUF §5.3.2]
    static let absent = [403, 404, 410]

    private let transport: HTTPTransport
    private let fleet: FleetName
    /// The last timestamp and its tag, so that a poll with nothing new costs a few bytes.
    private var last: [String: (tag: String, bytes: [UInt8])] = [:]

    package init(_ transport: HTTPTransport, fleet: FleetName) {
        self.transport = transport
        self.fleet = fleet
    }

    package func metadata(_ path: String, limit: Int) async throws -> [UInt8]? {
        let isMutable = path == "timestamp.json"
        let known = isMutable ? last[path] : nil
        let answer = try await transport.get(
            "/fleets/\(fleet)/metadata/\(path)", limit: limit, unlessMatches: known?.tag)
        if answer.status == 304, let known { return known.bytes }
        let bytes = try content(answer, path)
        if isMutable, let bytes, let tag = answer.entityTag { last[path] = (tag, bytes) }
        return bytes
    }

    package func target(_ path: String, limit: Int) async throws -> [UInt8]? {
        try content(try await transport.get("/fleets/\(fleet)/targets/\(path)", limit: limit), path)
    }

    private func content(_ answer: HTTPAnswer, _ path: String) throws -> [UInt8]? {
        if answer.status == 200 { return answer.body }
        if Self.absent.contains(answer.status) { return nil }
        throw AgentError(
            .unavailable, "the server \(transport.server) answered \(answer.status) for \(path)",
            hint: "look at the server's log; this host keeps what it has and tries again")
    }
}
