import RoadsteadPublish
import TrustModel

/// Where a fleet's publication stands.
struct FleetHead: Sendable, Equatable {
    let fleet: FleetName
    let timestampVersion: Int64
    let rootVersion: Int64
}

/// Where published files come from: the database, or what stands for it in a test.
protocol FleetFileSource: Sendable {
    /// Every fleet that has published something.
    func heads() async throws -> [FleetHead]
    /// The bytes of one published file; nil when there is none.
    func file(_ path: FleetPath) async throws -> [UInt8]?
    /// Names of everything that a fleet has published, the timestamp last.
    func files(of fleet: FleetName) async throws -> [FleetPath]
    /// What a mark has that is not there any more, in a sentence; nil as a rule.
    func finding(_ mark: HighWaterMark, of fleet: FleetName) async throws -> String?
}

extension FleetFileSource {
    /// A source without a database has nothing to fall behind with.
    func finding(_ mark: HighWaterMark, of fleet: FleetName) async throws -> String? { nil }
}
