package import Codecs
import PostgresKit
import SigningKeys
package import TrustModel

extension ApiStore {
    /// Whether anybody can administer: while nobody can, a bootstrap token is needed.
    package func hasAdministrator() async throws -> Bool { try await pool.fetchOne(HasAdministrator()) }

    /// Makes a token good for the first administrator, in place of any earlier one; refused once there is one.
    package func openBootstrap(tokenSHA256: [UInt8], expires: UTCDate, now: UTCDate) async throws {
        try tokenSHA256.requireDigest("the digest of the bootstrap token")
        try await pool.withTransaction(attempts: 4) { transaction in
            guard try await !transaction.fetchOne(HasAdministrator()) else { throw Self.bootstrapIsOver }
            try await transaction.execute(SetBootstrap(tokenSHA256: tokenSHA256, now: now, expires: expires))
            let audit = AuditWriter(transaction: transaction, actor: .server(requestID: nil), now: now)
            try await audit.record(.bootstrapOpened, "bootstrap", detail: ["expires": .string("\(expires)")])
        }
    }

    /// Makes the first trust administrator, a local account, with a credential of its own. Works once.
    package func redeemBootstrap(
        tokenSHA256: [UInt8], subject: String, displayName: String, credential: NewCredential, requestID: String,
        now: UTCDate
    ) async throws -> Session {
        try Texts.checkSubject(subject)
        try Texts.check(displayName, "display name", maximum: 200)
        try credential.check(now: now)
        let id = try await pool.withTransaction(attempts: 4) { transaction in
            let found = try await transaction.fetchOptional(LockBootstrap())
            guard try await !transaction.fetchOne(HasAdministrator()) else { throw Self.bootstrapIsOver }
            guard let found, !found.used, ConstantTime.areEqual(found.tokenSHA256, tokenSHA256) else {
                throw StoreError(
                    .unauthenticated, "this is not the bootstrap token",
                    hint: "read it anew: roadstead-server bootstrap-token")
            }
            guard now < found.expires else {
                throw StoreError(
                    .expired, "the bootstrap token expired at \(found.expires)",
                    hint: "make another one: roadstead-server bootstrap-token")
            }
            try await transaction.execute(UseBootstrap(now: now))
            let person = try await Self.join(subject, displayName, on: transaction, now: now)
            _ = try await transaction.fetchOptional(
                InsertBinding(person: person.id, role: .trustAdmin, team: nil, fleet: nil, by: nil, now: now))
            let id = try await Self.insert(credential, of: person.id, on: transaction, now: now)
            let audit = AuditWriter(transaction: transaction, actor: .server(requestID: requestID), now: now)
            try await audit.record(.bootstrapRedeemed, "person:\(person.id)", detail: ["credential": .integer(id)])
            return id
        }
        return try await session(credential: id, requestID: requestID, now: now)
    }

    /// Finds out who holds a token. Unknown, expired and revoked tokens and disabled people get one answer.
    package func authenticate(tokenSHA256: [UInt8], requestID: String, now: UTCDate) async throws -> Session {
        let query = FetchCredentialByToken(tokenSHA256: tokenSHA256)
        guard let credential = try await pool.fetchOptional(query), credential.isGood(at: now) else {
            throw Self.notSignedIn
        }
        let session = try await session(of: credential, requestID: requestID, now: now)
        try await noteUse(of: credential, by: session.actor, now: now)
        return session
    }

    /// Keeps when a credential was used last, to the minute, and tells of its first use on each day.
    func noteUse(of credential: CredentialRecord, by actor: Actor, now: UTCDate) async throws {
        let day = UTCDate(seconds: now.seconds - now.seconds % 86_400)
        guard credential.lastUsed.map({ $0 < day }) ?? true else {
            if credential.lastUsed.map({ $0.adding(seconds: 60) < now }) ?? true {
                try await pool.execute(TouchCredential(id: credential.id, now: now))
            }
            return
        }
        try await pool.withTransaction(attempts: 4) { transaction in
            let first = BeginCredentialDay(id: credential.id, day: day, now: now)
            guard try await transaction.execute(first) == 1 else { return }
            let audit = AuditWriter(transaction: transaction, actor: .person(actor), now: now)
            try await audit.record(.signInSucceeded, "credential:\(credential.id)")
        }
    }

