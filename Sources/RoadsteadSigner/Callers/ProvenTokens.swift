import Codecs
import SigningKeys
import Synchronization

/// Remembers which tokens have counted, by their hashes, until they end: whoever shows one again is no stranger. Each is
/// verified anew all the same.
final class ProvenTokens: Sendable {
    static let most = 4_096

    private let ends = Mutex<[[UInt8]: UTCDate]>([:])

    func contains(_ token: String, now: UTCDate) -> Bool {
        let hash = Self.hash(token)
        return ends.withLock { ends in ends[hash].map { now < $0 } ?? false }
    }

    func remember(_ token: String, until end: UTCDate, now: UTCDate) {
        let hash = Self.hash(token)
        ends.withLock { ends in
            if ends.count >= Self.most { ends = ends.filter { now < $0.value } }
            if ends.count >= Self.most { ends.removeAll() }
            ends[hash] = end
        }
    }

    private static func hash(_ token: String) -> [UInt8] { HashAlgorithm.sha256.digest(of: Array(token.utf8)) }
}
