import Synchronization

/// Slows down guessing of credentials: so many refused ones from an address in a minute, at most 4,096 addresses kept.
///
/// Tokens have 256 random bits, so this keeps noise and load down; it is not what makes guessing hopeless.
final class SignInLimiter: Sendable {
    static let windowSeconds = 60
    static let mostAddresses = 4_096

    private struct Window {
        let start: ContinuousClock.Instant
        var failures: Int
    }

    private let failuresPerWindow: Int
    private let windows = Mutex<[String: Window]>([:])

    init(failuresPerMinute: Int = RequestLimits.standard.failuresPerMinute) { failuresPerWindow = failuresPerMinute }

    /// - Throws: `.tooManyAttempts` while an address has had too many refused.
    func admit(_ address: String, now: ContinuousClock.Instant = .now) throws(ServerError) {
        let isBarred = windows.withLock { windows in
            guard let window = windows[address], Self.isOpen(window, now) else { return false }
            return window.failures >= failuresPerWindow
        }
        guard isBarred else { return }
        throw ServerError(
            .tooManyAttempts, "too many credentials from this address were refused",
            hint: "wait a minute and sign in with a token that counts")
    }

    func recordFailure(_ address: String, now: ContinuousClock.Instant = .now) {
        windows.withLock { windows in
            if windows.count >= Self.mostAddresses, windows[address] == nil {
                windows = windows.filter { Self.isOpen($0.value, now) }
                if windows.count >= Self.mostAddresses { windows.removeAll() }
            }
            if var window = windows[address], Self.isOpen(window, now) {
                window.failures += 1
                windows[address] = window
            } else {
                windows[address] = Window(start: now, failures: 1)
            }
        }
    }

    private static func isOpen(_ window: Window, _ now: ContinuousClock.Instant) -> Bool {
        now - window.start < .seconds(windowSeconds)
    }
}