    /// Invites a person, who makes the credential. The roles that are to come with it are a change of their own, which
    /// others agree to; while nobody could, they come at once.
    package func invite(
        subject: String, displayName: String, bindings: [RoleBinding], tokenSHA256: [UInt8], expires: UTCDate,
        by actor: Actor, now: UTCDate
    ) async throws -> (invitation: InvitationRecord, change: ChangeRecord?) {
        try Texts.checkSubject(subject)
        try Texts.check(displayName, "display name", maximum: 200)
        try tokenSHA256.requireDigest("the digest of an invitation")
        guard expires > now, expires <= now.adding(days: 14) else {
            throw StoreError(.invalid, "an invitation cannot expire at \(expires)", hint: "within 14 days")
        }
        guard bindings.count <= 20 else {
            throw StoreError(.invalid, "an invitation brings \(bindings.count) roles", hint: "at most 20")
        }
        var id: Int64 = 0
        let insert = { (work: Work) in
            try await Self.refuseTaken(subject, by: actor, on: work.transaction, now: now)
            id = try await work.transaction.fetchOne(
                InsertInvitation(
                    tokenSHA256: tokenSHA256, subject: subject, displayName: displayName, by: actor.person, now: now,
                    expires: expires))
            let roles = bindings.map { JSON.string("\($0)") }
            try await work.audit.record(.personInvited, "invitation:\(id)", detail: ["asked": .array(roles)])
        }
        var change: ChangeRecord?
        if bindings.isEmpty {
            try await work(actor, .administer, now: now, insert)
        } else {
            let content = try ChangeContent(
                team: nil, operations: try bindings.map { .governed(try GrantRole(person: subject, $0)) },
                justification: "the roles of \(displayName), who is invited as \(subject)")
            change = try await propose(content, by: actor, now: now, first: insert)
        }
        let invitation = InvitationRecord(
            id: id, subject: subject, displayName: displayName,
            bindings: change?.change.state == .published ? bindings : [], invitedBy: actor.person, expires: expires)
        return (invitation, change)
    }

    /// Invitations that can still be taken up, in the order in which they were made.
    package func openInvitations(_ page: PageRequest, now: UTCDate) async throws -> KeysetPage<OpenInvitation> {
        let query = ListOpenInvitations(after: try page.numberAfter(), now: now, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// Takes an invitation back, with the roles that wait in it; nobody else has to agree.
    package func revokeInvitation(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, .administer, now: now) { work in
            let revoke = RevokeInvitation(id: id, now: now, by: actor.person)
            guard let subject = try await work.transaction.fetchOptional(revoke) else {
                throw StoreError(
                    .notFound, "there is no open invitation \(id)",
                    hint: "what was taken up ends with: roadstead person disable NAME")
            }
            try await work.audit.record(.personUninvited, "invitation:\(id)", detail: ["name": .string(subject)])
        }
    }

    /// A name is one person's, and an open invitation is its inviter's: nobody gets the roles that are meant for another.
    private static func refuseTaken(
        _ subject: String, by actor: Actor, on transaction: Transaction, now: UTCDate
    ) async throws {
        let known = FetchPersonBySubject(issuer: PersonRecord.localIssuer, subject: subject)
        guard try await transaction.fetchOptional(known) == nil else {
            throw StoreError(
                .conflict, "there is a person \"\(subject)\" already",
                hint: "give the role with: roadstead person grant, or invite under another name")
        }
        let open = try await transaction.fetchOptional(FindOpenInvitation(subject: subject, now: now))
        guard open.map({ $0.inviter == actor.person }) ?? true else {
            throw StoreError(
                .conflict, "somebody else has invited \"\(subject)\" already",
                hint: "wait until that invitation ends, or invite under another name")
        }
    }

    /// Takes up an invitation: makes the person, the roles and the credential. Works once, and only while the inviter
    /// may still invite.
    package func acceptInvitation(
        tokenSHA256: [UInt8], credential: NewCredential, requestID: String, now: UTCDate
    ) async throws -> Session {
        try credential.check(now: now)
        let id = try await pool.withTransaction(attempts: 4) { transaction in
            let invitation = try await Self.openInvitation(tokenSHA256, on: transaction, now: now)
            let person = try await Self.join(invitation.subject, invitation.displayName, on: transaction, now: now)
            try await transaction.execute(AcceptInvitation(id: invitation.id, now: now, person: person.id))
            // The teams are looked up with the eyes of who gave the roles.
            try await transaction.setLocal("roadstead.person", to: "\(invitation.invitedBy)")
            for binding in invitation.bindings {
                // A team or fleet that was removed meanwhile brings no role, and bars nobody.
                let reach: (team: Int64?, fleet: Int64?)
                do { reach = try await Self.reachIDs(binding.reach, on: transaction) } catch let error as StoreError
                    where error.code == .notFound
                { continue }
                let insert = InsertBinding(
                    person: person.id, role: binding.role, team: reach.team, fleet: reach.fleet,
                    by: invitation.invitedBy, now: now)
                _ = try await transaction.fetchOptional(insert)
            }
            let id = try await Self.insert(credential, of: person.id, on: transaction, now: now)
            let audit = AuditWriter(transaction: transaction, actor: .server(requestID: requestID), now: now)
            try await audit.record(
                .personJoined, "person:\(person.id)",
                detail: ["invitation": .integer(invitation.id), "credential": .integer(id)])
            return id
        }
        return try await session(credential: id, requestID: requestID, now: now)
    }
}

extension ApiStore {
    private static let bootstrapIsOver = StoreError(
        .notOpen, "there is a trust administrator already, so no bootstrap token is good any more",
        hint: "ask a trust administrator for an invitation")

