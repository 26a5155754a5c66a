package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// What a change would do to each fleet that it concerns if it came into force now. It is done in a transaction by
    /// the code that does it in earnest, and undone whole: nothing of it stays, and the audit log tells of nothing.
    package func rehearse(_ content: ChangeContent, by actor: Actor, now: UTCDate) async throws -> [FleetEffect] {
        guard inspector.readsCertificates, content.concernsFleets else { return [] }
        do {
            return try await pool.withTransaction { transaction in
                throw Rehearsed(effects: try await rehearse(content, by: actor, on: transaction, now: now))
            }
        } catch let rehearsed as Rehearsed {
            return rehearsed.effects
        }
    }

    /// Refuses a change that the guards would refuse to publish.
    ///
    /// - Throws: `StoreError(.refusedByGuard)`.
    package func guardAgainst(_ content: ChangeContent, by actor: Actor, now: UTCDate) async throws {
        guard content.adds else { return }
        try content.refuse(try await rehearse(content, by: actor, now: now))
    }

    private func rehearse(
        _ content: ChangeContent, by actor: Actor, on transaction: Transaction, now: UTCDate
    ) async throws -> [FleetEffect] {
        let team = try await content.team.asyncMap { try await transaction.lockTeam($0) }
        let planner = ChangePlanner(
            transaction: transaction, inspector: inspector, team: team, author: actor.person, now: now)
        let plan = try await planner.plan(content)
        let rehearsal = BeginRehearsal(
            team: team?.id, actor: actor, content: try content.canonicalBytes,
            ending: content.breakGlass?.until, now: now)
        let number = try await transaction.fetchOne(rehearsal)
        let audit = AuditWriter(transaction: transaction, actor: .publisher, now: now, isRehearsal: true)
        return try await transaction.effects(of: content, now: now) {
            try await planner.apply(plan, of: number, by: actor.person, content, audit: audit)
        }
    }
}

/// Carries the effects out of the transaction that it undoes.
private struct Rehearsed: Error { let effects: [FleetEffect] }

extension Transaction {
    /// Does something and says what it did to the fleets that a change concerns.
    func effects(
        of content: ChangeContent, now: UTCDate, _ body: () async throws -> Void
    ) async throws -> [FleetEffect] {
        let before = try await fleetContents(concernedBy: content)
        try await body()
        let after = try await fleetContents(concernedBy: content)
        return try before.compactMap { fleet, old in
            try after.first { $0.fleet == fleet }.map { try FleetEffect(from: old, to: $0.content, now: now) }
        }
    }

    private func fleetContents(
        concernedBy content: ChangeContent
    ) async throws -> [(fleet: FleetName, content: FleetContent)] {
        let query = ListConcernedFleets(
            teams: content.concernedTeams, fleets: content.fleet.map { [$0] } ?? [], all: content.concernsAllFleets)
        var contents: [(FleetName, FleetContent)] = []
        for fleet in try await fetchAll(query) { contents.append((fleet.name, try await self.content(of: fleet))) }
        return contents
    }

    /// What a fleet's next release is made from.
    func content(of fleet: FleetRow) async throws -> FleetContent {
        let teams = try await fetchAll(ListTeamsOfFleet(fleet: fleet.id))
        return try await content(of: fleet, teams, try await contents(of: teams, in: fleet))
    }
}

extension ChangeContent {
    /// Teams whose content or scopes it changes.
    var concernedTeams: [TeamName] {
        var teams = team.map { [$0] } ?? []
        for case .governed(let step) in operations {
            switch step.operation {
            case let operation as AddScope: teams.append(operation.team)
            case let operation as RemoveScope: teams.append(operation.team)
            case let operation as RemoveTeam: teams.append(operation.team)
            default: break
            }
        }
        return Set(teams).sorted()
    }

    /// Vendors and denials that hold everywhere may reach any team.
    package var concernsAllFleets: Bool { concern == .vendors || (concern == .denials && team == nil) }

    /// Whether it can change anything that hosts see.
    var concernsFleets: Bool { !concernedTeams.isEmpty || fleet != nil || concernsAllFleets }

    private var acceptsHandover: Bool {
        operations.contains { operation in
            guard case .governed(let step) = operation else { return false }
            return (step.operation as? any HandingOver)?.acceptHandover == true
        }
    }

    /// - Throws: `StoreError(.refusedByGuard)` where an effect is one that additions and edits must not have.
    func refuse(_ effects: [FleetEffect]) throws {
        for effect in effects {
            for finding in effect.findings where finding.refuses && !(finding.kind == .handover && acceptsHandover) {
                throw StoreError(
                    .refusedByGuard, "in fleet \(effect.fleet) \(finding.text)", hint: finding.hint)
            }
        }
    }
}

/// Fleets that some teams are in, or that are named, or all.
struct ListConcernedFleets: Query {
    static let sql = """
        SELECT \(FleetRow.columns) FROM fleet WHERE removed_at IS NULL AND ($3 OR name = ANY ($2) OR EXISTS (
            SELECT FROM fleet_team m JOIN team t ON t.id = m.team_id
            WHERE m.fleet_id = fleet.id AND t.name = ANY ($1))) ORDER BY name
        """
    let teams: [TeamName]
    let fleets: [FleetName]
    let all: Bool
    var bindings: [Binding] { [.texts(teams.map(\.rawValue)), .texts(fleets.map(\.rawValue)), .bool(all)] }
    func decode(_ row: Row) throws -> FleetRow { try FleetRow(row) }
}

/// A change for what is done by it to refer to, until the transaction is undone.
struct BeginRehearsal: Query {
    static let sql = "SELECT begin_rehearsal($1, $2, $3, $4, $5, $6) AS number"
    let team: Int64?
    let actor: Actor
    let content: [UInt8]
    /// When what it adds ends by break-glass.
    let ending: UTCDate?
    let now: UTCDate

    var bindings: [Binding] {
        [.int(team), .int(actor.person.rawValue), .int(actor.credential), .bytes(content), .date(ending), .date(now)]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}
