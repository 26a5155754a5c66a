package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func people(_ page: PageRequest) async throws -> KeysetPage<PersonRecord> {
        let people = try await pool.fetchAll(ListPeople(after: try page.numberAfter(), limit: page.fetched))
        return KeysetPage(fetched: people, limit: page.limit) { "\($0.id)" }
    }

    package func person(_ id: PersonID) async throws -> PersonRecord {
        guard let person = try await pool.fetchOptional(FetchPerson(id: id)) else {
            throw StoreError.noSuch("person", id)
        }
        return person
    }

    /// People by number, for naming them; who is not found is left out.
    package func people(_ ids: [PersonID]) async throws -> [PersonID: PersonRecord] {
        let people = try await pool.fetchAll(ListPeopleByID(ids: Set(ids).sorted()))
        return Dictionary(people.map { ($0.id, $0) }) { first, _ in first }
    }

    /// A local account by its login name.
    package func person(named subject: String) async throws -> PersonRecord {
        let query = FetchPersonBySubject(issuer: PersonRecord.localIssuer, subject: subject)
        guard let person = try await pool.fetchOptional(query) else { throw StoreError.noSuch("person", subject) }
        return person
    }

    /// Takes away everything that the person could do, at once; approvals given before stop counting.
    package func disablePerson(_ id: PersonID, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, .administer, now: now) { work in
            guard try await work.transaction.fetchOptional(FetchPerson(id: id)) != nil else {
                throw StoreError.noSuch("person", id)
            }
            let others = try await work.transaction.fetchAll(LockAdministrators()).filter { $0.person != id }
            guard !others.isEmpty else { throw Self.lastAdministrator }
            let disabled = try await work.transaction.keepingTwoWhoAgree {
                try await work.transaction.execute(DisablePerson(id: id, now: now))
            }
            guard disabled == 1 else { return }
            try await work.audit.record(.personDisabled, "person:\(id)")
        }
    }

    // MARK: - Credentials

    package func credentials(
        of person: PersonID, _ page: PageRequest
    ) async throws -> KeysetPage<CredentialRecord> {
        let query = ListCredentials(person: person, after: try page.numberAfter(), limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// Makes a further credential of the caller's own, never wider or longer-lived in kind than the one in use.
    package func issueCredential(
        _ credential: NewCredential, by actor: Actor, now: UTCDate
    ) async throws -> CredentialRecord {
        try credential.check(now: now)
        return try await work(actor, nil, now: now) { work in
            let (mine, wanted) = (work.authority.limits, credential.limits)
            let isNarrower =
                (mine.access == .write || wanted.access == .read)
                && (mine.holder == .person || wanted.holder == .machine)
                && (mine.team == nil || mine.team == wanted.team)
            guard isNarrower, mine.access == .write else {
                throw StoreError(
                    .forbidden, "this token cannot make one that is good for more than itself",
                    hint: "use a token with write access and without limits")
            }
            let own = try await work.transaction.fetchOne(FetchCredential(id: actor.credential))
            if mine.holder == .machine {
                guard credential.expires <= own.expires else {
                    throw StoreError(
                        .forbidden, "a machine's token cannot make one that outlives it, past \(own.expires)",
                        hint: "a person makes the next one")
                }
            }
            var made = credential
            (made.issuer, made.subject) = (own.issuer, own.subject)
            let id = try await Self.insert(made, of: actor.person, on: work.transaction, now: now)
            try await work.audit.record(
                .credentialIssued, "credential:\(id)",
                detail: [
                    "access": .string(wanted.access.rawValue), "holder": .string(wanted.holder.rawValue),
                    "expires": .string("\(credential.expires)"),
                ])
            return try await work.transaction.fetchOne(FetchCredential(id: id))
        }
    }

    /// Revokes a credential of the caller's own, the one in use included; one that may only read or is limited to a
    /// team revokes no other.
    package func revokeCredential(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, nil, now: now) { work in
            let limits = work.authority.limits
            guard id == actor.credential || (limits.access == .write && limits.team == nil) else {
                throw StoreError(
                    .forbidden, "this token cannot revoke another one",
                    hint: "use a token with write access and without limits")
            }
            let revoke = RevokeCredential(id: id, person: actor.person, now: now)
            guard try await work.transaction.execute(revoke) == 1 else { throw StoreError.noSuch("token", id) }
            try await work.audit.record(.credentialRevoked, "credential:\(id)")
        }
    }

    // MARK: - Roles

    package func roleBindings(_ page: PageRequest) async throws -> KeysetPage<BindingRecord> {
        let bindings = try await pool.fetchAll(ListBindings(after: try page.numberAfter(), limit: page.fetched))
        return KeysetPage(fetched: bindings, limit: page.limit) { "\($0.id)" }
    }

    /// The number of a role that a local account holds; nil while it waits for its invitee.
    package func roleBinding(_ binding: RoleBinding, of subject: String) async throws -> BindingRecord? {
        let find = FetchPersonBySubject(issuer: PersonRecord.localIssuer, subject: subject)
        guard let person = try await pool.fetchOptional(find) else { return nil }
        let held = try await pool.fetchAll(ListBindingsOfPeople(people: [person.id], now: nil))
        return held.first { $0.binding == binding && $0.group == nil }
    }

    static let lastAdministrator = StoreError(
        .conflict, "nobody could administer any more: this is the last trust administrator",
        hint: "make another one first")
}

extension Transaction {
    /// Does what one person does alone, unless it leaves fewer than two who could agree to administration: then nobody
    /// could ever be appointed again. While the first people are still being appointed there is nothing to keep.
    func keepingTwoWhoAgree<Result>(_ body: () async throws -> Result) async throws -> Result {
        let before = try await fetchOne(CountWhoAgree())
        let result = try await body()
        guard let before, let left = try await fetchOne(CountWhoAgree()), left < 2, left < before else { return result }
        throw StoreError(
            .conflict, "fewer than two people could agree to administration any more: \(left)",
            hint: "appoint somebody else first, as trust administrator or security officer on everything")
    }
}

extension RoleReach {
    var team: TeamName? { if case .team(let name) = self { name } else { nil } }
    var fleet: FleetName? { if case .fleet(let name) = self { name } else { nil } }
}
