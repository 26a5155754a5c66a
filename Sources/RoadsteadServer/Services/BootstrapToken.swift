import Codecs
import Files
import RoadsteadStore

/// The token that makes the first trust administrator: a 0600 file, good for one hour, void once there is one.
enum BootstrapToken {
    static let lifetimeSeconds: Int64 = 3_600

    /// Issues a new one in place of any before it; nil when there is an administrator already.
    static func issue(_ store: ApiStore, path: String, now: UTCDate) async throws -> UTCDate? {
        guard try await !store.hasAdministrator() else {
            try Files.remove(path)
            return nil
        }
        let token = TokenText.generate(.bootstrap)
        let expires = now.adding(seconds: lifetimeSeconds)
        try await store.openBootstrap(tokenSHA256: token.sha256, expires: expires, now: now)
        try Files.write(Array((token.text + "\n").utf8), to: path, mode: 0o600)
        return expires
    }
}
