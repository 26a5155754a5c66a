package import Codecs
import PostgresKit
package import TrustModel

/// A recertification campaign and how far it is.
package struct CampaignRecord: Sendable, Equatable {
    package let number: Int64
    /// nil for all teams.
    package let team: TeamName?
    package let due: UTCDate
    package let reason: String
    package let openedBy: PersonID
    package let opened: UTCDate
    package let closed: UTCDate?
    package let open: Int
    package let confirmed: Int
    package let removals: Int
}

/// One thing that is trusted, and what its owner says of it.
package struct CampaignItemRecord: Sendable, Equatable {
    package let id: Int64
    package let campaign: Int64
    package let team: TeamName
    /// The anchor, or else the use of a vendor.
    package let anchor: Int64?
    package let use: Int64?
    package let vendor: VendorName?
    package let subject: String
    package let store: String
    /// Who proposed it.
    package let owner: PersonID
    package let state: Recertification.Answer
    package let answeredBy: PersonID?
    package let answered: UTCDate?
    package let change: Int64?
}

extension CampaignItemRecord {
    /// What somebody must hold who says that it is still needed: its owner what it took to propose it, others what it
    /// takes to agree.
    func confirmation(by person: PersonID) -> Permission { person == owner ? .propose(team) : .approveAdditions(team) }

    /// Whether an operation of a change takes it away.
    func isRemoved(by operation: ChangeOperation) -> Bool {
        switch operation {
        case .removeAnchor(let id): id == anchor
        case .governed(let step):
            (step.operation as? StopVendor).map { $0.vendor == vendor && $0.store.description == store } ?? false
        default: false
        }
    }
}

extension ApiStore {
    /// Lists everything that a team trusts, or all teams, for their owners to confirm.
    package func openCampaign(
        team name: TeamName?, due: UTCDate, reason: String, by actor: Actor, now: UTCDate
    ) async throws -> CampaignRecord {
        try Texts.check(reason, "reason", maximum: 1_000)
        guard due > now, due <= now.adding(days: 366) else {
            throw StoreError(.invalid, "a campaign due at \(due) cannot be", hint: "within a year from now")
        }
        return try await work(actor, .administer, now: now) { work in
            let team = try await name.asyncMap { try await work.transaction.requireTeam($0).id }
            let insert = InsertCampaign(team: team, due: due, reason: reason, by: actor.person, now: now)
            let number = try await work.transaction.fetchOne(insert)
            let items =
                try await work.transaction.execute(InsertCampaignAnchors(campaign: number, team: team))
                + work.transaction.execute(InsertCampaignUses(campaign: number, team: team))
            guard items > 0 else {
                throw StoreError(.conflict, "there is nothing to confirm: no anchors and no vendors in use")
            }
            try await work.audit.record(
                .campaignOpened, "\(number)", team: name,
                detail: ["items": .integer(Int64(items)), "due": .string(due.description)])
            return try await work.transaction.fetchOne(FetchCampaign(number: number))
        }
    }

    /// Campaigns of all teams, and of those that the reader may see.
    package func campaigns(_ page: PageRequest) async throws -> KeysetPage<CampaignRecord> {
        let query = ListCampaigns(after: try page.numberAfter(), readable: reader.teams, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.number)" }
    }

    package func campaign(_ number: Int64) async throws -> CampaignRecord {
        guard let record = try await pool.fetchOptional(FetchCampaign(number: number)),
            record.team.map(reader.teams.contains) ?? reader.holdsAnyRole
        else { throw StoreError.noSuch("campaign", number) }
        return record
    }

    /// What a campaign asks about, in the teams that the reader may see.
    package func items(ofCampaign number: Int64, _ page: PageRequest) async throws -> KeysetPage<CampaignItemRecord> {
        _ = try await campaign(number)
        let query = ListCampaignItems(
            campaign: number, after: try page.numberAfter(), readable: reader.teams, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// Answers one item: it is still needed, or a change that removes it is under way. Nothing is removed here.
    ///
    /// - Parameter removal: the change that removes it; nil to confirm.
    package func answerItem(
        _ id: Int64, removal change: Int64?, by actor: Actor, now: UTCDate
    ) async throws -> CampaignItemRecord {
        try await work(actor, nil, now: now) { work in
            guard let item = try await work.transaction.fetchOptional(FetchCampaignItem(id: id)) else {
                throw StoreError.noSuch("item of a campaign", id)
            }
            try work.authority.require(change == nil ? item.confirmation(by: actor.person) : .proposeRemoval(item.team))
            if let change {
                guard let found = try await work.transaction.fetchOptional(FetchChange(number: change)),
                    found.team == item.team, [.submitted, .approved, .published].contains(found.state),
                    found.content.operations.contains(where: item.isRemoved(by:))
                else {
                    throw StoreError(
                        .invalid, "C-\(change) does not remove \(item.subject) from \(item.store) of team \(item.team)",
                        hint: "propose the removal first: roadstead campaign remove \(item.campaign) \(id)")
                }
            }
            let update = AnswerCampaignItem(id: id, change: change, by: actor.person, now: now)
            guard try await work.transaction.execute(update) == 1 else {
                throw StoreError(.notOpen, "item \(id) is answered already, or its campaign is closed")
            }
            try await work.audit.record(
                .campaignAnswered, "\(item.campaign)/\(id)", team: item.team,
                detail: ["change": change.map { .integer($0) } ?? .null])
            return try await work.transaction.fetchOne(FetchCampaignItem(id: id))
        }
    }

    /// Ends a campaign; what nobody answered stays as it is, and stands so in the report.
    package func closeCampaign(_ number: Int64, by actor: Actor, now: UTCDate) async throws -> CampaignRecord {
        try await work(actor, .administer, now: now) { work in
            let close = CloseCampaign(number: number, by: actor.person, now: now)
            guard try await work.transaction.execute(close) == 1 else {
                throw StoreError(.notOpen, "there is no open campaign \(number)")
            }
            let record = try await work.transaction.fetchOne(FetchCampaign(number: number))
            try await work.audit.record(
                .campaignClosed, "\(number)", team: record.team, detail: ["open": .integer(Int64(record.open))])
            return record
        }
    }
}
