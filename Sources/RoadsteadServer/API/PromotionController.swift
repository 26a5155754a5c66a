import Codecs
import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Which contents of teams a fleet takes, and what about it needs people.
struct PromotionController: Sendable {
    private static let tag = "promotion"

    let store: ApiStore
    let publisher: Publisher

    var endpoints: [Endpoint] {
        [
            .write(
                method: .put, "/v1/fleets/{fleet}/source",
                "Says from which fleet contents are promoted; without one the newest are taken", tag: Self.tag,
                permission: .fleet(Permission.operateFleet),
                status: .ok
            ) { (call: Call, body: FleetSourceRequest) in
                FleetBody(
                    try await store.setSource(
                        body.promotesFrom, of: try call.path("fleet"), by: try call.caller().actor, now: call.now),
                    now: call.now)
            },
            .write(
                "/v1/fleets/{fleet}/promotions", "Lets a fleet take what its source publishes", tag: Self.tag,
                permission: .fleet(Permission.operateFleet),
                status: .ok
            ) { try await promote($0, $1) },
            .write(
                "/v1/fleets/{fleet}/hot-fixes", "Brings one published change to a fleet that is behind",
                tag: Self.tag, permission: .fleet(Permission.operateFleet), status: .ok
            ) { try await hotFix($0, $1) },
            .read(
                "/v1/fleets/{fleet}/warnings", "What about a fleet needs people", tag: Self.tag,
                permission: .fleet(Permission.readFleet)
            ) { call in
                FleetWarningsBody(try await store.fleet(try call.path("fleet")), now: call.now)
            },
        ]
    }

    private func promote(_ call: Call, _ request: PromotionRequest) async throws -> PromotionBody {
        let name: FleetName = try call.path("fleet")
        let rehearsal: Rehearsal = request.dryRun == true ? .dryRun : .real
        let teams = try await publisher.store.promote(
            from: request.from, to: name, teams: request.teams, rehearsal, by: try call.caller().actor, now: call.now
        ) { candidate, state in
            try TeamPromotion(candidate, into: state).verdict(now: call.now).outcome
        }
        return PromotionBody(
            from: request.from, to: name, dryRun: rehearsal == .dryRun, teams: teams.map(PromotedTeamBody.init))
    }

    private func hotFix(_ call: Call, _ request: HotFixRequest) async throws -> HotFixBody {
        let name: FleetName = try call.path("fleet")
        let record = try await publisher.store.hotFix(
            request.change, in: name, request.dryRun == true ? .dryRun : .real, by: try call.caller().actor,
            now: call.now)
        return HotFixBody(
            fleet: name, change: request.change, team: record.team, before: record.before, content: record.content,
            difference: record.difference)
    }
}

extension TeamPromotion {
    init(_ candidate: PromotionCandidate, into state: FleetState) throws {
        let signsTargets = try state.targetsOnline
        let desired = signsTargets ? try state.teamQuorums[candidate.team].map { try TeamQuorum($0) } : nil
        self.init(
            of: candidate.team, in: candidate.custody, role: candidate.bytes, to: PublishedState(state),
            desired: desired)
    }
}

extension TeamPromotion.Verdict {
    fileprivate var outcome: PromotedTeam.Outcome {
        switch self {
        case .sameBytes: .sameBytes
        case .signedAnew(let reason): .signedAnew(reason: reason)
        case .refused(let reason, let hint): .refused(reason: reason, hint: hint)
        }
    }
}

extension PromotedTeamBody {
    init(_ team: PromotedTeam) {
        let (outcome, reason, hint): (PromotionOutcome, String?, String?) =
            switch team.outcome {
            case .sameBytes: (.promoted, nil, nil)
            case .signedAnew(let reason): (.signedAnew, reason, nil)
            case .unchanged: (.unchanged, nil, nil)
            case .refused(let reason, let hint): (.refused, reason, hint)
            }
        self.init(
            team: team.team, outcome: outcome, before: team.before, content: team.content, version: team.version,
            difference: team.difference, reason: reason, hint: hint)
    }
}

extension FleetWarningsBody {
    init(_ fleet: FleetRecord, now: UTCDate) {
        let note = fleet.note
        self.init(
            fleet: fleet.name, halt: fleet.halt, failure: note?.failure,
            expiring: ExpiryWarning.all(of: note?.expiries ?? [], now: now).map {
                ExpiryWarningBody(role: $0.role, expires: $0.expires, daysLeft: $0.daysLeft, stage: $0.stage)
            },
            held: (note?.held ?? []).map { HeldTeamBody(team: $0.team, reason: $0.reason, isListed: $0.isListed) },
            waiting: note?.waiting ?? [],
            unusableKeys: note?.unusableKeys.map { keys in
                keys.map { UnusableKeyBody(role: $0.role, reason: $0.reason, ends: $0.ends) }
            })
    }

    /// A line for each, the worst first.
    var lines: [String] {
        var lines: [String] = []
        if let halt { lines.append("publishing was stopped: \(halt)") }
        lines += expiring.filter { $0.stage == 0 }.map { "\(Self.label($0.role)) expired at \($0.expires)" }
        if let failure { lines.append("nothing can be published: \(failure)") }
        lines += (unusableKeys ?? []).map { key in
            let ends = key.ends.map { "; what it signed ends at \($0)" } ?? ""
            return "the server's key for \(key.role) cannot be used: \(key.reason)\(ends)"
        }
        lines += held.map { held in
            "team \(held.team) is held \(held.isListed ? "as it was published before" : "back"): \(held.reason)"
        }
        lines += expiring.filter { $0.stage > 0 }.map {
            "\(Self.label($0.role)): \($0.daysLeft) day(s) left, until \($0.expires)"
        }
        return lines + waiting.map { "waits for a ceremony: \($0)" }
    }

    private static func label(_ role: String) -> String {
        switch role {
        case "root": "the fleet keys"
        case "targets": "the fleet's settings"
        default: "what team \(role) has signed"
        }
    }
}
