package import Codecs
import TrustModel

/// What becomes of a host's trust by time alone, without a word from its fleet.
///
/// A break-glass anchor or an exception ends at its `until` and is taken out, so that a clock that goes back does not
/// bring it back; a team that lags rejects after the grace period, and everything does where the fleet's signed settings
/// say so and it was not heard for too long. The next whole refresh decides anew.
package struct DueTrust: Sendable {
    package static let warning =
        "this host has not heard from its fleet for longer than the fleet allows; every scope rejects until it does"

    private let store: GenerationStore
    private let current: GenerationStore.Intact
    private let lastSuccess: UTCDate

    /// Nil before the first generation.
    package init?(_ state: StateDirectory, lastSuccess: UTCDate?) throws {
        store = GenerationStore(state)
        guard let current = try store.current() else { return nil }
        self.current = current
        self.lastSuccess = lastSuccess ?? current.manifest.created
    }

    /// Now, as a host knows it: the local clock, and the newest signed time as its floor. The floor follows what the
    /// fleet signs only, so that a clock that was ahead once does no lasting harm.
    package static func time(now: UTCDate, _ health: SyncHealth) -> UTCDate { max(now, health.signedTime ?? now) }

    /// The first moment after the given one at which something changes by itself; nil when nothing will.
    package func next(after time: UTCDate) -> UTCDate? {
        let graces = lastGood.map { $0.since.adding(seconds: freshness.teamGraceSeconds) }
        let silence = freshness.rejectAfterSeconds.map { lastSuccess.adding(seconds: $0) }
        let moments = graces + (silence.map { [$0] } ?? []) + (current.trust.nextEnd(after: time).map { [$0] } ?? [])
        return moments.filter { $0 > time }.min()
    }

    /// Puts in force what the time demands; nothing is written when that is in force already.
    ///
    /// - Returns: whether every scope rejects because the fleet was not heard.
    package func apply(at time: UTCDate, now: UTCDate) throws -> Bool {
        let isSilent = freshness.rejectAfterSeconds.map { lastSuccess.adding(seconds: $0) <= time } ?? false
        let generation = try isSilent ? rejecting(at: time) : reduced(at: time)
        if !store.isEqual(current, generation) {
            _ = try store.putInForce(generation, now: now)
            try store.prune()
        }
        return isSilent
    }

    private var freshness: FleetSettings.Freshness { current.manifest.origin.freshness }
    private var lastGood: [LaggingTeam] { current.manifest.laggingTeams.filter { $0.state == .lastGood } }

    private func rejecting(at time: UTCDate) throws -> Generation {
        let others = current.manifest.warnings.filter { $0 != Self.warning }
        return try generation(
            current.trust.rejecting, current.content, [Self.warning] + others, current.manifest.laggingTeams, time)
    }

    private func reduced(at time: UTCDate) throws -> Generation {
        let ended = lastGood.filter { $0.since.adding(seconds: freshness.teamGraceSeconds) <= time }
        let doomed = Set(ended.map(\.team))
        let over = current.trust.endedExceptions(at: time).map { "exception \($0.id) " }
        var warnings = current.manifest.warnings.filter { warning in !over.contains { warning.hasPrefix($0) } }
        let lagging = current.manifest.laggingTeams.map { team in
            guard doomed.contains(team.team) else { return team }
            let rejecting = LaggingTeam(team: team.team, state: .rejecting, since: team.since, reason: team.reason)
            warnings = warnings.map { $0 == "\(team.warning)" ? "\(rejecting.warning)" : $0 }
            return rejecting
        }
        let prefixes = doomed.map { "\($0)/" }
        let content = current.content.filter { file in !prefixes.contains { file.key.hasPrefix($0) } }
        let trust = current.trust.rejecting { doomed.contains($0) }.withoutEnded(at: time)
        return try generation(trust, content, warnings, lagging, time)
    }

    private func generation(
        _ trust: HostTrust, _ content: [String: [UInt8]], _ warnings: [String], _ lagging: [LaggingTeam],
        _ time: UTCDate
    ) throws -> Generation {
        let origin = current.manifest.origin
        let notation = NotationTree(
            trust, inexpressible: origin.inexpressible ?? .rejectScope, previous: current.previousTrust, now: time)
        let news = notation.warnings.map(\.description).filter { !warnings.contains($0) }
        return try Generation(
            trust, notation: notation, previous: current.previousTrust, content: content, warnings: warnings + news,
            lagging: lagging, origin: origin)
    }
}