    static let notSignedIn = StoreError(
        .unauthenticated, "this token is unknown, expired or revoked", hint: "sign in: roadstead login")

    private static func openInvitation(
        _ tokenSHA256: [UInt8], on transaction: Transaction, now: UTCDate
    ) async throws -> InvitationRecord {
        let found = try await transaction.fetchOptional(LockInvitation(tokenSHA256: tokenSHA256))
        guard let (invitation, accepted) = found, !accepted else {
            throw StoreError(
                .unauthenticated, "this invitation is unknown or was used already",
                hint: "ask for another one; an invitation works once")
        }
        guard now < invitation.expires else {
            throw StoreError(
                .expired, "the invitation expired at \(invitation.expires)", hint: "ask for another one")
        }
        let inviter = try await transaction.fetchAll(ListBindingsOfPeople(people: [invitation.invitedBy], now: now))
        guard Authorization.holds(.administer, bindings: inviter.map(\.binding)) else {
            throw StoreError(
                .forbidden, "whoever invited you may no longer do so", hint: "ask a trust administrator")
        }
        return invitation
    }

    private static func join(
        _ subject: String, _ displayName: String, on transaction: Transaction, now: UTCDate
    ) async throws -> PersonRecord {
        let insert = InsertPerson(
            issuer: PersonRecord.localIssuer, subject: subject, displayName: displayName, now: now)
        guard let person = try await transaction.fetchOptional(insert) else {
            throw StoreError(
                .conflict, "there is a person \"\(subject)\" already", hint: "choose another login name")
        }
        return person
    }

    static func insert(
        _ credential: NewCredential, of person: PersonID, on transaction: Transaction, now: UTCDate
    ) async throws -> Int64 {
        let team = try await credential.limits.team.asyncMap { try await transaction.requireTeam($0).id }
        return try await transaction.fetchOne(
            InsertCredential(person: person, credential: credential, team: team, now: now))
    }

    /// The numbers of the team or fleet that a role is bound to; both nil for everything.
    static func reachIDs(
        _ reach: RoleReach, on transaction: Transaction
    ) async throws -> (team: Int64?, fleet: Int64?) {
        switch reach {
        case .everything: (nil, nil)
        case .team(let name): (try await transaction.requireTeam(name).id, nil)
        case .fleet(let name): (nil, try await transaction.requireFleet(name).id)
        }
    }

    func session(credential id: Int64, requestID: String, now: UTCDate) async throws -> Session {
        guard let credential = try await pool.fetchOptional(FetchCredential(id: id)) else { throw Self.notSignedIn }
        return try await session(of: credential, requestID: requestID, now: now)
    }

    func session(of credential: CredentialRecord, requestID: String, now: UTCDate) async throws -> Session {
        guard let person = try await pool.fetchOptional(FetchPerson(id: credential.person)), !person.disabled else {
            throw Self.notSignedIn
        }
        let held = try await pool.fetchAll(ListBindingsOfPeople(people: [person.id], now: now))
        return Session(
            actor: Actor(person: person.id, credential: credential.id, requestID: requestID), person: person,
            credential: credential, held: held)
    }
}

extension Optional {
    package func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}
