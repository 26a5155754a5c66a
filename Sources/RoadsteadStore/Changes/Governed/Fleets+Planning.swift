import Codecs
import PostgresKit
import TrustModel

extension SetMode: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        _ = try await planner.transaction.requireFleet(fleet)
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockFleet(fleet)
            if let enforcer {
                try await transaction.execute(SetEnforcerMode(fleet: row.id, enforcer: enforcer, mode: mode))
            } else {
                try await transaction.execute(ClearEnforcerModes(fleet: row.id))
                try await transaction.execute(SetFleetMode(fleet: row.id, mode: mode))
            }
            try await context.record(
                .fleetModeSet, fleet, fleet: fleet,
                detail: ["mode": .string(mode.rawValue), "enforcer": .string(enforcer?.rawValue ?? "all")])
        }
    }
}

extension AddFleetTeam: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let row = try await planner.transaction.requireFleet(fleet)
        let member = try await planner.transaction.requireTeam(team)
        guard try await !planner.transaction.fetchAll(ListTeamsOfFleet(fleet: row.id)).map(\.id).contains(member.id)
        else { throw taken }
        _ = try await planner.transaction.contentFromSource(of: member, for: row)
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockFleet(fleet)
            let member = try await transaction.lockTeam(team)
            let insert = InsertFleetTeam(fleet: row.id, team: member.id, now: context.planner.now)
            guard try await transaction.fetchOptional(insert) != nil else { throw taken }
            try await transaction.takeFromSource(member, into: row)
            try await context.record(.fleetTeamAdded, team, team: team, fleet: fleet)
        }
    }

    private var taken: StoreError { StoreError(.conflict, "team \"\(team)\" is in fleet \"\(fleet)\" already") }
}

extension RemoveFleetTeam: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let row = try await planner.transaction.requireFleet(fleet)
        guard try await planner.transaction.fetchAll(ListTeamsOfFleet(fleet: row.id)).map(\.name).contains(team) else {
            throw absent
        }
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let row = try await transaction.lockFleet(fleet)
            let member = try await transaction.lockTeam(team)
            let delete = DeleteFleetTeam(fleet: row.id, team: member.id)
            guard try await transaction.execute(delete) == 1 else { throw absent }
            try await context.record(.fleetTeamRemoved, team, team: team, fleet: fleet)
        }
    }

    private var absent: StoreError { StoreError(.notFound, "team \"\(team)\" is not in fleet \"\(fleet)\"") }
}

extension SetFleetSettings {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        _ = try await planner.transaction.requireFleet(fleet)
        return PlannedStep { context in
            let row = try await context.planner.transaction.lockFleet(fleet)
            try await context.planner.transaction.execute(SetFleetOptions(fleet: row.id, options: options))
            try await context.record(
                .fleetSettingsSet, fleet, fleet: fleet, detail: ["settings": try JSON(encoding: options)])
        }
    }
}
