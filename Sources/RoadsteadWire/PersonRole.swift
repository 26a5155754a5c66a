/// The roles that people hold.
package enum PersonRole: String, Codable, Sendable, Hashable, CaseIterable {
    case trustAdmin = "trust-admin"
    case securityOfficer = "security-officer"
    case teamAdmin = "team-admin"
    case teamMember = "team-member"
    case fleetOperator = "fleet-operator"
    case auditor
}

/// What a token may be used for.
package enum TokenAccess: String, Codable, Sendable, Hashable, CaseIterable { case read, write }
