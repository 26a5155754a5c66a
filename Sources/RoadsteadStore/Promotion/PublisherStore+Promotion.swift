package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Lets a fleet take what its source publishes, of some teams or of all.
    ///
    /// Each team is judged alone: one that is refused keeps what it had.
    ///
    /// - Parameters:
    ///   - teams: which teams; nil for all that both fleets have.
    ///   - judge: decides about one team's signed role, given the fleet that it goes into.
    package func promote(
        from source: FleetName, to name: FleetName, teams: [TeamName]?, _ rehearsal: Rehearsal = .real,
        by actor: Actor, now: UTCDate,
        judge: (PromotionCandidate, FleetState) throws -> PromotedTeam.Outcome
    ) async throws -> [PromotedTeam] {
        try await work(actor, .operateFleet(name), now: now) { work in
            let promotion = try await Promotion(
                transaction: work.transaction, source: source, destination: name, rehearsal: rehearsal)
            var results: [PromotedTeam] = []
            for team in try promotion.teams(teams) {
                let result = try await promotion.promote(team, judge: judge)
                results.append(result)
                guard rehearsal == .real, let content = result.content, result.isTaken else { continue }
                try await work.audit.record(
                    .fleetPromoted, name, team: team, fleet: name,
                    detail: [
                        "from": .string(source.rawValue), "content": .integer(content),
                        "before": .integer(result.before),
                    ])
            }
            if rehearsal == .real { try await work.transaction.execute(SendPublishSignal()) }
            return results
        }
    }

    /// What a person has the publisher do: asked for the person's roles in the same transaction.
    func work<Result>(
        _ actor: Actor, _ permission: Permission, now: UTCDate, _ body: (ApiStore.Work) async throws -> Result
    ) async throws -> Result {
        try await pool.withTransaction(attempts: 4) { transaction in
            let authority = try await Authority.fetch(actor, on: transaction, now: now)
            try authority.require(permission)
            let audit = AuditWriter(transaction: transaction, actor: .person(actor), now: now)
            return try await body(ApiStore.Work(transaction: transaction, authority: authority, audit: audit))
        }
    }
}

extension PromotedTeam {
    /// Whether the fleet takes another content from now on.
    var isTaken: Bool {
        switch outcome {
        case .sameBytes, .signedAnew: true
        case .unchanged, .refused: false
        }
    }
}

/// One promotion under way, with both fleets locked.
private struct Promotion {
    let transaction: Transaction
    let source: FleetRow
    let destination: FleetRow
    let rehearsal: Rehearsal
    let state: FleetState

    init(
        transaction: Transaction, source: FleetName, destination: FleetName, rehearsal: Rehearsal
    ) async throws {
        self.transaction = transaction
        self.rehearsal = rehearsal
        self.destination = try await transaction.lockFleet(destination)
        guard self.destination.promotesFrom == source else {
            throw StoreError(
                .conflict,
                self.destination.promotesFrom.map { "fleet \"\(destination)\" is promoted from fleet \"\($0)\"" }
                    ?? "fleet \"\(destination)\" takes the newest of each team, so nothing can be promoted to it",
                hint: "roadstead fleet set \(destination) --promotes-from \(source)")
        }
        self.source = try await transaction.requireFleet(source)
        state = try await transaction.state(of: destination)
    }

    /// The teams to look at: those named, or all that the fleet has.
    func teams(_ named: [TeamName]?) throws -> [TeamName] {
        let members = state.content.teams.map(\.name)
        guard let named else { return members }
        if let stranger = named.first(where: { !members.contains($0) }) {
            throw StoreError(
                .notFound, "team \"\(stranger)\" is not in fleet \"\(destination.name)\"",
                hint: "roadstead fleet set \(destination.name) --add-team \(stranger)")
        }
        return Set(named).sorted()
    }

    func promote(
        _ name: TeamName, judge: (PromotionCandidate, FleetState) throws -> PromotedTeam.Outcome
    ) async throws -> PromotedTeam {
        let team = try await transaction.lockTeam(name)
        let before = state.contentNumbers[name] ?? 0
        guard let role = try await transaction.fetchOptional(FetchPublishedTeamRole(fleet: source.id, team: team.id))
        else {
            return PromotedTeam(
                team: name, before: before, content: nil, version: nil, difference: [],
                outcome: .refused(reason: "fleet \(source.name) has published nothing of it", hint: nil))
        }
        let (old, new) = (
            try await transaction.fetchOne(FetchContent(team: team.id, number: before)).document,
            try await transaction.fetchOne(FetchContent(team: team.id, number: role.number)).document
        )
        let difference = try await transaction.difference(of: team, from: old, to: new)
        var outcome: PromotedTeam.Outcome = .unchanged
        if role.number != before {
            outcome = try await self.outcome(team, role, added: new.anchors.subtracting(old.anchors), judge: judge)
        }
        let result = PromotedTeam(
            team: name, before: before, content: role.number, version: role.version, difference: difference,
            outcome: outcome)
        if rehearsal == .real, result.isTaken {
            try await transaction.execute(
                MovePromotedContent(fleet: destination.id, team: team.id, number: role.number))
        }
        return result
    }

    private func outcome(
        _ team: TeamRow, _ role: PublishedTeamRole, added: Set<TeamContentDocument.Placed>,
        judge: (PromotionCandidate, FleetState) throws -> PromotedTeam.Outcome
    ) async throws -> PromotedTeam.Outcome {
        do {
            try await transaction.refuseRemoved(added, of: team, source: source.name)
        } catch let error as StoreError where error.code == .conflict {
            return .refused(reason: error.reason, hint: error.hint)
        }
        let candidate = PromotionCandidate(
            team: team.name, custody: team.custody, version: role.version, bytes: role.bytes)
        return try judge(candidate, state)
    }
}

extension Transaction {
    /// How two contents of a team differ, with the anchors' subjects.
    func difference(
        of team: TeamRow, from old: TeamContentDocument, to new: TeamContentDocument
    ) async throws -> [String] {
        let digests = Set((old.anchors.union(new.anchors)).map(\.sha256))
        let query = ListCertificates(teams: [team.id], digests: Array(digests))
        let subjects = Dictionary(try await fetchAll(query).map { ($0.sha256, $0.subject) }) { first, _ in first }
        return new.difference(from: old, of: team.name) { "\(subjects[$0] ?? "?") (\($0.prefix(16))…)" }
    }
}

extension PublisherStore {
    /// The number of the content that hosts of a fleet have of a team; nil when they have none.
    package func publishedContent(of name: TeamName, in fleet: FleetName) async throws -> Int64? {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let (fleet, team) = (try await transaction.requireFleet(fleet), try await transaction.requireTeam(name))
            return try await transaction.fetchOptional(FetchPublishedTeamRole(fleet: fleet.id, team: team.id))?.number
        }
    }
}
