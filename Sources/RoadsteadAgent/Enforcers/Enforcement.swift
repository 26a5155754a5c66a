package import TrustModel

/// Brings the enforcers of this host in line with the generation in force, or says what that would change.
package struct Enforcement: Sendable {
    package let enforcers: [Receipt.Enforcer]
    /// What was done or, in observe mode, what would be.
    package let notes: [String]
    package let warnings: [String]

    /// Applies every enforcer whose mode is `enforce`. In `observe` nothing outside the state directory is touched.
    ///
    /// - Parameter dryRun: says only what would be done, whatever the mode.
    package init(
        _ state: StateDirectory, _ configuration: AgentConfiguration, modes: [FleetSettings.EnforcerSetting],
        dryRun: Bool = false
    ) {
        let mode = modes.first { $0.enforcer == .notation }?.mode ?? .observe
        guard let path = configuration.notationConfig else {
            let isMissed = mode == .enforce
            enforcers =
                isMissed ? [Receipt.Enforcer(enforcer: .notation, mode: mode, version: nil, applied: false)] : []
            notes = []
            warnings =
                isMissed
                ? ["the fleet enforces with notation, and this host was enrolled without --notation-config"] : []
            return
        }
        let notation = NotationEnforcer(state, path: path)
        var (notes, warnings): ([String], [String]) = ([], [])
        do {
            if mode == .enforce, !dryRun {
                notes = try notation.apply()
            } else {
                notes = try notation.preview()
            }
        } catch { warnings.append("notation: \(error)") }
        let isApplied = notation.isApplied
        if mode == .observe, isApplied {
            warnings.append(
                "the fleet's mode for notation is observe, and \(path) still enforces; roadstead-agent leave puts back what was there"
            )
        }
        enforcers = [Receipt.Enforcer(enforcer: .notation, mode: mode, version: nil, applied: isApplied)]
        (self.notes, self.warnings) = (notes, warnings)
    }
}
