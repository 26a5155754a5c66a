package import Codecs
package import TrustModel

/// What a team says of its images: `GET /v1/teams/{team}/policy`.
package struct PolicyBody: Codable, Sendable, Equatable {
    package let team: TeamName
    /// True where the team wrote none and the standard statement speaks for it.
    package let standard: Bool
    package let statements: [TeamPolicy.Statement]
    /// The change that set it; absent where none did.
    package let change: Int64?
    package let set: UTCDate?

    package init(
        team: TeamName, standard: Bool, statements: [TeamPolicy.Statement], change: Int64? = nil, set: UTCDate? = nil
    ) {
        self.team = team
        self.standard = standard
        self.statements = statements
        self.change = change
        self.set = set
    }
}

/// `PUT /v1/teams/{team}/policy`: proposes another policy.
package struct PolicyRequest: Codable, Sendable, Equatable {
    /// Absent for the standard one.
    package let statements: [TeamPolicy.Statement]?
    package let justification: String
    package let ticket: String?

    package init(statements: [TeamPolicy.Statement]?, justification: String, ticket: String? = nil) {
        self.statements = statements
        self.justification = justification
        self.ticket = ticket
    }
}
