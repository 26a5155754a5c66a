import Codecs
import CoreMetrics
import Logging
import Observability
import Problems
import RoadsteadPublish
import RoadsteadStore
import TrustModel

extension Publisher {
    /// Keeps what a look at a fleet came to, for every replica to show, and tells of each stage of warning once.
    ///
    /// That it could not be kept stops no release.
    ///
    /// - Parameter plan: what would be published; nil when it could not be said, for the reason of `failure`.
    func keepNote(
        of plan: ReleasePlan?, failure: (any Error)? = nil, _ state: FleetState, now: UTCDate
    ) async {
        let fleet = state.content.fleet
        let note = FleetNote(
            expiries: PublishedState(state).offlineExpiries(
                targetsOnline: (try? state.targetsOnline) ?? false,
                teams: state.signedByMembers.map(\.name), now: now),
            held: (plan?.held ?? []).map { FleetNote.Held(team: $0.team, reason: $0.reason, isListed: $0.isListed) },
            waiting: plan?.waiting ?? [],
            failure: failure.map { ($0 as? any Problem)?.reason ?? "the server failed; its log says more" },
            otherKeys: plan?.otherKeys, unusableKeys: troubles(state))
        measure(note, of: fleet)
        do {
            let kept = try await store.keep(note, of: fleet)
            if kept.isNews { tellStages(note, since: kept.before, of: fleet) }
        } catch {
            logger.error(
                "what was found at a fleet cannot be kept",
                metadata: [LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(error)"])
        }
    }

    /// One line for each stage that was reached since the note before.
    private func tellStages(_ note: FleetNote, since before: FleetNote?, of fleet: FleetName) {
        for expiry in note.expiries {
            guard let stage = expiry.stage else { continue }
            let known = before?.expiries.first { $0.role == expiry.role && $0.expires == expiry.expires }?.stage
            guard known.map({ stage < $0 }) ?? true else { continue }
            logger.warning(
                "metadata that only people can sign is about to end",
                metadata: [
                    LogKey.fleet.rawValue: "\(fleet)", LogKey.role.rawValue: "\(expiry.role)",
                    LogKey.expires.rawValue: "\(expiry.expires)", LogKey.stage.rawValue: "\(stage)",
                ])
        }
    }

    private func measure(_ note: FleetNote, of fleet: FleetName) {
        func set(_ metric: MetricName, _ labels: [(String, String)] = [], to value: Int64) {
            Gauge(label: metric.rawValue, dimensions: [("fleet", fleet.rawValue)] + labels, factory: metrics)
                .record(value)
        }
        let ends = Dictionary(grouping: note.expiries) { ["root", "targets"].contains($0.role) ? $0.role : "teams" }
        for (role, expiries) in ends {
            guard let first = expiries.map(\.expires).min() else { continue }
            set(.offlineExpiry, [("role", role)], to: first.seconds)
        }
        set(.heldTeams, to: Int64(note.held.count))
        set(.waitingForCeremony, to: Int64(note.waiting.count))
    }
}
