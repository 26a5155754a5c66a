/// Removes a root rule, by name.
package struct RemoveRule: GovernedOperation {
    package static let kind = OperationKind.removeRule
    package static let concern = ChangeConcern.administration

    package let rule: String

    /// - Throws: `TrustModelError(.name)` for what no rule is called.
    package init(rule: String) throws(TrustModelError) {
        try RootRule.check(name: rule)
        self.rule = rule
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(rule: try container.decode(String.self, forKey: .rule))
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "removes the root rule \(rule)" }
}
