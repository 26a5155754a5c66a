import Codecs
import CoreMetrics
import Logging
import Observability
import RoadsteadPublish
import RoadsteadStore
import TrustModel

extension Publisher {
    /// Whether nothing may be published of a fleet, because more was published than the database knows.
    ///
    /// - Parameter mark: this server's own, read before the state was.
    func isHalted(_ state: FleetState, mark: HighWaterMark?, now: UTCDate) async throws -> Bool {
        let fleet = state.content.fleet
        if state.halt != nil { return true }
        guard let mark,
            let reason = try await RestoreWatch(database: store.files).finding(
                mark, of: fleet, state.content.id, source: "this server's disk")
        else { return false }
        if try await store.halt(fleet, reason: reason, now: now) {
            logger.error(
                "publishing has stopped: the database is behind what was published",
                metadata: [
                    LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(reason)",
                    LogKey.hint.rawValue: "roadstead-server recover --fleet \(fleet)",
                ])
        }
        return true
    }

    /// Tells, by fleet, whether publishing has stopped.
    func measureHalts(_ fleets: [FleetName]) async throws {
        let halted = Set(try await store.files.halts().map(\.fleet))
        for fleet in fleets {
            Gauge(
                label: MetricName.publishingHalted.rawValue, dimensions: [("fleet", fleet.rawValue)], factory: metrics
            ).record(halted.contains(fleet) ? 1 : 0)
        }
    }
}
