import CoreMetrics
import Synchronization

/// One series: a metric with one value for each of its labels.
protocol Series: AnyObject, Sendable {
    var kind: SeriesKind { get }
    /// Lines of the exposition as suffix of the name, further label and value.
    var samples: [Sample] { get }
}

enum SeriesKind: String { case counter, gauge, histogram }

struct Sample {
    let suffix: String
    let label: MetricLabel?
    let value: String

    init(_ value: String, suffix: String = "", label: MetricLabel? = nil) {
        self.suffix = suffix
        self.label = label
        self.value = value
    }
}

/// A count that only grows.
final class CounterSeries: Series, CounterHandler {
    private let value = Atomic<Int64>(0)
    let kind = SeriesKind.counter
    var samples: [Sample] { [Sample(String(value.load(ordering: .relaxed)))] }

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
}

/// A number that goes up and down, or a count with fractions.
final class GaugeSeries: Series, MeterHandler, RecorderHandler, FloatingPointCounterHandler {
    private let value = Mutex<Double>(0)
    let kind: SeriesKind

    init(kind: SeriesKind) { self.kind = kind }

    var samples: [Sample] { [Sample("\(value.withLock { $0 })")] }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func reset() { set(0.0) }
}

/// A distribution over fixed bounds, in seconds where it measures time.
final class HistogramSeries: Series, TimerHandler, RecorderHandler {
    private struct Counts {
        var buckets = [Int](repeating: 0, count: HistogramSeries.bounds.count)
        var count = 0
        var sum = 0.0
    }

    static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

    private let counts = Mutex(Counts())
    let kind = SeriesKind.histogram

    var samples: [Sample] {
        let counts = counts.withLock { $0 }
        var lines = zip(Self.bounds, counts.buckets).map { bound, count in
            Sample(String(count), suffix: "_bucket", label: MetricLabel(name: "le", value: "\(bound)"))
        }
        lines.append(Sample(String(counts.count), suffix: "_bucket", label: MetricLabel(name: "le", value: "+Inf")))
        lines.append(Sample("\(counts.sum)", suffix: "_sum"))
        lines.append(Sample(String(counts.count), suffix: "_count"))
        return lines
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        counts.withLock { counts in
            counts.count += 1
            counts.sum += value
            for (index, bound) in Self.bounds.enumerated() where value <= bound { counts.buckets[index] += 1 }
        }
    }
}
