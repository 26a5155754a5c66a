import Codecs
import PostgresKit
import TrustModel

extension Transaction {
    /// The only anchors that hosts are to take, by team; without those from which they take any.
    func allowedAnchors(in contents: [TakenContent]) async throws -> [Int64: [FleetSettings.AllowedAnchor]] {
        let limits = try await fetchAll(ListAnchorLimits(teams: contents.map(\.team.id)))
        let origins = try await fetchAll(ListThirdPartyAnchors(teams: contents.map(\.team.id)))
        let thirdParty = Dictionary(grouping: origins, by: \.team).mapValues { Set($0.map(\.sha256)) }
        var allowed: [Int64: [FleetSettings.AllowedAnchor]] = [:]
        for content in contents {
            let foreign = thirdParty[content.team.id] ?? []
            let anchors = content.document.stores.flatMap { store in
                store.anchors.map { sha256 in
                    FleetSettings.AllowedAnchor(
                        kind: store.kind, sha256: sha256, origin: foreign.contains(sha256) ? .thirdParty : .own)
                }
            }
            switch limits.first(where: { $0.team == content.team.id })?.limit ?? .automatic {
            case .never: break
            case .always: allowed[content.team.id] = anchors
            case .automatic:
                if anchors.contains(where: { $0.origin == .thirdParty }) { allowed[content.team.id] = anchors }
            }
        }
        return allowed
    }
}

extension SetAnchorLimit: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let row = try await planner.transaction.requireTeam(team)
        return PlannedStep { context in
            try await context.planner.transaction.execute(UpdateAnchorLimit(team: row.id, limit: limit))
            try await context.audit.record(
                .anchorLimitSet, team, team: team,
                detail: ["limit": .string(limit.rawValue), "change": .string("C-\(context.change)")])
        }
    }
}

struct ListAnchorLimits: Query {
    static let sql = "SELECT id, anchor_limit FROM team WHERE id = ANY ($1)"
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, limit: AnchorLimit) {
        (try row.value("id"), try row.value("anchor_limit", { try stored($0) }))
    }
}

/// The certificates that are, or were, third-party anchors of some teams: one that was so once stays it for hosts.
struct ListThirdPartyAnchors: Query {
    static let sql = "SELECT DISTINCT team_id, sha256 FROM anchor WHERE team_id = ANY ($1) AND origin = 'third-party'"
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, sha256: String) {
        (try row.value("team_id"), try row.value("sha256"))
    }
}

struct UpdateAnchorLimit: Statement {
    static let sql = "UPDATE team SET anchor_limit = $2 WHERE id = $1"
    let team: Int64
    let limit: AnchorLimit
    var bindings: [Binding] { [.int(team), .text(limit.rawValue)] }
}
