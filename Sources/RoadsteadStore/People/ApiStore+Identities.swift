package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Finds out who shows a provider's token, and keeps what it says of groups.
    ///
    /// The first token of an identity that nobody has makes its person, without any role, where signing up is open.
    package func authenticate(
        _ identity: AssertedIdentity, signUp: SignUp, requestID: String, now: UTCDate
    ) async throws -> Session {
        if let known = try await pool.fetchOptional(FindStanding(identity: identity)), known.isGood(at: now) {
            let session = try await session(of: known, requestID: requestID, now: now)
            try await noteUse(of: known, by: session.actor, now: now)
            return session
        }
        let id = try await pool.withTransaction(attempts: 4) { transaction in
            let holder = try await Self.holder(of: identity, signUp, on: transaction, requestID, now)
            return try await Self.standing(of: identity, holder, on: transaction, requestID, now)
        }
        return try await session(credential: id, requestID: requestID, now: now)
    }

    /// Exchanges a provider's fresh token, once, for a token of this server.
    ///
    /// The session lives for twelve hours at most, whatever the provider's token says of its own end: that one proves
    /// a moment, and is good for ten minutes after it was issued.
    ///
    /// - Parameter nonceSHA256: of the browser flow's nonce, which is good once too.
    package func signIn(
        _ identity: AssertedIdentity, nonceSHA256: [UInt8]?, tokenSHA256: [UInt8], label: String, signUp: SignUp,
        requestID: String, now: UTCDate
    ) async throws -> Session {
        let expires = now.adding(seconds: AssertedIdentity.sessionSeconds)
        var credential = NewCredential(tokenSHA256: tokenSHA256, label: label, expires: expires)
        credential.issuer = identity.issuer
        credential.subject = identity.subject
        try credential.check(now: now)
        let id = try await pool.withTransaction(attempts: 4) { transaction in
            try await Self.spend(identity, nonceSHA256, on: transaction, now)
            let holder = try await Self.holder(of: identity, signUp, on: transaction, requestID, now)
            guard holder.limits.holder == .person else {
                throw StoreError(
                    .forbidden, "this identity is a machine's, and machines do not sign in",
                    hint: "send the provider's token itself as the bearer")
            }
            let id = try await Self.insert(credential, of: holder.person, on: transaction, now: now)
            let actor = Actor(person: holder.person, credential: id, requestID: requestID)
            let audit = AuditWriter(transaction: transaction, actor: .person(actor), now: now)
            try await audit.record(
                .signedIn, "person:\(holder.person)",
                detail: ["issuer": .string(identity.issuer), "expires": .string("\(expires)")])
            return id
        }
        return try await session(credential: id, requestID: requestID, now: now)
    }

    /// Notes that the caller showed a token of another identity: what linking it later takes.
    package func prove(_ identity: AssertedIdentity, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, nil, now: now) { work in
            try Self.requirePersonsToken(work.authority.limits, "show another identity")
            try await Self.spend(identity, nil, on: work.transaction, now)
            try await work.transaction.execute(
                KeepIdentityProof(
                    issuer: identity.issuer, subject: identity.subject, person: actor.person, now: now,
                    expires: now.adding(days: Self.proofDays)))
            try await work.audit.record(
                .identityProved, "person:\(actor.person)",
                detail: ["issuer": .string(identity.issuer), "subject": .string(identity.subject)])
        }
    }

    /// As long as the change that asks for the link may wait.
    static let proofDays: Int64 = 15

    package func identityLinks(of person: PersonID, _ page: PageRequest) async throws -> KeysetPage<IdentityLink> {
        let query = ListIdentityLinks(person: person, after: try page.numberAfter(), limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// Ends a link, every credential that came by it, also through others, and the groups that its issuer named, at once:
    /// the person's own, or any for a trust administrator.
    package func unlinkIdentity(_ id: Int64, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, nil, now: now) { work in
            let limits = work.authority.limits
            guard limits.access == .write, limits.team == nil else {
                throw StoreError(
                    .forbidden, "this token cannot unlink an identity",
                    hint: "use a token with write access and without limits")
            }
            guard let link = try await work.transaction.fetchOptional(FetchIdentityLink(id: id)) else {
                throw StoreError.noSuch("linked identity", id)
            }
            if link.person == actor.person {
                try Self.requirePersonsToken(limits, "unlink an identity")
            } else {
                try work.authority.require(.administer)
            }
            guard try await work.transaction.execute(EndIdentityLink(id: id, by: actor.person, now: now)) == 1 else {
                throw StoreError.noSuch("linked identity", id)
            }
            try await work.transaction.execute(
                RevokeCredentialsOfIdentity(issuer: link.issuer, subject: link.subject, now: now))
            // Which of them that identity brought is not known; the next token of another says its own.
            try await work.transaction.execute(ForgetAssertedGroups(person: link.person, issuer: link.issuer))
            try await work.audit.record(
                .identityUnlinked, "person:\(link.person)",
                detail: ["link": .integer(id), "issuer": .string(link.issuer), "subject": .string(link.subject)])
        }
    }

    package func groupRoles(_ page: PageRequest) async throws -> KeysetPage<GroupRoleRecord> {
        let roles = try await pool.fetchAll(ListGroupRoles(after: try page.numberAfter(), limit: page.fetched))
        return KeysetPage(fetched: roles, limit: page.limit) { "\($0.id)" }
    }

    // MARK: - Client certificates

    /// Makes the key of a client certificate, which the caller's connection has just proved, a credential of the caller.
    /// It ends with the certificate, and after as many days as a token at the latest.
    package func registerCertificate(
        keySHA256: [UInt8], label: String, expires: UTCDate, by actor: Actor, now: UTCDate
    ) async throws -> CredentialRecord {
        try keySHA256.requireDigest("the digest of a public key")
        try Texts.check(label, "label of a certificate", maximum: 100)
        guard expires > now else { throw StoreError(.expired, "the certificate expired at \(expires)") }
        return try await work(actor, nil, now: now) { work in
            try Self.requirePersonsToken(work.authority.limits, "register a certificate")
            let insert = InsertCertificateCredential(
                maker: try await work.transaction.fetchOne(FetchCredential(id: actor.credential)),
                keySHA256: keySHA256, label: label, now: now,
                expires: min(expires, now.adding(days: NewCredential.maximumDays)))
            guard let id = try await work.transaction.fetchOptional(insert) else {
                throw StoreError(
                    .conflict, "this certificate's key is registered already",
                    hint: "revoke it first, or use another key")
            }
            try await work.audit.record(
                .certificateRegistered, "credential:\(id)",
                detail: ["key": .string(Hex.encode(keySHA256)), "expires": .string("\(insert.expires)")])
            return try await work.transaction.fetchOne(FetchCredential(id: id))
        }
    }

    /// Finds out whose key a connection has proved; the key of a certificate that nobody registered is nobody's.
    package func authenticate(certificateKeySHA256: [UInt8], requestID: String, now: UTCDate) async throws -> Session {
        let query = FetchCredentialByKey(keySHA256: certificateKeySHA256)
        guard let credential = try await pool.fetchOptional(query), credential.isGood(at: now) else {
            throw Self.notSignedIn
        }
        let session = try await session(of: credential, requestID: requestID, now: now)
        try await noteUse(of: credential, by: session.actor, now: now)
        return session
    }
}

