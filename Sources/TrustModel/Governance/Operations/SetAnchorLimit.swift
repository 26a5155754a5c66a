/// Whether hosts take from a team only the anchors that the fleet's own settings list.
package enum AnchorLimit: String, Sendable, Hashable, Codable, CaseIterable {
    /// From teams that have third-party anchors.
    case automatic
    case always
    case never
}

/// Says whether hosts enforce which anchors a team may have, whoever holds the team's key.
package struct SetAnchorLimit: GovernedOperation {
    package static let kind = OperationKind.setAnchorLimit
    package static let concern = ChangeConcern.administration

    package let team: TeamName
    package let limit: AnchorLimit

    package init(team: TeamName, limit: AnchorLimit) {
        self.team = team
        self.limit = limit
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }

    package var summary: String {
        switch limit {
        case .automatic: "has hosts take only listed anchors from team \(team) while it has third-party ones"
        case .always: "has hosts take only listed anchors from team \(team)"
        case .never: "lets hosts take whatever anchors the role of team \(team) carries"
        }
    }
}
