/// Makes a root rule, in place of the one of that name where there is one.
package struct SetRule: ReplacingOperation {
    package static let kind = OperationKind.setRule
    package static let concern = ChangeConcern.administration

    package let rule: RootRule
    /// Whether a rule of that name may be there already. A new rule that only refuses takes nobody else.
    package let replaces: Bool
    package let madeFrom: String?

    package init(rule: RootRule, replaces: Bool = true, madeFrom: String? = nil) {
        self.rule = rule
        self.replaces = replaces
        self.madeFrom = madeFrom
    }

    package func made(from state: String?) -> Self { Self(rule: rule, replaces: replaces, madeFrom: state) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        replaces = try container.decodeIfPresent(Bool.self, forKey: .replaces) ?? true
        rule = try container.decode(RootRule.self, forKey: .rule)
        madeFrom = try container.decodeIfPresent(String.self, forKey: .madeFrom)
    }

    private enum CodingKeys: String, CodingKey { case rule, replaces, madeFrom }

    package var adds: Bool {
        if case .deny = rule.effect { replaces } else { true }
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package func alone(in team: TeamName?) -> Permission? { .administer }

    package var summary: String {
        let reach = rule.team.map { "team \($0)" } ?? "every team"
        let verb = replaces ? "sets" : "makes"
        switch rule.effect {
        case .allow(let needed): return "\(verb) the root rule \(rule.name) of \(reach): allows with \(needed)"
        case .deny(let reason): return "\(verb) the root rule \(rule.name) of \(reach): refuses (\(reason))"
        }
    }
}
