/// Says what a signature on a team's images must satisfy, in the team's own statements or by the standard one.
package struct SetPolicy: ReplacingOperation {
    package static let kind = OperationKind.setPolicy
    package static let concern = ChangeConcern.anchors

    /// Absent for the standard statement: every scope of the team, strictly, under its own stores.
    package let statements: TeamStatements?
    package let madeFrom: String?

    package init(statements: TeamStatements?, madeFrom: String? = nil) {
        self.statements = statements
        self.madeFrom = madeFrom
    }

    package func made(from state: String?) -> Self { Self(statements: statements, madeFrom: state) }

    package func proposal(in team: TeamName?) -> [Permission] { [team.map(Permission.propose) ?? .administer] }
    package func approval(in team: TeamName?) -> Permission {
        team.map(Permission.approveAdditions) ?? .approveAdministration
    }

    package var summary: String {
        guard let statements else { return "gives the team the standard policy: every scope, strictly" }
        return "sets the team's policy: " + statements.statements.map(\.summary).joined(separator: "; ")
    }

    private enum CodingKeys: String, CodingKey { case statements, madeFrom }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let statements = try container.decodeIfPresent([TeamPolicy.Statement].self, forKey: .statements)
        self.statements = try statements.map { try TeamStatements($0) }
        madeFrom = try container.decodeIfPresent(String.self, forKey: .madeFrom)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(statements?.statements, forKey: .statements)
        try container.encodeIfPresent(madeFrom, forKey: .madeFrom)
    }
}

extension TeamPolicy.Statement {
    /// What it says, for people.
    package var summary: String { summary(stores: stores.map(\.description)) }

    func summary(stores: [String]) -> String {
        let overrides = (override ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return "\(name) is \(level)\(overrides) for \(Self.list(registryScopes.map(\.rawValue))), stores "
            + "\(Self.list(stores)), identities \(Self.list(trustedIdentities))"
    }

    private static func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.joined(separator: ", ") }
}

extension TeamPolicy.StoreReference: CustomStringConvertible {
    package var description: String { "\(kind.rawValue)/\(name)" }
}
