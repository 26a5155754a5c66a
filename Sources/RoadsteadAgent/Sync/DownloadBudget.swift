import Synchronization

/// What all teams together may take of one sync: a server that is slow with one team's files must not keep the host
/// from the others' news and from the denials.
final class DownloadBudget: Sendable {
    /// For one file of a team.
    static let fileSeconds: Int64 = 30
    /// For all files of teams.
    static let totalSeconds: Int64 = 120
    static let totalBytes = 128 << 20

    private let end: ContinuousClock.Instant
    private let bytesLeft: Mutex<Int>

    init(seconds: Int64 = totalSeconds, bytes: Int = totalBytes) {
        end = .now + .seconds(seconds)
        bytesLeft = Mutex(bytes)
    }

    /// The seconds that the next file may take.
    ///
    /// - Throws: when time or bytes are used up. The file is fetched by the next sync.
    func seconds() throws -> Int64 {
        let left = (end - .now).components.seconds
        guard left > 0 else {
            throw AgentError(.unavailable, "the \(Self.totalSeconds) s that all teams may take of one sync are over")
        }
        guard bytesLeft.withLock({ $0 > 0 }) else {
            throw AgentError(
                .unavailable, "the \(Self.totalBytes) bytes that all teams may take of one sync are used up")
        }
        return min(left, Self.fileSeconds)
    }

    func took(_ bytes: [UInt8]?) { bytesLeft.withLock { $0 -= bytes?.count ?? 0 } }
}
