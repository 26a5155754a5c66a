import Codecs
import Files
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// People, their credentials and their roles.
struct IdentityController: Sendable {
    private static let tag = "people"
    /// Days that a token lives unless said.
    static let tokenDays: Int64 = 90

    let store: ApiStore
    /// The file with the bootstrap token, removed once it was used.
    let bootstrapTokenPath: String
    let gate: Gate

    var endpoints: [Endpoint] {
        [
            .write(
                "/v1/bootstrap", "Makes the first trust administrator", tag: Self.tag, access: .bootstrapToken,
                permission: .proven,
                repeats: .harmless, bodyLimit: 4_096
            ) { try await bootstrap($0, $1) },
            .read("/v1/whoami", "The caller and the caller's roles", tag: Self.tag, permission: .own) { call in
                let session = try call.caller()
                return WhoAmI(
                    person: PersonBody(session.person), tokenID: session.credential.id,
                    access: session.credential.limits.access, expires: session.credential.expires,
                    bindings: session.held.map { RoleBindingBody($0) }, credential: session.credential.kind,
                    holder: session.limits.holder)
            },
            .write(
                "/v1/invitations", "Invites a person, who makes the credential", tag: Self.tag,
                permission: .takes(.administer), repeats: .refused
            ) { try await invite($0, $1) },
            .read(
                "/v1/invitations", "Invitations that can still be taken up", tag: Self.tag,
                permission: .takes(.readGovernance), queries: Endpoint.pageQueries
            ) { call in
                try await store.openInvitations(try call.page(), now: call.now).body(OpenInvitationBody.init)
            },
            .remove(
                "/v1/invitations/{id}", "Takes an invitation back, with its roles, while nobody has taken it up",
                tag: Self.tag, permission: .takes(.administer)
            ) { call in
                try await store.revokeInvitation(try call.number("id"), by: try call.caller().actor, now: call.now)
            },
            .write(
                "/v1/invitations/accept", "Turns an invitation into a token of its holder", tag: Self.tag,
                access: .open, permission: .proven, repeats: .harmless, bodyLimit: 4_096
            ) { try await accept($0, $1) },
            .read("/v1/tokens", "The caller's tokens", tag: Self.tag, permission: .own, queries: Endpoint.pageQueries) {
                call in
                let session = try call.caller()
                return try await store.credentials(of: session.person.id, try call.page()).body(TokenBody.init)
            },
            .write(
                "/v1/tokens", "Makes a further token of the caller", tag: Self.tag, permission: .own, repeats: .refused
            ) {
                try await issue($0, $1)
            },
            .remove("/v1/tokens/{id}", "Revokes a token of the caller", tag: Self.tag, permission: .own) { call in
                try await store.revokeCredential(try call.number("id"), by: try call.caller().actor, now: call.now)
            },
            .read(
                "/v1/people", "People", tag: Self.tag, permission: .takes(.readGovernance),
                queries: Endpoint.pageQueries
            ) { call in
                try await store.people(try call.page()).body(PersonBody.init)
            },
            .read(
                "/v1/role-bindings", "Who holds which role", tag: Self.tag, permission: .takes(.readGovernance),
                queries: Endpoint.pageQueries
            ) { call in
                try await store.roleBindings(try call.page()).body(RoleBindingBody.init)
            },
            .govern("/v1/role-bindings", "Gives a person a role", tag: Self.tag, permission: .takes(.administer)) {
                (call: Call, body: RoleBindingBody) in
                let binding = try RoleBinding(body.role, try RoleReach(team: body.team, fleet: body.fleet))
                return try await store.govern([try GrantRole(person: body.person, binding)], call) {
                    let id = try await store.roleBinding(binding, of: body.person)?.id
                    return RoleBindingBody(binding, person: body.person, id: id)
                }
            },
            .governRemoval(
                "/v1/role-bindings/{id}", "Takes a role away, at once", tag: Self.tag, permission: .takes(.administer)
            ) { call in
                try await store.govern([RevokeRole(binding: try call.number("id"))], call)
            },
            .remove(
                "/v1/people/{id}", "Disables a person, at once and for good", tag: Self.tag,
                permission: .takes(.administer)
            ) { call in
                try await store.disablePerson(
                    PersonID(rawValue: try call.number("id")), by: try call.caller().actor, now: call.now)
            },
        ]
    }

