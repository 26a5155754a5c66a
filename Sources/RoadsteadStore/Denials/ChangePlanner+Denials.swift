import Codecs
import PostgresKit
import TrustModel

extension ChangePlanner {
    /// An anchor that is denied where it would be trusted comes back in two steps, so that both are seen.
    func refuseDenied(_ facts: AnchorFacts, in team: TeamRow) async throws {
        let denials = try await transaction.fetchAll(ListDenialsInForce(teams: [team.id]))
        guard let denial = denials.first(where: { facts.isDenied(by: $0.subject) }) else { return }
        let reach = denial.team.map { "in the scopes of team \($0)" } ?? "everywhere"
        throw StoreError(
            .conflict, "\(facts.subject) is denied \(reach) since \(denial.issued), by D-\(denial.id)",
            hint: "lift the denial first: roadstead deny lift D-\(denial.id) --reason …")
    }

    func planLifting(of id: Int64, in team: TeamName?) async throws -> ChangePlan.Step {
        guard let denial = try await transaction.fetchOptional(FetchDenial(id: id)) else {
            throw StoreError.noSuch("denial", "D-\(id)")
        }
        guard denial.lifted == nil else {
            throw StoreError(.conflict, "D-\(id) was lifted already, by C-\(denial.liftedByChange ?? 0)")
        }
        guard denial.team == team else {
            throw StoreError(
                .invalid,
                "D-\(id) holds \(denial.team.map { "in the scopes of team \($0)" } ?? "everywhere"), "
                    + "and the change is of \(team.map { "team \($0)" } ?? "everything")",
                hint: "name the reach of the denial in the change")
        }
        return .lift(denial: id)
    }

    func lift(_ id: Int64, by change: Int64, audit: AuditWriter) async throws {
        guard try await transaction.execute(LiftDenial(id: id, change: change, now: now)) == 1 else {
            throw StoreError(.conflict, "D-\(id) was lifted already")
        }
        try await audit.record(.denialLifted, "D-\(id)", team: team?.name, detail: ["change": .string("C-\(change)")])
    }
}
