/// Removes a root rule, by name.
package struct RemoveRule: ReplacingOperation {
    package static let kind = OperationKind.removeRule
    package static let concern = ChangeConcern.administration

    package let rule: String
    package let madeFrom: String?

    /// - Throws: `TrustModelError(.name)` for what no rule is called.
    package init(rule: String, madeFrom: String? = nil) throws(TrustModelError) {
        try RootRule.check(name: rule)
        self.init(checked: rule, madeFrom: madeFrom)
    }

    private init(checked rule: String, madeFrom: String?) {
        self.rule = rule
        self.madeFrom = madeFrom
    }

    package func made(from state: String?) -> Self { Self(checked: rule, madeFrom: state) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            rule: try container.decode(String.self, forKey: .rule),
            madeFrom: try container.decodeIfPresent(String.self, forKey: .madeFrom))
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "removes the root rule \(rule)" }
}