extension ApiStore {
    /// Whose identity it is, and what its tokens are good for.
    private struct IdentityHolder {
        let person: PersonID
        let limits: TokenLimits
    }

    private static func requirePersonsToken(_ limits: TokenLimits, _ what: String) throws {
        guard limits == .unlimited else {
            throw StoreError(
                .forbidden, "this token cannot \(what)",
                hint: "use a person's token with write access and without limits")
        }
    }

    /// A token that was exchanged, and a nonce that was used, are not taken again.
    private static func spend(
        _ identity: AssertedIdentity, _ nonceSHA256: [UInt8]?, on transaction: Transaction, _ now: UTCDate
    ) async throws {
        try await transaction.execute(ForgetSpentProofs(now: now.adding(seconds: -3_600)))
        for digest in [identity.tokenSHA256, nonceSHA256].compactMap(\.self) {
            try digest.requireDigest("the digest of a proof")
            guard try await transaction.execute(SpendProof(sha256: digest, expires: identity.expires)) == 1 else {
                throw StoreError(
                    .unauthenticated, "this token or its nonce was used before", hint: "sign in again: roadstead login")
            }
        }
    }

    private static func holder(
        of identity: AssertedIdentity, _ signUp: SignUp, on transaction: Transaction, _ requestID: String,
        _ now: UTCDate
    ) async throws -> IdentityHolder {
        let (issuer, subject) = (identity.issuer, identity.subject)
        guard try await !transaction.fetchOne(IsBarred(identity: identity)) else { throw notSignedIn }
        if let link = try await transaction.fetchOptional(FindIdentityLink(issuer: issuer, subject: subject)) {
            guard link.limits.holder == .machine || identity.isForPeople else { throw notSignedIn }
            try await keepGroups(identity, of: link, on: transaction)
            return IdentityHolder(person: link.person, limits: link.limits)
        }
        // Two accounts of one person never become two people by ending the link.
        let once = WasLinked(issuer: issuer, subject: subject)
        guard identity.isForPeople, try await !transaction.fetchOne(once) else { throw notSignedIn }
        let own = FetchPersonBySubject(issuer: issuer, subject: subject)
        let person: PersonRecord
        if let known = try await transaction.fetchOptional(own) {
            person = known
        } else {
            person = try await join(identity, signUp, on: transaction, requestID, now)
        }
        guard !person.disabled else { throw notSignedIn }
        try await transaction.execute(KeepAssertedGroups(person: person.id, identity: identity))
        return IdentityHolder(person: person.id, limits: .unlimited)
    }

