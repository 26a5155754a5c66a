import MetadataTransport
import TUF
package import TrustModel

/// Where a fleet's published files come from. What it yields is untrusted until it is verified.
package protocol FleetSource: Sendable {
    /// A metadata file by its path; nil when the source says that there is none.
    func metadata(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]?
    /// A target file by its path below the targets directory; nil when the source says that there is none.
    func target(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]?
}

/// A fleet's files over HTTP.
package actor HTTPFleetSource: FleetSource {
    /// Statuses that say "there is no such file"; anything else that is no success is a failure. [TUF §5.3.2]
    static let absent = [403, 404, 410]
    private static let timestamp = "timestamp.json"

    private let transport: HTTPTransport
    private let fleet: FleetName
    /// The last timestamp and its tag, so that a poll with nothing new costs a few bytes.
    private var last: (tag: String, bytes: [UInt8])?

    package init(_ transport: HTTPTransport, fleet: FleetName) {
        self.transport = transport
        self.fleet = fleet
    }

    /// Whether the server says that the timestamp is still the one it gave last: one request, and nothing is taken in.
    package func isTimestampUnchanged() async -> Bool {
        guard let tag = last?.tag else { return false }
        let path = "/fleets/\(fleet)/metadata/\(Self.timestamp)"
        let limit = MetadataLimits().timestampBytes
        return (try? await transport.get(path, limit: limit, seconds: 30, unlessMatches: tag).status) == 304
    }

    package func metadata(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]? {
        let isMutable = path == Self.timestamp
        let known = isMutable ? last : nil
        let answer = try await transport.get(
            "/fleets/\(fleet)/metadata/\(path)", limit: limit, seconds: seconds, unlessMatches: known?.tag)
        if answer.status == 304, let known { return known.bytes }
        let bytes = try content(answer, path)
        if isMutable, let bytes { last = answer.entityTag.map { ($0, bytes) } }
        return bytes
    }

    package func target(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]? {
        let answer = try await transport.get("/fleets/\(fleet)/targets/\(path)", limit: limit, seconds: seconds)
        return try content(answer, path)
    }

    private func content(_ answer: HTTPAnswer, _ path: String) throws -> [UInt8]? {
        if answer.status == 200 { return answer.body }
        if Self.absent.contains(answer.status) { return nil }
        throw AgentError(
            .unavailable, "the server \(transport.server) answered \(answer.status) for \(path)",
            hint: "look at the server's log; this host keeps what it has and tries again")
    }
}
