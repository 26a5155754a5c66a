import Codecs
import RoadsteadStore
import Testing
import TrustModel

/// What administrators do, through to its effect: at once while founding holds, else agreed by whoever may.
extension World {
    /// Proposes operations and, where others must agree, has the first who can do so, and publishes.
    @discardableResult
    func govern(
        _ operations: [any GovernedOperation], by actor: Actor, now: UTCDate = start
    ) async throws -> ChangeRecord {
        let content = try ChangeContent(
            team: nil, operations: operations.map { .governed(GovernedStep($0)) }, justification: "set up")
        return try await agree(on: try await api.propose(content, by: actor, now: now), now: now)
    }

    @discardableResult
    func agree(on record: ChangeRecord, now: UTCDate = start) async throws -> ChangeRecord {
        guard record.change.state == .submitted else { return record }
        let approver = try #require(record.canApprove.first, "nobody can approve \(record.change.content)")
        let session = try await api.authenticate(
            tokenSHA256: Self.digest("\(approver.subject)-1"), requestID: "r-agree", now: now)
        try await approve(record, by: session, at: now)
        _ = try await publisher.publishApprovedChanges(now: now)
        let after = try await api.change(record.change.number)
        #expect(after.change.state == .published, "\(after.change.note ?? "")")
        return after
    }

    @discardableResult
    func createTeam(_ team: TeamName, displayName: String, by actor: Actor, now: UTCDate) async throws -> TeamRecord {
        try await govern([AddTeam(team: team, displayName: displayName)], by: actor, now: now)
        return try await api.team(team)
    }

    func removeTeam(_ team: TeamName, by actor: Actor, now: UTCDate) async throws {
        try await govern([RemoveTeam(team: team)], by: actor, now: now)
    }

    @discardableResult
    func addScope(
        _ scope: RegistryScope, to team: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> TeamRecord {
        try await govern([AddScope(team: team, scope: scope)], by: actor, now: now)
        return try await api.team(team)
    }

    @discardableResult
    func removeScope(
        _ scope: RegistryScope, from team: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> TeamRecord {
        try await govern([RemoveScope(team: team, scope: scope)], by: actor, now: now)
        return try await api.team(team)
    }

    @discardableResult
    func addRootRule(_ rule: RootRule, by actor: Actor, now: UTCDate) async throws -> RootRuleRecord {
        try await govern([SetRule(rule: rule, replaces: false)], by: actor, now: now)
        return try #require(try await api.rootRules().first { $0.rule.name == rule.name })
    }

    func removeRootRule(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await govern([try RemoveRule(rule: try await api.rootRule(id).rule.name)], by: actor, now: now)
    }

    func grant(_ binding: RoleBinding, to subject: String, by actor: Actor, now: UTCDate) async throws {
        try await govern([try GrantRole(person: subject, binding)], by: actor, now: now)
    }

    func revokeBinding(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await govern([RevokeRole(binding: id)], by: actor, now: now)
    }

    @discardableResult
    func setMode(
        _ mode: EnforcementMode, of fleet: FleetName, enforcer: EnforcerKind? = nil, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await govern([SetMode(fleet: fleet, mode: mode, enforcer: enforcer)], by: actor, now: now)
        return try await api.fleet(fleet)
    }

    @discardableResult
    func addTeam(_ team: TeamName, to fleet: FleetName, by actor: Actor, now: UTCDate) async throws -> FleetRecord {
        try await govern([AddFleetTeam(fleet: fleet, team: team)], by: actor, now: now)
        return try await api.fleet(fleet)
    }

    @discardableResult
    func removeTeam(
        _ team: TeamName, from fleet: FleetName, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await govern([RemoveFleetTeam(fleet: fleet, team: team)], by: actor, now: now)
        return try await api.fleet(fleet)
    }
}
