package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Says from which fleet a fleet's contents are promoted; nil lets it take the newest of each team at once.
    ///
    /// A fleet that took the newest so far keeps what it takes now until something is promoted to it. To take the
    /// newest, or to change the source, lets contents in that nobody promoted, so it needs an administrator.
    package func setSource(
        _ source: FleetName?, of name: FleetName, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await work(actor, .operateFleet(name), now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            guard fleet.promotesFrom != source else { return try await transaction.record(of: fleet) }
            if fleet.promotesFrom != nil { try work.authority.require(.administer) }
            if let source {
                try await transaction.takeContents(of: fleet, from: source)
            } else {
                try await transaction.execute(ForgetPromotedContents(fleet: fleet.id))
                try await transaction.execute(SetPromotesFrom(fleet: fleet.id, source: nil))
            }
            try await work.audit.record(
                .fleetSourceSet, name, fleet: name,
                detail: ["from": source.map { .string($0.rawValue) } ?? .null])
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: try await transaction.requireFleet(name))
        }
    }
}

extension Transaction {
    fileprivate func takeContents(of fleet: FleetRow, from name: FleetName) async throws {
        let source = try await lockFleet(name)
        guard try await !fetchAll(ListSources(fleet: source.id)).contains(fleet.id) else {
            throw StoreError(
                .conflict, "fleet \"\(name)\" gets its own contents from fleet \"\(fleet.name)\"",
                hint: "promotion goes one way: choose a fleet that comes before both")
        }
        if fleet.promotesFrom == nil { try await execute(FreezeContents(fleet: fleet.id)) }
        try await execute(SetPromotesFrom(fleet: fleet.id, source: source.id))
    }

    /// A team that is new in a fleet brings what the fleet's source publishes of it, where the fleet has one.
    func takeFromSource(_ team: TeamRow, into fleet: FleetRow) async throws {
        guard let number = try await contentFromSource(of: team, for: fleet) else { return }
        try await execute(InsertPromotedContent(fleet: fleet.id, team: team.id, number: number))
    }

    /// The number of that content; nil where the fleet has no source.
    func contentFromSource(of team: TeamRow, for fleet: FleetRow) async throws -> Int64? {
        guard let name = fleet.promotesFrom else { return nil }
        let source = try await requireFleet(name)
        guard let role = try await fetchOptional(FetchPublishedTeamRole(fleet: source.id, team: team.id)) else {
            throw StoreError(
                .conflict,
                "fleet \"\(fleet.name)\" takes what fleet \"\(name)\" publishes, and that has published nothing of team "
                    + "\"\(team.name)\"", hint: "first: roadstead fleet set \(name) --add-team \(team.name)")
        }
        let content = try await fetchOne(FetchContent(team: team.id, number: role.number)).document
        try await refuseRemoved(content.anchors, of: team, source: name)
        return role.number
    }

    /// What the team has removed does not come back by way of an older content.
    func refuseRemoved(
        _ added: Set<TeamContentDocument.Placed>, of team: TeamRow, source: FleetName
    ) async throws {
        let active = Set(try await fetchAll(ListActivePlaces(team: team.id)))
        guard let gone = added.subtracting(active).map(\.sha256).min() else { return }
        throw StoreError(
            .conflict,
            "what fleet \"\(source)\" publishes of team \"\(team.name)\" still holds the anchor \(gone.prefix(16))…, "
                + "which was removed since",
            hint: "bring fleet \(source) up to date first: it publishes within seconds, or is promoted to")
    }
}
