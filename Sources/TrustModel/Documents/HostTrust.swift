package import Codecs

/// What one host believes in one generation: the teams' roles merged, held against their scopes, less the denials.
///
/// The agent writes it into each generation as `trust.json`; the evaluator and every renderer work from it alone.
package struct HostTrust: SignedDocument, Equatable {
    package static let documentName = "trust.json"
    package static let fileName = "trust.json"
    /// It holds every team's content at once.
    package static let byteLimit = 64 << 20

    /// A statement, its scopes already checked against what its team owns.
    package struct Statement: Sendable, Codable, Equatable {
        package let name: String
        /// Absent for the fleet's own.
        package let team: TeamName?
        /// Prefixes; the longest that covers a repository wins.
        package let scopes: [RegistryScope]
        package let level: String
        package let override: [String: String]?
        package let stores: [TrustStoreID]
        package let trustedIdentities: [String]

        package init(
            name: String, team: TeamName?, scopes: [RegistryScope], level: String, override: [String: String]?,
            stores: [TrustStoreID], trustedIdentities: [String]
        ) {
            self.name = name
            self.team = team
            self.scopes = scopes
            self.level = level
            self.override = override
            self.stores = stores
            self.trustedIdentities = trustedIdentities
        }
    }

    /// A store and its anchors, each the standard base64 of a certificate's DER. It may be empty: its scopes then reject.
    package struct Store: Sendable, Codable, Equatable {
        package let id: TrustStoreID
        package let anchors: [String]
        package let constraints: [TeamPolicy.AnchorConstraint]
        /// Identifiers of the denials that took a self-signed anchor out of the store; absent for none.
        ///
        /// Where no store of a statement holds a self-signed certificate, no chain of that statement can end in it,
        /// which is how enforcers without a list of denials come to enforce one.
        package let denied: [String]?

        package init(
            id: TrustStoreID, anchors: [String], constraints: [TeamPolicy.AnchorConstraint], denied: [String]? = nil
        ) {
            self.id = id
            self.anchors = anchors
            self.constraints = constraints
            self.denied = denied
        }
    }

    package let schema: Int
    package let critical: [String]
    package let fleet: FleetName
    package let release: Int64
    package let issued: UTCDate
    package let statements: [Statement]
    package let stores: [Store]
    package let denials: [DenyDocument.Denial]
    /// Known repositories within the statements' scopes, for enforcers that know only exact names.
    package let repositories: [RegistryScope]
    /// What is let pass until a moment, less what had ended when this was made; absent for nothing.
    package let exceptions: [PolicyException]?

    package init(
        fleet: FleetName, release: Int64, issued: UTCDate, statements: [Statement], stores: [Store],
        denials: [DenyDocument.Denial], repositories: [RegistryScope], exceptions: [PolicyException]? = nil
    ) {
        schema = Self.currentSchema
        critical = []
        self.fleet = fleet
        self.release = release
        self.issued = issued
        self.statements = statements
        self.stores = stores
        self.denials = denials
        self.repositories = repositories
        self.exceptions = exceptions?.isEmpty == true ? nil : exceptions
    }
}
