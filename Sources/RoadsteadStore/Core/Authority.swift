import Codecs
import PostgresKit
import TrustModel

/// The roles of a caller and the limits of the credential, as the database has them in this transaction.
struct Authority: Sendable {
    let person: PersonID
    let limits: TokenLimits
    let bindings: [RoleBinding]

    static func fetch(_ actor: Actor, on runner: some StatementRunner, now: UTCDate) async throws -> Authority {
        guard let credential = try await runner.fetchOptional(FetchCredential(id: actor.credential)),
            credential.person == actor.person, credential.isGood(at: now),
            let person = try await runner.fetchOptional(FetchPerson(id: actor.person)), !person.disabled
        else {
            throw StoreError(.unauthenticated, "this token is no longer good", hint: "sign in again: roadstead login")
        }
        return Authority(
            person: actor.person, limits: credential.limits,
            bindings: try await runner.fetchAll(ListBindingsOfPeople(people: [actor.person], now: now)).map(\.binding))
    }

    func require(_ permission: Permission) throws {
        if case .denied(let reason, let hint) = decide(permission) {
            throw StoreError(.forbidden, reason, hint: hint)
        }
    }

    /// Passes when any of the permissions is held; else the first one's refusal is thrown.
    func requireAny(_ permissions: [Permission]) throws {
        guard let first = permissions.first else { return }
        if permissions.contains(where: { decide($0).isAllowed }) { return }
        try require(first)
    }

    func decide(_ permission: Permission) -> AuthorizationDecision {
        Authorization.decide(permission, bindings: bindings, limits: limits)
    }
}
