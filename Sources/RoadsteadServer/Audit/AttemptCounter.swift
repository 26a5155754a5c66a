import Codecs
import Synchronization

/// Decides which refused attempts get an entry of their own, so that nobody can fill the log: a few from one source in a
/// window of time, and a few from all sources together; the others are counted.
final class AttemptCounter<Source: Hashable & Sendable>: Sendable {
    struct Limits: Sendable {
        /// Seconds that a window lasts, from its first attempt on.
        let windowSeconds: Int64
        /// Entries of one source in a window.
        let entries: Int
        /// Entries of all sources within such a time.
        let entriesInAll: Int
        /// Sources that are told apart; what comes from others is counted together.
        let sources: Int
    }

    /// What was counted and not kept, of one source, or of many together.
    struct Count: Sendable, Equatable {
        let source: Source?
        let count: Int
        let since: UTCDate
    }

    private struct Window {
        let start: UTCDate
        var entries = 0
        var counted = 0
    }

    private struct State {
        var windows: [Source?: Window] = [:]
        var all: Window?
    }

    let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits) { self.limits = limits }

    /// Counts an attempt; true when it is to be kept as an entry of its own.
    func admits(_ source: Source, at now: UTCDate) -> Bool {
        state.withLock { state in
            var all = state.all.flatMap { isOpen($0, now) ? $0 : nil } ?? Window(start: now)
            let isKnown = state.windows[source] != nil || state.windows.count < limits.sources
            let key: Source? = isKnown ? source : nil
            // A window that is over keeps its count until it is taken.
            var window = state.windows[key] ?? Window(start: now)
            if !isOpen(window, now), window.counted == 0 { window = Window(start: now) }
            let isAdmitted =
                isKnown && isOpen(window, now) && window.entries < limits.entries && all.entries < limits.entriesInAll
            if isAdmitted {
                window.entries += 1
                all.entries += 1
            } else {
                window.counted += 1
            }
            state.windows[key] = window
            state.all = all
            return isAdmitted
        }
    }

    /// Takes out the counts of windows that are over.
    ///
    /// - Parameter all: also of those that are not, at the end of the program.
    func take(at now: UTCDate, all: Bool = false) -> [Count] {
        state.withLock { state in
            let over = state.windows.filter { all || !isOpen($0.value, now) }
            for key in over.keys { state.windows[key] = nil }
            return over.filter { $0.value.counted > 0 }
                .map { Count(source: $0.key, count: $0.value.counted, since: $0.value.start) }
                .sorted { $0.since < $1.since }
        }
    }

    private func isOpen(_ window: Window, _ now: UTCDate) -> Bool {
        now.seconds - window.start.seconds < limits.windowSeconds
    }
}
