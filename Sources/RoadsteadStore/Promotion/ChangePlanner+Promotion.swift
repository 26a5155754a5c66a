import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Whether a removal would not reach every host with the team's next role: its members have to sign that first, or
    /// some fleet takes an older content until something is promoted to it, or keeps what it has of the team or at all.
    func isHeldUp(_ team: TeamRow) async throws -> Bool {
        if team.custody == .team { return true }
        if try await transaction.fetchOne(IsPromotedSomewhere(team: team.id)) { return true }
        if try await transaction.fetchOne(IsHeldSomewhere(team: team)) { return true }
        return try await isHandedBackUnseen(team)
    }
}
