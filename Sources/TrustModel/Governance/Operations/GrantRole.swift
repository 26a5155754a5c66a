/// Gives a role to a person, or to whoever takes up the open invitation of that name.
package struct GrantRole: GovernedOperation {
    package static let kind = OperationKind.grantRole
    package static let concern = ChangeConcern.administration
    /// The issuer of accounts that live in the server.
    package static let localIssuer = "local"

    /// The login name, or the subject that the issuer gives.
    package let person: String
    /// Absent for accounts that live in the server.
    package let issuer: String?
    package let role: PersonRole
    package let reach: RoleReach

    /// - Throws: `TrustModelError(.name)` for a name that nobody has, or a role that cannot be bound so.
    package init(
        person: String, issuer: String? = nil, _ binding: RoleBinding
    ) throws(TrustModelError) {
        try Self.check(person, "name of a person", maximum: 256)
        if let issuer { try Self.check(issuer, "issuer of a person", maximum: 512) }
        self.person = person
        self.issuer = issuer == Self.localIssuer ? nil : issuer
        role = binding.role
        reach = binding.reach
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let person = try container.decode(String.self, forKey: .person)
        let issuer = try container.decodeIfPresent(String.self, forKey: .issuer)
        let role = try container.decode(PersonRole.self, forKey: .role)
        let reach = try container.decode(RoleReach.self, forKey: .reach)
        try self.init(person: person, issuer: issuer, try RoleBinding(role, reach))
    }

    private enum CodingKeys: String, CodingKey { case person, issuer, role, reach }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }

    package var summary: String {
        "makes \(person)\(issuer.map { " of \($0)" } ?? "") \(role.title) on \(reach)"
    }

    private static func check(_ text: String, _ what: String, maximum: Int) throws(TrustModelError) {
        guard (1...maximum).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F })
        else {
            throw TrustModelError(
                .name, "the \(what) is empty, too long, or has blanks or control characters",
                hint: "1 to \(maximum) characters")
        }
    }
}
