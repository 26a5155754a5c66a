import Codecs
import PostgresKit
import TrustModel

extension LinkIdentity: PlannableOperation {
    func plan(_ planner: ChangePlanner, _ content: ChangeContent) async throws -> PlannedStep {
        let transaction = planner.transaction
        let find = ListIdentityProofs(issuer: issuer.text, subject: subject.text, now: planner.now)
        guard try await transaction.fetchAll(find).contains(planner.author) else { throw unproved }
        if try await transaction.fetchOptional(FindIdentityLink(issuer: issuer.text, subject: subject.text)) != nil {
            throw StoreError(
                .conflict, "\(subject) at \(issuer) is linked to a person already", hint: "unlink it first")
        }
        let own = FetchPersonBySubject(issuer: issuer.text, subject: subject.text)
        let former = try await transaction.fetchOptional(own)
        if let former { try await refuseTakingOver(former, on: transaction) }
        let team = try await team.asyncMap { try await transaction.requireTeam($0).id }
        return PlannedStep { try await link(former, team, $0) }
    }

    /// Two people who have both acted stay two: making them one would let what one proposed count as agreed by the other.
    private func refuseTakingOver(_ former: PersonRecord, on transaction: Transaction) async throws {
        guard try await transaction.fetchOne(HasActed(person: former.id)) else { return }
        throw StoreError(
            .conflict, "\(subject) at \(issuer) is a person of its own, who has proposed, decided or held a role",
            hint: "it cannot become somebody else's account; disable that person, and use another account")
    }

    private func link(_ former: PersonRecord?, _ team: Int64?, _ context: StepContext) async throws {
        let (transaction, now) = (context.planner.transaction, context.planner.now)
        let find = ListIdentityProofs(issuer: issuer.text, subject: subject.text, now: now)
        guard try await transaction.fetchAll(find).contains(context.author) else { throw unproved }
        guard former?.id != context.author else {
            throw StoreError(.conflict, "\(subject) at \(issuer) is the author's own identity already")
        }
        let insert = InsertIdentityLink(
            identity: self, person: context.author, team: team, change: context.change, now: now)
        guard let id = try await transaction.fetchOptional(insert) else {
            throw StoreError(.conflict, "\(subject) at \(issuer) is linked to a person already")
        }
        try await transaction.execute(DeleteIdentityProofs(issuer: issuer.text, subject: subject.text))
        let end = RevokeCredentialsOfIdentity(issuer: issuer.text, subject: subject.text, now: now)
        try await transaction.execute(end)
        if let former { try await transaction.execute(DisablePerson(id: former.id, now: now)) }
        try await context.audit.record(
            .identityLinked, "person:\(context.author)", team: self.team,
            detail: [
                "link": .integer(id), "issuer": .string(issuer.text), "subject": .string(subject.text),
                "holder": .string(holder.rawValue),
            ])
    }

    private var unproved: StoreError {
        StoreError(
            .forbidden, "the author has not shown that \(subject) at \(issuer) is theirs",
            hint: "whose it is shows a token of it: roadstead identity link --token-file FILE")
    }
}

extension ChangeContent {
    /// Whether it makes another identity the author's.
    var linksIdentities: Bool {
        operations.contains { operation in
            guard case .governed(let step) = operation else { return false }
            return step.operation is LinkIdentity
        }
    }
}

extension Transaction {
    /// Anybody may ask for a link, so what waits of one person has an end.
    fileprivate static let mostOpenLinks = 20

    func refuseManyLinks(of author: PersonID) async throws {
        let open = try await fetchAll(ListOpenContents(author: author)).count { $0.linksIdentities }
        guard open < Self.mostOpenLinks else {
            throw StoreError(
                .conflict, "you have \(open) open changes that link identities",
                hint: "wait until they are decided, or withdraw some: roadstead change withdraw C-N")
        }
    }
}
