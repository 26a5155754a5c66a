package import Codecs
import TrustModel

/// What becomes of a host's trust when the fleet cannot be heard for too long.
package struct StaleTrust: Sendable {
    package static let warning =
        "this host has not heard from its fleet for longer than the fleet allows; every scope rejects until it does"

    private let store: GenerationStore

    package init(_ state: StateDirectory) { store = GenerationStore(state) }

    /// Puts a generation in force in which every scope rejects, once the fleet's signed settings say that it is time.
    ///
    /// - Returns: whether that generation is in force. The next whole refresh replaces it.
    package func rejectIfDue(lastSuccess: UTCDate?, now: UTCDate) throws -> Bool {
        guard let current = try store.current(), let limit = current.manifest.origin.freshness.rejectAfterSeconds,
            (lastSuccess ?? current.manifest.created).adding(seconds: limit) <= now
        else { return false }
        if current.manifest.warnings.contains(Self.warning) { return true }
        let trust = current.trust.rejecting
        let generation = try Generation(
            trust, notation: NotationTree(trust, previous: current.trust, now: now), previous: current.trust,
            content: current.content, warnings: [Self.warning] + current.manifest.warnings,
            origin: current.manifest.origin)
        _ = try store.putInForce(generation, now: now)
        try store.prune()
        return true
    }
}
