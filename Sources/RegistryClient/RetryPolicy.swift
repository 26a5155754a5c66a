import Codecs

/// How often, and for how long in all, something is tried again that may pass: 429, 5xx, connections that are cut.
package struct RetryPolicy: Sendable {
    package let attempts: Int
    /// The first pause; each further one is twice as long, up to `longest`, less a random part of up to a half.
    package let first: Duration
    package let longest: Duration
    /// For one request with all its attempts and pauses.
    package let total: Duration

    package static let standard = RetryPolicy(
        attempts: 5, first: .milliseconds(250), longest: .seconds(8), total: .seconds(120))
    /// For mirrors: the next source is the second attempt.
    static let none = RetryPolicy(attempts: 1, first: .zero, longest: .zero, total: .seconds(60))

    package init(attempts: Int, first: Duration, longest: Duration, total: Duration) {
        self.attempts = attempts
        self.first = first
        self.longest = longest
        self.total = total
    }

    static func mayPass(_ status: Int) -> Bool { [408, 429, 500, 502, 503, 504].contains(status) }

    /// How long to wait after an attempt, counted from 1; what the registry asks for goes before what is usual.
    func pause(after attempt: Int, asked: Duration?) -> Duration {
        let usual = min(longest, first * (1 << min(attempt - 1, 16)))
        let jittered = usual * Double.random(in: 0.5...1)
        return max(jittered, asked ?? .zero)
    }
}

/// Attempts at one thing: counts them, and waits between them until one of the bounds is reached.
struct Attempts {
    private let policy: RetryPolicy
    private let end: ContinuousClock.Instant
    private var made = 0

    init(_ policy: RetryPolicy) {
        self.policy = policy
        end = .now + policy.total
    }

    /// Waits where another attempt is allowed; false where none is.
    mutating func another(asked: Duration? = nil) async throws -> Bool {
        made += 1
        let pause = policy.pause(after: made, asked: asked)
        guard made < policy.attempts, ContinuousClock.now + pause < end else { return false }
        try await Task.sleep(for: pause)
        return true
    }
}

extension RegistryAnswer {
    /// `Retry-After`, in seconds or as a date held against the answer's own. [RFC 9110 §10.2.3]
    var retryAfter: Duration? {
        guard let text = header("Retry-After") else { return nil }
        if let seconds = UInt32(text) { return .seconds(Int64(seconds)) }
        guard let then = HTTPDate.seconds(text), let now = header("Date").flatMap(HTTPDate.seconds) else { return nil }
        return .seconds(max(0, then - now))
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` [RFC 9110 §5.6.7]
enum HTTPDate {
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), let year = Int(words[3]),
            let month = months.firstIndex(of: words[2])
        else { return nil }
        let time = words[4].split(separator: ":").compactMap { Int($0) }
        guard time.count == 3 else { return nil }
        return UTCDate(
            year: year, month: month + 1, day: day, hour: time[0], minute: time[1], second: time[2])?.seconds
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
