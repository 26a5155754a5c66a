import Codecs
import CoreMetrics
import Logging
import Observability
import RoadsteadStore

extension Publisher {
    /// Takes what break-glass added out of its stores when its time is over. Where that fails hosts drop it all the same,
    /// and nothing else waits for it.
    ///
    /// - Returns: how many anchors.
    func endAnchors(now: UTCDate) async throws -> Int {
        do {
            let ended = try await store.endAnchors(now: now)
            if !ended.isEmpty { logger.notice("anchors have ended that break-glass had added") }
            return ended.count
        } catch let error as CancellationError {
            throw error
        } catch {
            logger.error(
                "anchors whose time is over cannot be taken out of their stores",
                metadata: [LogKey.reason.rawValue: "\(error)"])
            return 0
        }
    }

    func measureReviews(now: UTCDate) async throws {
        Gauge(label: MetricName.breakGlassReviewsOverdue.rawValue, dimensions: [], factory: metrics)
            .record(try await store.overdueReviews(now: now))
    }
}
