package import Codecs
import TUF
package import TrustModel

extension PublishedState {
    /// When what only people can sign anew ends: root, the fleet's own role where its key is off the server, and the roles
    /// of teams that are in their own custody. What was never published, or cannot be read, is not among them.
    ///
    /// - Parameters:
    ///   - targetsOnline: whether the server holds the key of the fleet's own role.
    ///   - teams: those that are in their own custody.
    package func offlineExpiries(
        targetsOnline: Bool, teams: [TeamName], now: UTCDate
    ) -> [FleetNote.Expiry] {
        func expiry<Content: RoleMetadata>(_ role: String, _ bytes: [UInt8]?, _: Content.Type) -> FleetNote.Expiry? {
            let limit = MetadataLimits().listedBytes
            guard let bytes, let metadata = try? UnverifiedMetadata<Content>(bytes, maximumBytes: limit) else {
                return nil
            }
            let expires = metadata.unverifiedContent.expires
            return FleetNote.Expiry(
                role: role, expires: expires, stage: ExpiryWarning.stage(expires: expires, now: now))
        }
        var expiries = [expiry("root", pendingRoot ?? roots.last, Root.self)]
        if !targetsOnline { expiries.append(expiry("targets", targets, Targets.self)) }
        expiries += teams.sorted().map { expiry($0.rawValue, delegated[$0.rawValue], Targets.self) }
        return expiries.compactMap(\.self)
    }
}