    private func bootstrap(_ call: Call, _ body: BootstrapRequest) async throws -> IssuedToken {
        guard let bearer = call.bearer, let shown = TokenText(bearer, .bootstrap) else { throw await refused(call) }
        let token = TokenText.generate(.api)
        let credential = Self.credential(token, label: "bootstrap", days: Self.tokenDays, now: call.now)
        let session: Session
        do {
            session = try await store.redeemBootstrap(
                tokenSHA256: shown.sha256, subject: body.name, displayName: body.displayName, credential: credential,
                requestID: call.requestID, now: call.now)
        } catch let error as StoreError where error.code == .unauthenticated {
            throw await refused(call)
        }
        try? Files.remove(bootstrapTokenPath)
        return IssuedToken(token, session)
    }

    private func refused(_ call: Call) async -> ServerError {
        await gate.recordFailure(call.request, call.context, now: call.now)
        return Gate.refusal
    }

    private func invite(_ call: Call, _ body: InvitationRequest) async throws -> InvitationBody {
        let hours = try Self.checked(body.expiresInHours ?? 72, 1...336, "expiresInHours")
        let token = TokenText.generate(.invitation)
        let (record, change) = try await store.invite(
            subject: body.name, displayName: body.displayName,
            bindings: try body.bindings.map { binding in
                try RoleBinding(binding.role, try RoleReach(team: binding.team, fleet: binding.fleet))
            },
            tokenSHA256: token.sha256, expires: call.now.adding(seconds: Int64(hours) * 3_600),
            by: try call.caller().actor, now: call.now)
        return InvitationBody(
            invitation: token.text, name: record.subject, expires: record.expires,
            change: try await change.asyncMap { try await ChangeController(store: store).render($0) })
    }

    private func accept(_ call: Call, _ body: AcceptInvitationRequest) async throws -> IssuedToken {
        try await gate.admit(call.request, call.context, now: call.now)
        guard call.bearer == nil else {
            throw ServerError(
                .request, "an invitation is accepted by somebody who is nobody here yet",
                hint: "send no Authorization header")
        }
        guard let shown = TokenText(body.invitation, .invitation) else { throw await refused(call) }
        let token = TokenText.generate(.api)
        let credential = Self.credential(token, label: body.label, days: Self.tokenDays, now: call.now)
        do {
            let session = try await store.acceptInvitation(
                tokenSHA256: shown.sha256, credential: credential, requestID: call.requestID, now: call.now)
            return IssuedToken(token, session)
        } catch let error as StoreError where error.code == .unauthenticated {
            throw await refused(call)
        }
    }

    private func issue(_ call: Call, _ body: TokenRequest) async throws -> IssuedToken {
        let session = try call.caller()
        let days = try Self.checked(body.expiresInDays ?? Int(Self.tokenDays), 1...365, "expiresInDays")
        let limits = TokenLimits(
            access: body.access ?? session.limits.access, holder: session.limits.holder,
            team: body.team ?? session.limits.team)
        let token = TokenText.generate(.api)
        let record = try await store.issueCredential(
            NewCredential(
                tokenSHA256: token.sha256, label: body.label, limits: limits,
                expires: call.now.adding(days: Int64(days))),
            by: session.actor, now: call.now)
        return IssuedToken(
            token: token.text, tokenID: record.id, person: PersonBody(session.person), expires: record.expires)
    }

    private static func credential(_ token: TokenText, label: String, days: Int64, now: UTCDate) -> NewCredential {
        NewCredential(tokenSHA256: token.sha256, label: label, expires: now.adding(days: days))
    }

    /// A number within its range.
    static func checked(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws -> Int {
        guard range.contains(value) else {
            throw StoreError(
                .invalid, "\(name) is \(value)", hint: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

extension OpenInvitationBody {
    init(_ invitation: OpenInvitation) {
        self.init(
            id: invitation.id, name: invitation.subject, displayName: invitation.displayName,
            roles: invitation.bindings.map {
                InvitedRole(role: $0.role, team: $0.reach.team, fleet: $0.reach.fleet)
            }, invitedBy: invitation.inviter, expires: invitation.expires)
    }
}
