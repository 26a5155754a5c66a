import TrustModel

/// The settings that a host obeys: the fleet's newest, or the last that it understood.
///
/// Newer ones may need what this agent does not know. That keeps their news out, and nothing that takes trust away: the
/// denials do not depend on them, nor do the teams' removals.
struct UsableSettings: Sendable {
    let settings: FleetSettings
    let bytes: [UInt8]
    /// What the newest settings need, with the way out; nil when these are the newest.
    let lack: String?

    /// - Parameter last: the settings in force on this host, as received.
    /// - Throws: `TrustModelError(.criticalFeature)` when neither can be obeyed; on a host that had none yet, for example.
    init(_ newest: [UInt8], last: [UInt8]?) throws {
        do {
            settings = try FleetSettings(verifiedBytes: newest)
            bytes = newest
            lack = nil
        } catch let error as TrustModelError where error.code == .criticalFeature {
            guard let last, let known = try? FleetSettings(verifiedBytes: last) else { throw error }
            (settings, bytes) = (known, last)
            lack = [error.reason, error.hint].compactMap(\.self).joined(separator: ": ")
        }
    }
}
