package import CoreMetrics
import Synchronization

/// Keeps the program's metrics in memory and writes them as Prometheus text.
///
/// At most `seriesLimit` series are kept, so that no input can make it grow without end; what comes after is not counted.
package final class MetricsRegistry: MetricsFactory {
    /// Most series of all metrics together.
    package static let seriesLimit = 10_000

    private let series = Mutex<[SeriesKey: any Series]>([:])

    package init() {}

    /// The exposition of every series. [Prometheus text format 0.0.4]
    package func text() -> String {
        PrometheusText.write(series.withLock { Array($0) })
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions) { CounterSeries() } ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        find(label, dimensions) { GaugeSeries(kind: .counter) } ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions) { GaugeSeries(kind: .gauge) } ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { return find(label, dimensions) { HistogramSeries() } ?? NOOPMetricsHandler.instance }
        return find(label, dimensions) { GaugeSeries(kind: .gauge) } ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions) { HistogramSeries() } ?? NOOPMetricsHandler.instance
    }

    /// Series stay for as long as the program runs: a counter that vanished would look reset.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func find<Found: Series>(
        _ label: String, _ dimensions: [(String, String)], _ make: () -> Found
    ) -> Found? {
        let key = SeriesKey(name: label, labels: dimensions.map { MetricLabel(name: $0.0, value: $0.1) })
        return series.withLock { series in
            if let known = series[key] { return known as? Found }
            guard series.count < Self.seriesLimit else { return nil }
            let new = make()
            series[key] = new
            return new
        }
    }
}

/// What tells one series from another.
struct SeriesKey: Hashable, Comparable {
    let name: String
    let labels: [MetricLabel]

    static func < (lhs: SeriesKey, rhs: SeriesKey) -> Bool {
        lhs.name == rhs.name ? lhs.labels.lexicographicallyPrecedes(rhs.labels) : lhs.name < rhs.name
    }
}

struct MetricLabel: Hashable, Comparable {
    let name: String
    let value: String

    static func < (lhs: MetricLabel, rhs: MetricLabel) -> Bool { (lhs.name, lhs.value) < (rhs.name, rhs.value) }
}
