package import Codecs

/// `<team>/policy.json`: the team's trust policy statements and what limits its anchors.
package struct TeamPolicy: SignedDocument, Equatable {
    package static var documentName: String { "a team's policy.json" }
    package static let fileName = "policy.json"

    /// Registry scopes of the team and what a signature on their images must satisfy.
    package struct Statement: Sendable, Codable, Hashable {
        package let name: String
        package let registryScopes: [RegistryScope]
        /// `strict`, `permissive`, `audit` or `skip`, as in Notation.
        package let level: String
        /// Overrides of single checks, as in Notation; absent for none.
        package let override: [String: String]?
        /// Stores of the team that the statement refers to.
        package let stores: [StoreReference]
        /// Trusted identities in Notation's form; `*` for any.
        package let trustedIdentities: [String]

        package init(
            name: String, registryScopes: [RegistryScope], level: String, override: [String: String]? = nil,
            stores: [StoreReference], trustedIdentities: [String]
        ) {
            self.name = name
            self.registryScopes = registryScopes
            self.level = level
            self.override = override
            self.stores = stores
            self.trustedIdentities = trustedIdentities
        }
    }

    package struct StoreReference: Sendable, Codable, Equatable, Hashable {
        package let kind: TrustStoreKind
        package let name: TrustStoreName

        package init(kind: TrustStoreKind, name: TrustStoreName) {
            self.kind = kind
            self.name = name
        }
    }

    /// What limits one anchor beyond its place in a store.
    package struct AnchorConstraint: Sendable, Codable, Equatable {
        /// SHA-256 of the anchor's certificate, in lower-case hexadecimal.
        package let anchor: String
        /// Signatures after this moment are not believed.
        package let distrustAfter: UTCDate?
        /// The end of a break-glass addition, enforced on hosts without a network.
        package let until: UTCDate?
        /// SHA-256 of the subordinate certificates' keys that may sign; absent for all.
        package let subordinates: [String]?

        package init(
            anchor: String, distrustAfter: UTCDate? = nil, until: UTCDate? = nil, subordinates: [String]? = nil
        ) {
            self.anchor = anchor
            self.distrustAfter = distrustAfter
            self.until = until
            self.subordinates = subordinates
        }
    }

    package let schema: Int
    package let critical: [String]
    package let team: TeamName
    package let statements: [Statement]
    package let constraints: [AnchorConstraint]

    package init(team: TeamName, statements: [Statement], constraints: [AnchorConstraint] = []) {
        schema = Self.currentSchema
        critical = []
        self.team = team
        self.statements = statements
        self.constraints = constraints
    }

    /// The statement of a team that wrote none: all its scopes, strictly, any identity under its own stores.
    package static func standard(
        team: TeamName, scopes: [RegistryScope], stores: [StoreReference]
    ) -> TeamPolicy {
        let signing = stores.filter { $0.kind != .tsa }
        guard !scopes.isEmpty, !signing.isEmpty else { return TeamPolicy(team: team, statements: []) }
        let statement = Statement(
            name: team.rawValue, registryScopes: scopes, level: "strict", stores: stores, trustedIdentities: ["*"])
        return TeamPolicy(team: team, statements: [statement])
    }
}
