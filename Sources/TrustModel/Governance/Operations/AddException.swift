package import Codecs

/// Lets one digest pass in one fleet, or holds what the owner of one scope says there to `audit`, until a moment.
package struct AddException: GovernedOperation {
    package static let kind = OperationKind.addException
    package static let concern = ChangeConcern.exceptions
    /// Unless said.
    package static let standardSeconds: Int64 = 72 * 3_600
    package static let longestSeconds: Int64 = 30 * 86_400
    package static let maximumOwnerLength = 200

    package let fleet: FleetName
    package let subject: PolicyException.Subject
    /// Absent for 72 hours from when it comes into force.
    package let until: UTCDate?
    /// Who answers for it: a person or a group, as text.
    package let owner: String
    /// The team that asks, whose members may propose it; absent where the fleet's operators do.
    package let team: TeamName?

    /// - Throws: `TrustModelError(.document)` for an owner that is empty or too long.
    package init(
        fleet: FleetName, subject: PolicyException.Subject, until: UTCDate? = nil, owner: String, team: TeamName? = nil
    ) throws(TrustModelError) {
        guard (1...Self.maximumOwnerLength).contains(owner.utf8.count), !owner.utf8.contains(0) else {
            throw TrustModelError(
                .document, "the owner of the exception is empty or too long",
                hint: "1 to \(Self.maximumOwnerLength) characters")
        }
        self.fleet = fleet
        self.subject = subject
        self.until = until
        self.owner = owner
        self.team = team
    }

    /// When it ends, if it comes into force now.
    ///
    /// - Throws: `TrustModelError(.document)` for an end that has passed, or lies more than 30 days ahead.
    package func end(from now: UTCDate) throws(TrustModelError) -> UTCDate {
        let end = until ?? now.adding(seconds: Self.standardSeconds)
        guard end > now, end.seconds - now.seconds <= Self.longestSeconds else {
            throw TrustModelError(
                .document, "the exception would last until \(end)",
                hint: "to \(now.adding(seconds: Self.longestSeconds)) at most; 72 hours unless said")
        }
        return end
    }

    package var concernedFleet: FleetName? { fleet }
    package func proposal(in team: TeamName?) -> [Permission] {
        [self.team.map(Permission.propose) ?? .operateFleet(fleet)]
    }
    package func approval(in team: TeamName?) -> Permission { .approveFleet(fleet) }

    package var summary: String {
        let end = until.map { "until \($0)" } ?? "for 72 hours"
        switch subject {
        case .digest(let digest): return "accepts \(digest) in fleet \(fleet) \(end), whatever signs it"
        case .scope(let scope): return "holds \(scope), less what is another team's, to audit in fleet \(fleet) \(end)"
        }
    }

    private enum CodingKeys: String, CodingKey { case fleet, digest, scope, until, owner, team }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let fleet = try container.decode(FleetName.self, forKey: .fleet)
        let digest = try container.decodeIfPresent(String.self, forKey: .digest)
        let scope = try container.decodeIfPresent(RegistryScope.self, forKey: .scope)
        let until = try container.decodeIfPresent(UTCDate.self, forKey: .until)
        let owner = try container.decode(String.self, forKey: .owner)
        let team = try container.decodeIfPresent(TeamName.self, forKey: .team)
        try self.init(
            fleet: fleet, subject: PolicyException.Subject(digest: digest, scope: scope), until: until, owner: owner,
            team: team)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fleet, forKey: .fleet)
        switch subject {
        case .digest(let digest): try container.encode(digest, forKey: .digest)
        case .scope(let scope): try container.encode(scope, forKey: .scope)
        }
        try container.encodeIfPresent(until, forKey: .until)
        try container.encode(owner, forKey: .owner)
        try container.encodeIfPresent(team, forKey: .team)
    }
}

/// Ends an exception before its time, which takes nothing but a way around away.
///
/// It stands in the fleet's settings: where `targets` is signed offline hosts go on with it until the next ceremony, or
/// until its own end.
package struct EndException: GovernedOperation {
    package static let kind = OperationKind.endException
    package static let concern = ChangeConcern.exceptions

    package let fleet: FleetName
    package let exception: Int64

    package init(fleet: FleetName, exception: Int64) {
        self.fleet = fleet
        self.exception = exception
    }

    package var adds: Bool { false }
    package var concernedFleet: FleetName? { fleet }
    package func proposal(in team: TeamName?) -> [Permission] { [.endException(fleet)] }
    package func approval(in team: TeamName?) -> Permission { .endException(fleet) }
    package func alone(in team: TeamName?) -> Permission? { .endException(fleet) }
    package var summary: String {
        "ends the exception E-\(exception) of fleet \(fleet); where its targets are signed offline, hosts follow at the next ceremony"
    }
}
