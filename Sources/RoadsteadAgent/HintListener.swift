import Codecs
import MetadataTransport
import Synchronization
import TrustModel

/// Holds a request open at the server until there is something new, and rings when there is.
///
/// The hint is not trusted: all it does is wake a normal refresh. It outlasts polls, so that one connection serves it.
final class HintListener: Sendable {
    /// A server that answers at once must not be asked without pause.
    private static let pause = Duration.seconds(5)
    private static let pauseAfterNews = Duration.seconds(1)

    private let transport: HTTPTransport
    private let fleet: FleetName
    private let news = Mutex(News())
    private let bell = Bell()
    private let beginning = Bell()

    private struct News {
        /// The timestamp version that this host has, or since its last refresh was hinted at.
        var known: Int64 = 0
        /// A hint that a refresh did not bear out: it does not ring twice, and hides none that comes after it.
        var refuted: Int64?
    }

    init(_ transport: HTTPTransport, fleet: FleetName) {
        self.transport = transport
        self.fleet = fleet
    }

    /// Says which timestamp version this host has after a refresh, 0 for none. The listening begins with the first word.
    func has(_ version: Int64) {
        news.withLock { news in
            if news.known > version { news.refuted = news.known }
            news.known = version
        }
        beginning.ring()
    }

    /// Waits for news.
    ///
    /// - Returns: whether there are any; false when the time is over or the task is cancelled.
    func wait(atMost limit: Duration) async -> Bool { await bell.wait(atMost: limit) }

    /// Listens until it is cancelled.
    func run() async {
        _ = await beginning.wait(atMost: .seconds(600))
        while !Task.isCancelled {
            let started = ContinuousClock.now
            let isNews = await listen()
            if isNews { bell.ring() }
            let rest = (isNews ? Self.pauseAfterNews : Self.pause) - (ContinuousClock.now - started)
            if rest > .zero { try? await Task.sleep(for: rest) }
        }
    }

    private func listen() async -> Bool {
        let after = news.withLock { $0.known }
        let answer = try? await transport.get("/fleets/\(fleet)/hint?after=\(after)", limit: 4_096, seconds: 65)
        guard let answer, answer.status == 200, let tree = try? JSON(parsing: answer.body),
            let newest = tree.objectOrNil?["timestamp"]?.integerOrNil
        else { return false }
        return news.withLock { news in
            guard newest > news.known, newest != news.refuted else { return false }
            news.known = newest
            return true
        }
    }
}

/// Lets one task wait until another rings, or a while has passed. A ring while nobody waits is remembered once.
private final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.isRung = waiter == nil
            return waiter
        }
        waiter?.resume(returning: true)
    }

    func wait(atMost limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            group.addTask { await self.waitForRing() }
            let isRung = await group.next() ?? false
            group.cancelAll()
            return isRung
        }
    }

    private func waitForRing() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let settled: Bool? = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        defer { state.isRung = false }
                        return state.isRung
                    }
                    state.waiter = continuation
                    return nil
                }
                if let settled { continuation.resume(returning: settled) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: false)
        }
    }
}