    /// The groups of another account are the person's too; a machine brings none.
    private static func keepGroups(
        _ identity: AssertedIdentity, of link: IdentityLink, on transaction: Transaction
    ) async throws {
        guard link.limits.holder == .person else { return }
        try await transaction.execute(KeepAssertedGroups(person: link.person, identity: identity))
    }

    private static func join(
        _ identity: AssertedIdentity, _ signUp: SignUp, on transaction: Transaction, _ requestID: String, _ now: UTCDate
    ) async throws -> PersonRecord {
        guard signUp == .open else {
            throw StoreError(
                .forbidden, "nobody here knows this account, and new people do not sign up by themselves",
                hint: "ask a trust administrator")
        }
        let insert = InsertPerson(
            issuer: identity.issuer, subject: identity.subject, displayName: identity.displayName, now: now)
        guard let person = try await transaction.fetchOptional(insert) else { throw notSignedIn }
        let audit = AuditWriter(transaction: transaction, actor: .server(requestID: requestID), now: now)
        try await audit.record(.personJoined, "person:\(person.id)", detail: ["issuer": .string(identity.issuer)])
        return person
    }

    /// The credential for which an identity's tokens stand, made anew after it was revoked.
    private static func standing(
        of identity: AssertedIdentity, _ holder: IdentityHolder, on transaction: Transaction, _ requestID: String,
        _ now: UTCDate
    ) async throws -> Int64 {
        let query = FetchProviderCredential(issuer: identity.issuer, subject: identity.subject)
        if let known = try await transaction.fetchOptional(query), known.revoked == nil {
            guard known.person == holder.person else { throw notSignedIn }
            let prolong = ProlongCredential(id: known.id, expires: identity.expires, now: now)
            try await transaction.execute(prolong)
            return known.id
        }
        let team = try await holder.limits.team.asyncMap { try await transaction.requireTeam($0).id }
        let id = try await transaction.fetchOne(
            InsertProviderCredential(
                person: holder.person, identity: identity, holder: holder.limits.holder, team: team, now: now))
        let actor = Actor(person: holder.person, credential: id, requestID: requestID)
        try await AuditWriter(transaction: transaction, actor: .person(actor), now: now).record(
            .signedIn, "person:\(holder.person)",
            detail: ["issuer": .string(identity.issuer), "holder": .string(holder.limits.holder.rawValue)])
        return id
    }
}
