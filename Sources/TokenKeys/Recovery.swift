import TokenWire

/// How long a call goes on when the token, the way to it or its helper was lost: a card that is plugged in again takes
/// two seconds to show its keys, and a network comes back when it does.
///
/// What the token refuses is not tried again, and least of all a PIN.
struct Recovery {
    private let end: ContinuousClock.Instant
    private var pause: Duration = .zero
    private var crashes = 0
    private var isUnderWay = false

    init(within time: Duration) { end = .now + time }

    /// How long to wait before the next try; nil where there is none.
    mutating func pause(after error: TokenError) -> Duration? {
        switch error.code {
        case .lost: break
        case .crashed:
            crashes += 1
            guard crashes < 2 else { return nil }
        // What a token that is on its way back says.
        case .token, .key, .module, .pinMissing:
            guard isUnderWay else { return nil }
        default: return nil
        }
        isUnderWay = true
        guard ContinuousClock.now + pause < end || pause == .zero else { return nil }
        defer { pause = pause == .zero ? .milliseconds(100) : min(pause * 2, .seconds(1)) }
        return pause
    }
}
