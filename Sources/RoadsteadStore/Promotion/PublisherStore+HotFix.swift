package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Gives a fleet that is behind one published change, on top of the content that it takes, without what else the
    /// team has changed since.
    ///
    /// What comes of it is a content of its own under a new number. The team's newest content gets a higher number
    /// again, so that its next role is above the hot fix's and can still be promoted after it.
    package func hotFix(
        _ number: Int64, in name: FleetName, _ rehearsal: Rehearsal = .real, by actor: Actor, now: UTCDate
    ) async throws -> HotFixRecord {
        try await work(actor, .operateFleet(name), now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            guard fleet.promotesFrom != nil else {
                throw StoreError(
                    .conflict, "fleet \"\(name)\" takes the newest of each team, so it has C-\(number) already")
            }
            let team = try await transaction.teamOfChange(number, in: fleet)
            let taken = try await transaction.contents(of: [team], in: fleet)[0]
            let fixed = try await transaction.document(of: taken, with: number)
            let difference = try await transaction.difference(of: team, from: taken.document, to: fixed)
            guard rehearsal == .real else {
                return HotFixRecord(team: team.name, before: taken.number, content: nil, difference: difference)
            }
            let insert = InsertHotFix(
                team: team.id, document: try fixed.canonicalText, change: number, fleet: fleet.id, base: taken.number)
            let content = try await transaction.fetchOne(insert)
            _ = try await transaction.fetchOne(AdvanceTeam(id: team.id, change: nil))
            try await transaction.execute(
                MovePromotedContent(fleet: fleet.id, team: team.id, number: content))
            try await work.audit.record(
                .fleetHotFixed, "C-\(number)", team: team.name, fleet: name,
                detail: ["content": .integer(content), "before": .integer(taken.number)])
            try await transaction.execute(SendPublishSignal())
            return HotFixRecord(team: team.name, before: taken.number, content: content, difference: difference)
        }
    }
}

extension Transaction {
    /// The team of a published change, locked; it must be one of the fleet's.
    fileprivate func teamOfChange(_ number: Int64, in fleet: FleetRow) async throws -> TeamRow {
        guard let change = try await fetchOptional(FetchChange(number: number)) else {
            throw StoreError.noSuch("change", "C-\(number)")
        }
        guard change.state == .published else {
            throw StoreError(
                .notOpen, "C-\(number) is \(change.state.rawValue), and a hot fix brings what has taken effect already")
        }
        guard let name = change.team else {
            throw StoreError(
                .conflict, "C-\(number) is of no single team, and a hot fix brings what one change did in its team",
                hint: "promote the teams instead: roadstead fleet promote")
        }
        let team = try await lockTeam(name)
        guard try await fetchAll(ListTeamsOfFleet(fleet: fleet.id)).contains(where: { $0.id == team.id }) else {
            throw StoreError(.notFound, "team \"\(team.name)\" of C-\(number) is not in fleet \"\(fleet.name)\"")
        }
        return team
    }

    /// What a fleet takes of a team, with what one change did on top.
    fileprivate func document(of taken: TakenContent, with change: Int64) async throws -> TeamContentDocument {
        let anchors = try await fetchAll(ListAnchorsOfChange(team: taken.team.id, change: change))
        let policy = try await fetchOptional(FetchPolicyOfChange(team: taken.team.id, change: change))
        guard !anchors.isEmpty || policy != nil else {
            throw StoreError(
                .conflict, "C-\(change) changes neither an anchor nor the policy, so there is nothing to bring")
        }
        if policy != nil, let newest = try await fetchOptional(FetchPolicy(team: taken.team.id)),
            newest.change != change
        {
            throw StoreError(
                .conflict, "C-\(newest.change) set the policy of team \(taken.team.name) after C-\(change)",
                hint: "a hot fix never brings an older policy back: bring C-\(newest.change)")
        }
        if let gone = anchors.first(where: { $0.isAdded && $0.removedByChange != nil }) {
            throw StoreError(
                .conflict, "\(gone.subject), which C-\(change) added, was removed by C-\(gone.removedByChange ?? 0)",
                hint: "what was removed comes back by a new addition only")
        }
        var fixed = taken.document.adding(
            Set(anchors.filter(\.isAdded).map(\.place)), removing: Set(anchors.filter { !$0.isAdded }.map(\.place)),
            ending: Dictionary(
                anchors.filter(\.isAdded).compactMap { anchor in anchor.until.map { (anchor.place.sha256, $0) } },
                uniquingKeysWith: min))
        if let policy {
            fixed = TeamContentDocument(
                stores: fixed.stores, statements: try policy.statements, constraints: fixed.constraints)
            if let store = fixed.missingStores.first {
                throw StoreError(
                    .conflict,
                    "C-\(change) refers to the store \(store), which the fleet does not have of the team yet",
                    hint: "promote the team instead: roadstead fleet promote")
            }
        }
        guard fixed != taken.document else {
            throw StoreError(.conflict, "the fleet takes what C-\(change) did already")
        }
        return fixed
    }
}
