import Codecs

/// The trust policy statements that a team writes: each one that every enforcer takes, and nothing said twice.
///
/// One bad statement fails every verification of a Notation configuration, so what it would choke on never gets in.
/// [Notary trust-store-trust-policy, "Trust Policy"]
package struct TeamStatements: Sendable, Hashable {
    package static let countRange = 1...100
    /// Canonical JSON; a team's targets have room for it beside its anchors.
    package static let maximumBytes = 32 << 10
    package static let maximumListLength = 500
    package static let maximumNameLength = 64

    package let statements: [TeamPolicy.Statement]

    /// - Throws: `TrustModelError(.policy)` for a statement that means nothing, or two that contradict each other.
    package init(_ statements: [TeamPolicy.Statement]) throws(TrustModelError) {
        guard Self.countRange.contains(statements.count) else {
            throw TrustModelError(
                .policy, "the policy has \(statements.count) statements",
                hint: "\(Self.countRange.lowerBound) to \(Self.countRange.upperBound); none at all is the standard one")
        }
        var names: Set<String> = []
        var taken: [RegistryScope: String] = [:]
        for statement in statements {
            do throws(TrustModelError) {
                try Self.check(statement)
                guard names.insert(statement.name).inserted else {
                    throw TrustModelError(.policy, "another statement has its name")
                }
                for scope in statement.registryScopes {
                    if let other = taken.updateValue(statement.name, forKey: scope) {
                        throw TrustModelError(
                            .policy, "the scope \(scope) stands in the statement \"\(other)\" already",
                            hint: "every scope belongs to one statement; of nested ones the longest counts")
                    }
                }
            } catch {
                throw TrustModelError(
                    error.code, "statement \"\(statement.name.prefix(Self.maximumNameLength))\": \(error.reason)",
                    hint: error.hint)
            }
        }
        self.statements = statements
        guard let bytes = try? JSON(encoding: statements).canonicalBytes(), bytes.count <= Self.maximumBytes else {
            throw TrustModelError(
                .policy, "the policy has more than \(Self.maximumBytes) bytes",
                hint: "join statements that say the same, or name a shorter scope once")
        }
    }

    package var stores: Set<TeamPolicy.StoreReference> { Set(statements.flatMap(\.stores)) }
    package var scopes: [RegistryScope] { statements.flatMap(\.registryScopes) }

    /// Why a team cannot say this, given what it has and which team speaks for a scope; nil when it can.
    package func refusal(
        of team: TeamName, stores: Set<TeamPolicy.StoreReference>, owner: (RegistryScope) -> TeamName?
    ) -> TrustModelError? {
        for statement in statements {
            if statement.name == team.rawValue {
                return TrustModelError(
                    .policy,
                    "statement \"\(statement.name)\" has the name of its team, which is that of the standard one",
                    hint: "choose another name")
            }
            if let missing = statement.stores.first(where: { !stores.contains($0) }) {
                return TrustModelError(
                    .store,
                    "statement \"\(statement.name)\" refers to the store \(missing), which team \(team) does not have",
                    hint: "roadstead store add --team \(team) --kind \(missing.kind.rawValue) \(missing.name)")
            }
            for scope in statement.registryScopes {
                let found = owner(scope)
                if found == team { continue }
                let whose = found.map { "is team \($0)'s" } ?? "belongs to nobody"
                return TrustModelError(
                    .foreignScope, "statement \"\(statement.name)\" speaks for \(scope), which \(whose)",
                    hint: "a team speaks within its own scopes: roadstead team show \(team)")
            }
        }
        return nil
    }

    // MARK: One statement

    private static func check(_ statement: TeamPolicy.Statement) throws(TrustModelError) {
        try check(name: statement.name)
        let level: VerificationLevel = try word(statement.level, "verification level")
        let overrides = statement.override ?? [:]
        _ = try NotationPolicy.Statement.overrides(
            overrides.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, level: level)
        guard !statement.registryScopes.isEmpty else {
            throw TrustModelError(.policy, "it has no registryScopes", hint: "name the team's scopes that it is for")
        }
        try check(statement.registryScopes, "registryScopes")
        try check(statement.stores, "stores")
        try check(statement.trustedIdentities, "trustedIdentities")
        try check(identities: statement.trustedIdentities)
        try check(statement, at: level)
    }

    private static func check(name: String) throws(TrustModelError) {
        let isGood = name.utf8.allSatisfy { isLowerCase($0 | 0x20) || isDigit($0) || "._-".utf8.contains($0) }
        guard isGood, (1...maximumNameLength).contains(name.utf8.count) else {
            throw TrustModelError(
                .policy, "the name is not made of letters, digits, _ . and - alone",
                hint: "1 to \(maximumNameLength) characters")
        }
    }

    private static func check(_ list: [some Hashable], _ what: String) throws(TrustModelError) {
        guard list.count <= maximumListLength else {
            throw TrustModelError(.policy, "it has \(list.count) \(what), at most \(maximumListLength) fit")
        }
        guard Set(list).count == list.count else {
            throw TrustModelError(.policy, "one of its \(what) stands twice", hint: "leave the second one out")
        }
    }

    private static func check(identities: [String]) throws(TrustModelError) {
        for case .unknown(let text) in try NotationPolicy.Statement.identities(identities) {
            throw TrustModelError(
                .policy, "the trusted identity \"\(text.prefix(120))\" is of a kind that never matches",
                hint: "write x509.subject: C=US, ST=WA, O=Example, or *")
        }
    }

    /// Verification that is skipped names no trust; any other names both stores and identities.
    private static func check(
        _ statement: TeamPolicy.Statement, at level: VerificationLevel
    ) throws(TrustModelError) {
        if level == .skip {
            guard statement.stores.isEmpty, statement.trustedIdentities.isEmpty else {
                throw TrustModelError(
                    .policy, "it skips verification and yet names stores or identities", hint: "leave them out")
            }
            return
        }
        guard statement.stores.contains(where: { $0.kind != .tsa }) else {
            throw TrustModelError(
                .policy, "it names no store with anchors of signers", hint: "name a ca or signingAuthority store")
        }
        guard !statement.trustedIdentities.isEmpty else {
            throw TrustModelError(
                .policy, "it has no trustedIdentities", hint: "* lets everybody sign whom the stores vouch for")
        }
    }
}
