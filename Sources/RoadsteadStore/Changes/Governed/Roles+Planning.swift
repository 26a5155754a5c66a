import Codecs
import PostgresKit
import TrustModel

extension GrantRole: PlannableOperation {
    /// Who gets the role: a person, or whoever takes up an invitation.
    private enum Holder {
        case person(PersonID)
        case invitation(Int64, roles: [RoleBinding])
    }

    private var binding: RoleBinding {
        get throws { try RoleBinding(role, reach) }
    }

    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        if case .team(let team) = reach {
            try await planner.require(team, before: self, in: content)
        } else {
            _ = try await ApiStore.reachIDs(reach, on: planner.transaction)
        }
        switch try await holder(planner, since: nil) {
        case .invitation(_, let roles):
            guard !roles.contains(try binding) else { throw held }
        case .person(let id):
            let list = ListBindingsOfPeople(people: [id], now: planner.now)
            let own = try await planner.transaction.fetchAll(list).filter { $0.group == nil }
            guard !own.map(\.binding).contains(try binding) else { throw held }
        }
        return PlannedStep { try await give($0) }
    }

    private func give(_ context: StepContext) async throws {
        let (transaction, now) = (context.planner.transaction, context.planner.now)
        switch try await holder(context.planner, since: context.change) {
        case .invitation(let id, let roles):
            guard !roles.contains(try binding) else { throw held }
            let text = try StoredJSON.text(roles + [try binding])
            try await transaction.execute(SetInvitedRoles(id: id, roles: text))
            try await tell(context, "invitation:\(id)", nil)
        case .person(let id):
            let (team, fleet) = try await ApiStore.reachIDs(reach, on: transaction)
            let insert = InsertBinding(
                person: id, role: role, team: team, fleet: fleet, by: context.author, now: now)
            guard let number = try await transaction.fetchOptional(insert) else { throw held }
            try await tell(context, "person:\(id)", number)
        }
    }

    /// - Parameter change: nobody takes the name after this change was proposed, to get what was meant for another.
    private func holder(_ planner: ChangePlanner, since change: Int64?) async throws -> Holder {
        let find = FetchPersonBySubject(issuer: issuer ?? PersonRecord.localIssuer, subject: person)
        if let found = try await planner.transaction.fetchOptional(find), !found.disabled {
            if let change,
                try await planner.transaction.fetchOne(JoinedSince(person: found.id, change: change))
            {
                throw StoreError(
                    .conflict, "\"\(person)\" joined by an invitation that is younger than the change",
                    hint: "propose the role again")
            }
            return .person(found.id)
        }
        let open = FindOpenInvitation(subject: person, now: planner.now, change: change)
        guard issuer == nil, let invitation = try await planner.transaction.fetchOptional(open) else {
            throw StoreError(
                .notFound, "there is no person \"\(person)\"", hint: "roadstead person invite \(person)")
        }
        return .invitation(invitation.id, roles: invitation.roles)
    }

    private func tell(_ context: StepContext, _ object: String, _ number: Int64?) async throws {
        try await context.record(
            .roleGranted, object, team: reach.team, fleet: reach.fleet,
            detail: ["binding": number.map { .integer($0) } ?? .null, "role": .string("\(try binding)")])
    }

    private var held: StoreError { StoreError(.conflict, "\"\(person)\" holds \(role) on \(reach) already") }
}

extension RevokeRole: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        _ = try await record(planner.transaction)
        return PlannedStep { context in
            let transaction = context.planner.transaction
            let record = try await record(transaction)
            let revoke = RevokeBinding(id: binding, by: context.author, now: context.planner.now)
            let revoked = try await context.takingAway { try await transaction.execute(revoke) }
            guard revoked == 1 else { throw StoreError.noSuch("role binding", binding) }
            try await context.record(
                .roleRevoked, "person:\(record.person)", team: record.binding.reach.team,
                fleet: record.binding.reach.fleet,
                detail: ["binding": .integer(binding), "role": .string("\(record.binding)")])
        }
    }

    /// What is revoked; never what the last trust administrator has.
    private func record(_ transaction: Transaction) async throws -> BindingRecord {
        guard let record = try await transaction.fetchOptional(FetchBinding(id: binding)) else {
            throw StoreError.noSuch("role binding", binding)
        }
        if record.binding.role == .trustAdmin {
            let others = try await transaction.fetchAll(LockAdministrators()).filter { $0.binding != binding }
            guard !others.isEmpty else { throw ApiStore.lastAdministrator }
        }
        return record
    }
}

extension StepContext {
    /// Takes a role away. Where others agreed to it, as a change that gives as well needs, they saw who is left.
    func takingAway<Result>(_ body: () async throws -> Result) async throws -> Result {
        if content.adds { return try await body() }
        return try await planner.transaction.keepingTwoWhoAgree(body)
    }
}

extension Transaction {
    /// To whom of some people a change gives a role: by name, or by a group that their tokens named.
    func beneficiaries(of content: ChangeContent, among people: [PersonID]) async throws -> Set<PersonID> {
        var found: Set<PersonID> = []
        for case .governed(let step) in content.operations {
            switch step.operation {
            case let grant as GrantRole:
                let find = FetchPersonBySubject(
                    issuer: grant.issuer ?? PersonRecord.localIssuer, subject: grant.person)
                if let person = try await fetchOptional(find) { found.insert(person.id) }
            case let group as SetGroupRole:
                let list = ListGroupMembers(issuer: group.issuer.text, group: group.group.text, people: people)
                found.formUnion(try await fetchAll(list))
            default: break
            }
        }
        return found.intersection(people)
    }

    /// Nobody agrees to a role of their own, whoever proposed it.
    func refuseBeneficiary(_ id: PersonID, of change: ChangeRow) async throws {
        guard try await !beneficiaries(of: change.content, among: [id]).isEmpty else { return }
        throw StoreError(
            .ownProposal, "C-\(change.number) gives you a role, and nobody agrees to their own",
            hint: "ask somebody else who may approve")
    }
}
