import Codecs
import IdentityTokens
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TrustModel

/// Signing in by a provider or a client certificate, and the identities that are one person's.
struct SignInController: Sendable {
    private static let tag = "people"
    /// A provider's token with its wrapping.
    private static let bodyLimit = CompactToken.maximumBytes + 4_096

    let store: ApiStore
    let lookup: CredentialLookup
    let gate: Gate

    private var verifier: TokenVerifier { lookup.verifier }

    var endpoints: [Endpoint] {
        [
            .read("/v1/sign-in", "The ways to sign in", tag: Self.tag, access: .open, permission: .proven) {
                try await offer($0)
            },
            .write(
                "/v1/sign-in", "Exchanges a provider's fresh token, once, for a session of at most 12 hours",
                tag: Self.tag, access: .open, permission: .proven, repeats: .harmless, bodyLimit: Self.bodyLimit
            ) { try await signIn($0, $1) },
            .read(
                "/v1/identities", "The caller's linked identities", tag: Self.tag, permission: .own,
                queries: Endpoint.pageQueries
            ) {
                let session = try $0.caller()
                return try await store.identityLinks(of: session.person.id, try $0.page()).body(IdentityLinkBody.init)
            },
            .write(
                "/v1/identities/proofs", "Shows that another identity is the caller's, before it is linked",
                tag: Self.tag, permission: .own, bodyLimit: Self.bodyLimit
            ) { try await prove($0, $1) },
            .remove(
                "/v1/identities/{id}", "Unlinks an identity, with all its credentials", tag: Self.tag, permission: .own
            ) { call in
                try await store.unlinkIdentity(try call.number("id"), by: try call.caller().actor, now: call.now)
            },
            .read(
                "/v1/group-roles", "The roles that groups bring", tag: Self.tag, permission: .takes(.readGovernance),
                queries: Endpoint.pageQueries
            ) {

                return try await store.groupRoles(try $0.page()).body(GroupRoleBody.init)
            },
            .write(
                "/v1/certificates", "Registers the client certificate of this connection as the caller's",
                tag: Self.tag, permission: .own, bodyLimit: 4_096
            ) { try await register($0, $1) },
        ]
    }

    private func offer(_ call: Call) async throws -> SignInOffer {
        guard let provider = verifier.provider else {
            return SignInOffer(provider: nil, certificate: gate.takesCertificates)
        }
        do {
            let document = try await provider.document(now: call.now)
            let offer = ProviderOffer(
                issuer: provider.issuer, clientID: verifier.settings.clientID,
                authorizationEndpoint: document.authorization, tokenEndpoint: document.token,
                deviceAuthorizationEndpoint: document.deviceAuthorization)
            return SignInOffer(provider: offer, certificate: gate.takesCertificates)
        } catch {
            lookup.log(error, call.requestID)
            throw CredentialLookup.providerAway
        }
    }

    private func signIn(_ call: Call, _ body: SignInRequest) async throws -> IssuedToken {
        try await gate.admit(call.request, call.context, now: call.now)
        let identity = try await verified(body.idToken, .signIn(nonce: body.nonce), call)
        guard identity.isForPeople else { throw await refused(call) }
        let token = TokenText.generate(.api)
        do {
            let session = try await store.signIn(
                identity, nonceSHA256: body.nonce.map { HashAlgorithm.sha256.digest(of: Array($0.utf8)) },
                tokenSHA256: token.sha256, label: body.label, signUp: verifier.settings.signUp,
                requestID: call.requestID, now: call.now)
            return IssuedToken(token, session)
        } catch let error as StoreError where error.code == .unauthenticated {
            throw await refused(call)
        }
    }

    private func prove(_ call: Call, _ body: IdentityProofRequest) async throws -> IdentityBody {
        let session = try person(call)
        let identity: AssertedIdentity
        do { identity = try await verifier.verify(body.token, for: .proof(nonce: body.nonce), now: call.now) } catch {
            lookup.log(error, call.requestID)
            guard error.code != .provider else { throw CredentialLookup.providerAway }
            await gate.noteFailure(call.request, call.context, now: call.now)
            throw StoreError(
                .invalid, "this is no fresh token of an identity that counts here",
                hint: "sign in there again; a machine's token is for the audience of this server")
        }
        try await store.prove(identity, by: session.actor, now: call.now)
        return IdentityBody(
            issuer: try IssuerURL(identity.issuer), subject: try IdentitySubject(identity.subject),
            isForMachines: !identity.isForPeople)
    }

    private func register(_ call: Call, _ body: CertificateRequest) async throws -> TokenBody {
        let session = try person(call)
        guard call.bearer != nil, let key = await gate.provedKey(call.context, call.now) else {
            throw StoreError(
                .invalid, "this connection showed no client certificate beside the token",
                hint: "roadstead login --client-certificate FILE --client-key FILE --register")
        }
        let record = try await store.registerCertificate(
            keySHA256: key.sha256, label: body.label, expires: key.expires, by: session.actor, now: call.now)
        return TokenBody(record)
    }

    /// The caller, with a person's token that has no limits.
    private func person(_ call: Call) throws -> Session {
        let session = try call.caller()
        guard session.limits == .unlimited else {
            throw StoreError(
                .forbidden, "this token makes no credential and no identity",
                hint: "use a person's token with write access and without limits")
        }
        return session
    }

    private func verified(
        _ text: String, _ purpose: TokenVerifier.Purpose, _ call: Call
    ) async throws -> AssertedIdentity {
        do { return try await verifier.verify(text, for: purpose, now: call.now) } catch {
            lookup.log(error, call.requestID)
            if error.code == .provider { throw CredentialLookup.providerAway }
            throw await refused(call)
        }
    }

    private func refused(_ call: Call) async -> ServerError {
        await gate.recordFailure(call.request, call.context, now: call.now)
        return Gate.refusal
    }
}

extension IdentityLinkBody {
    init(_ link: IdentityLink) {
        self.init(
            id: link.id, issuer: link.issuer, subject: link.subject, holder: link.limits.holder,
            team: link.limits.team, linked: link.linked, change: link.change)
    }
}

extension GroupRoleBody {
    init(_ record: GroupRoleRecord) {
        self.init(
            id: record.id, issuer: record.issuer, group: record.group, role: record.binding.role,
            reach: record.binding.reach, set: record.set, change: record.change)
    }
}
