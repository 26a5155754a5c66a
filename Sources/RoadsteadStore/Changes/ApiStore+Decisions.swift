package import Codecs
import PostgresKit
import TrustModel

extension ApiStore {
    /// Approves or rejects a change, for exactly the content whose digest is given.
    ///
    /// The last approval needed makes the change `approved`; a publisher then holds it against the rules and the
    /// approvers' roles once more before it takes effect. One rejection ends it.
    package func decide(
        _ number: Int64, approves: Bool, digest: String, comment: String? = nil, by actor: Actor, now: UTCDate
    ) async throws -> ChangeRecord {
        if let comment { try Self.check(comment) }
        return try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            let change = try await transaction.lockChange(number, readBy: Reader(work.authority))
            let refusal = ChangeRules.refusal(
                of: actor.person, bindings: work.authority.bindings, limits: work.authority.limits,
                approves: approves, digest: digest, on: change.facts, now: now)
            if let refusal { throw StoreError(refusal) }
            if approves { try await transaction.refuseBeneficiary(actor.person, of: change) }
            try await Self.record(approves, comment, on: change, by: actor, transaction, now: now)
            let standing = try await transaction.standing(of: change, now: now)
            try await Self.move(change, to: standing, on: transaction, now: now)
            try await work.audit.record(
                approves ? .changeApproved : .changeRejected, "C-\(number)", team: change.team,
                detail: ["digest": .string(digest), "agreed": .bool(standing == .agreed)])
            if standing == .agreed { try await transaction.execute(SendPublishSignal()) }
            return try await transaction.record(ofChange: number)
        }
    }

    private static func record(
        _ approves: Bool, _ comment: String?, on change: ChangeRow, by actor: Actor, _ transaction: Transaction,
        now: UTCDate
    ) async throws {
        let insert = InsertDecision(
            change: change.number, digest: change.digest, actor: actor, approves: approves, comment: comment, now: now)
        guard try await transaction.fetchOptional(insert) != nil else {
            throw StoreError(.conflict, "you have decided on C-\(change.number) already")
        }
    }

    private static func move(
        _ change: ChangeRow, to standing: ChangeStanding, on transaction: Transaction, now: UTCDate
    ) async throws {
        let (state, note): (ChangeState, String)
        switch standing {
        case .waiting: return
        case .agreed: (state, note) = (.approved, "approved at \(now); goes out with the next release")
        case .rejected: (state, note) = (.rejected, "rejected at \(now)")
        }
        try await transaction.execute(
            MoveChange(number: change.number, from: change.state, to: state, note: note, now: now))
    }

    private static func check(_ comment: String) throws {
        if !comment.isEmpty { try Texts.checkProse(comment, "comment", maximum: 4_000) }
    }
}

extension Transaction {
    /// A change, locked; one that the reader may not see is as one that does not exist.
    func lockChange(_ number: Int64, readBy reader: Reader) async throws -> ChangeRow {
        guard let change = try await fetchOptional(LockChange(number: number)), reader.mayRead(change) else {
            throw StoreError.noSuch("change", "C-\(number)")
        }
        return change
    }

    /// Where a change stands, with the roles that those who decided hold in this transaction.
    ///
    /// - Parameter now: when it is decided; nil where it is only shown.
    func standing(
        of change: ChangeRow, needed: ApprovalsNeeded? = nil, now: UTCDate? = nil
    ) async throws -> ChangeStanding {
        let decisions = try await fetchAll(ListDecisions(change: change.number))
        let people = Set(decisions.map(\.person)).sorted()
        let bindings = try await fetchAll(ListBindingsOfPeople(people: people, now: now))
        let held = Dictionary(grouping: bindings, by: \.person)
        let favoured = try await beneficiaries(of: change.content, among: people)
        let teams = Dictionary(grouping: try await fetchAll(ListTeamsOfPeople(people: people)), by: \.person)
        return ChangeRules.standing(
            of: change.facts,
            decisions: decisions.map {
                // Whom it gives a role to by now agrees with none.
                ChangeDecision(
                    person: $0.person, approves: $0.approves, digest: $0.digest,
                    bindings: favoured.contains($0.person) ? [] : (held[$0.person] ?? []).map(\.binding),
                    teams: Set((teams[$0.person] ?? []).map(\.team)))
            },
            needed: try needed ?? change.needed)
    }

    func record(ofChange number: Int64) async throws -> ChangeRecord {
        try await record(of: try await fetchOne(FetchChange(number: number)))
    }

    func record(of change: ChangeRow) async throws -> ChangeRecord {
        let decisions = try await fetchAll(ListDecisions(change: change.number))
        let releases = try await fetchAll(ListReleasesOfChange(change: change.number))
        let review = try await fetchOptional(FetchReview(change: change.number))
        guard change.state == .submitted, case .waiting(let missing) = try await standing(of: change) else {
            return ChangeRecord(
                change: change, decisions: decisions, missing: nil, canApprove: [], releases: releases,
                review: review)
        }
        return ChangeRecord(
            change: change, decisions: decisions, missing: missing,
            canApprove: try await approvers(of: change, after: decisions), releases: releases, review: review)
    }

    private func approvers(of change: ChangeRow, after decisions: [DecisionRecord]) async throws -> [PersonRecord] {
        let approval = change.content.approval
        let team: TeamName? = if case .team(let team) = approval.target { team } else { nil }
        let holders = try await fetchAll(ListHolders(roles: approval.roles, team: team)).map(\.person)
        let decided = decisions.filter { $0.digest == change.digest }.map(\.person)
        let asked = Set(holders).subtracting(decided).subtracting([change.author])
        let able = asked.subtracting(try await beneficiaries(of: change.content, among: asked.sorted()))
        return try await fetchAll(ListPeopleByID(ids: able.sorted())).sorted { $0.subject < $1.subject }
    }
}

extension ChangeRow {
    /// What others must agree; a row that needs nobody has no standing to be asked for.
    var needed: ApprovalsNeeded {
        get throws {
            try ApprovalsNeeded(
                count: max(1, approvalsNeeded), securityOfficers: officersNeeded, outsiders: outsidersNeeded)
        }
    }
}
