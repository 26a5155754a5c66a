import Codecs
import PostgresKit
import TrustModel

extension AddException: PlannableOperation {
    /// In force in one fleet at the same time.
    static let maximumCount = 100

    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let transaction = planner.transaction
        let row = try await transaction.requireFleet(fleet)
        let asking = try await team.asyncMap { try await self.asking($0, of: row, on: transaction) }
        _ = try end(planner.now)
        let present = try await transaction.fetchAll(ListExceptions(fleet: fleet, all: false))
        guard present.count < Self.maximumCount else {
            throw StoreError(
                .conflict, "fleet \"\(fleet)\" has \(present.count) exceptions, the most that it may have",
                hint: "end those that are no longer needed: roadstead exception list --fleet \(fleet)")
        }
        if let same = present.first(where: { $0.exception.subject == subject }) {
            throw StoreError(
                .conflict, "\(same.exception.id) is for the same already, until \(same.exception.until)",
                hint: "end it first: roadstead exception end \(same.exception.id) --fleet \(fleet)")
        }
        return PlannedStep { context in
            let insert = InsertException(
                fleet: row.id, team: asking?.id, subject: subject, until: try end(context.planner.now), owner: owner,
                reason: context.content.justification, change: context.change, now: context.planner.now)
            let number = try await context.planner.transaction.fetchOne(insert)
            try await context.audit.record(
                .exceptionAdded, "E-\(number)", team: team, fleet: fleet,
                detail: ["until": .string("\(insert.until)"), "subject": .string(subject.text)])
        }
    }

    private func end(_ now: UTCDate) throws -> UTCDate {
        do throws(TrustModelError) { return try end(from: now) } catch {
            throw StoreError(.invalid, error.reason, hint: error.hint)
        }
    }

    /// The team that asks; it asks for what is its own.
    private func asking(
        _ name: TeamName, of fleet: FleetRow, on transaction: Transaction
    ) async throws -> TeamRow {
        let team = try await transaction.requireTeam(name)
        guard try await transaction.fetchAll(ListTeamsOfFleet(fleet: fleet.id)).contains(where: { $0.id == team.id })
        else { throw StoreError(.notFound, "team \"\(name)\" is not in fleet \"\(fleet.name)\"") }
        guard case .scope(let scope) = subject else { return team }
        guard try await transaction.fetchOptional(FetchRepositoryOwner(repository: scope)) == name else {
            throw StoreError(
                .invalid, "the scope \"\(scope)\" is not one of team \"\(name)\"",
                hint: "an operator of fleet \(fleet.name) asks for it without naming a team")
        }
        return team
    }
}

extension EndException: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let found = try await planner.transaction.fetchAll(ListExceptions(fleet: fleet, all: false))
        guard found.contains(where: { $0.number == exception }) else { throw absent }
        return PlannedStep { context in
            let end = EndExceptionRow(number: exception, change: context.change, now: context.planner.now)
            guard try await context.planner.transaction.execute(end) == 1 else { throw absent }
            try await context.audit.record(.exceptionEnded, "E-\(exception)", fleet: fleet)
        }
    }

    private var absent: StoreError {
        StoreError(.notFound, "fleet \"\(fleet)\" has no exception E-\(exception) in force")
    }
}

extension PolicyException.Subject {
    /// What it names, for people.
    package var text: String {
        switch self {
        case .digest(let digest): digest
        case .scope(let scope): scope.rawValue
        }
    }
}
