import Problems

/// What a whole run may take from a server that is not trusted: time, and bytes of metadata.
struct RunBudget {
    /// Bytes of metadata in one run: every role at its largest is never needed at once.
    static let metadataBytes = 128 << 20

    private let end: ContinuousClock.Instant
    private let requestSeconds: Double
    private let totalSeconds: Double
    private var bytes = 0

    init(requestSeconds: Double, totalSeconds: Double) {
        self.requestSeconds = requestSeconds
        self.totalSeconds = totalSeconds
        end = ContinuousClock.now.advanced(by: .seconds(totalSeconds))
    }

    /// Seconds that the next request may take.
    func nextRequest() throws(ClientError) -> Double {
        let left = ContinuousClock.now.duration(to: end) / .seconds(1)
        guard left > 0 else {
            throw ClientError(.budget, "the \(Int(totalSeconds.rounded(.up))) s for the whole run are over")
        }
        return min(left, requestSeconds)
    }

    mutating func took(_ count: Int) throws(ClientError) {
        bytes += count
        guard bytes <= Self.metadataBytes else {
            throw ClientError(
                .budget, "the repository sent more than \(Self.metadataBytes) bytes of metadata in one run")
        }
    }
}
