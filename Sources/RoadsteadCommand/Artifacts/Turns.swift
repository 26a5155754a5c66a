import Synchronization

/// Lets those who want the same place in one after the other, in the order in which they came; others do not wait.
final class Turns: Sendable {
    /// Who waits, by place; a place that somebody is in has an entry.
    private let waiting = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    func at<Value>(_ place: String, _ body: () async throws -> Value) async rethrows -> Value {
        await take(place)
        defer { give(place) }
        return try await body()
    }

    private func take(_ place: String) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                guard waiting[place] == nil else {
                    waiting[place]?.append(continuation)
                    return false
                }
                waiting[place] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func give(_ place: String) {
        let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard waiting[place]?.isEmpty == false else {
                waiting[place] = nil
                return nil
            }
            return waiting[place]?.removeFirst()
        }
        next?.resume()
    }
}
