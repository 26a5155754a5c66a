package import Codecs
package import TrustModel

/// What a team says of its images: `GET /v1/teams/{team}/policy`.
package struct PolicyBody: Codable, Sendable, Equatable {
    package let team: TeamName
    /// True where the team wrote none and the standard statement speaks for it.
    package let standard: Bool
    package let statements: [TeamPolicy.Statement]
    /// The change that set it; absent where none did.
    package let change: Int64?
    package let set: UTCDate?

    package init(
        team: TeamName, standard: Bool, statements: [TeamPolicy.Statement], change: Int64? = nil, set: UTCDate? = nil
    ) {
        self.team = team
        self.standard = standard
        self.statements = statements
        self.change = change
        self.set = set
    }
}

/// `PUT /v1/teams/{team}/policy`: proposes another policy.
package struct PolicyRequest: Codable, Sendable, Equatable {
    /// Absent for the standard one.
    package let statements: [TeamPolicy.Statement]?
    package let justification: String
    package let ticket: String?

    package init(statements: [TeamPolicy.Statement]?, justification: String, ticket: String? = nil) {
        self.statements = statements
        self.justification = justification
        self.ticket = ticket
    }
}

/// What the administrators say of a fleet's images: `GET /v1/fleets/{fleet}/policy`.
package struct FleetPolicyBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let statements: [FleetPolicy.Statement]
    /// The level of the standard statement, of teams that wrote none; strict where absent.
    package let standardLevel: VerificationLevel?
    /// The least that a team's statement may ask; anything where absent.
    package let floor: VerificationLevel?

    package init(fleet: FleetName, policy: FleetPolicy) {
        self.fleet = fleet
        statements = policy.statements
        standardLevel = policy.standardLevel
        floor = policy.floor
    }
}

/// Which statement decides in a fleet, and why: `GET /v1/fleets/{fleet}/policy/explain`.
package struct ExplanationBody: Codable, Sendable, Equatable {
    package struct Store: Codable, Sendable, Equatable {
        /// As Notation names it, such as `ca:acme.prod`.
        package let store: String
        package let anchors: Int

        package init(store: String, anchors: Int) {
            self.store = store
            self.anchors = anchors
        }
    }

    package let fleet: FleetName
    package let scope: RegistryScope
    /// The team that speaks for it; absent where none does.
    package let owner: TeamName?
    /// The statement that decides; absent where none does, and nothing is accepted.
    package let statement: String?
    /// The statement's team; absent for the fleet's own.
    package let team: TeamName?
    package let decidingScope: RegistryScope?
    package let level: String?
    package let override: [String: String]?
    package let stores: [Store]
    package let trustedIdentities: [String]
    /// Why, a line each.
    package let reasons: [String]

    package init(
        fleet: FleetName, scope: RegistryScope, owner: TeamName?, statement: String?, team: TeamName?,
        decidingScope: RegistryScope?, level: String?, override: [String: String]?, stores: [Store],
        trustedIdentities: [String], reasons: [String]
    ) {
        self.fleet = fleet
        self.scope = scope
        self.owner = owner
        self.statement = statement
        self.team = team
        self.decidingScope = decidingScope
        self.level = level
        self.override = override
        self.stores = stores
        self.trustedIdentities = trustedIdentities
        self.reasons = reasons
    }
}

/// What a fleet lets pass until a moment.
package struct ExceptionBody: Codable, Sendable, Equatable {
    package let exception: String
    package let fleet: FleetName
    package let digest: String?
    package let scope: RegistryScope?
    package let until: UTCDate
    package let team: TeamName?
    package let owner: String
    package let reason: String
    /// The change that brought it.
    package let change: Int64
    package let added: UTCDate
    /// Absent while it is in force.
    package let ended: UTCDate?

    package init(
        exception: String, fleet: FleetName, digest: String?, scope: RegistryScope?, until: UTCDate, team: TeamName?,
        owner: String, reason: String, change: Int64, added: UTCDate, ended: UTCDate?
    ) {
        self.exception = exception
        self.fleet = fleet
        self.digest = digest
        self.scope = scope
        self.until = until
        self.team = team
        self.owner = owner
        self.reason = reason
        self.change = change
        self.added = added
        self.ended = ended
    }
}

/// What a change would do, fleet by fleet: `GET /v1/changes/{number}/preview`, `POST /v1/changes/preview`.
package struct PreviewBody: Codable, Sendable, Equatable {
    package struct Finding: Codable, Sendable, Equatable {
        package let kind: String
        /// Whether an addition or edit with it is refused.
        package let refuses: Bool
        package let team: TeamName?
        package let text: String
        package let hint: String?

        package init(kind: String, refuses: Bool, team: TeamName?, text: String, hint: String?) {
            self.kind = kind
            self.refuses = refuses
            self.team = team
            self.text = text
            self.hint = hint
        }
    }

    package struct File: Codable, Sendable, Equatable {
        /// Below the Notation configuration of a host.
        package let path: String
        /// The lines that `diff -u` prints.
        package let difference: [String]

        package init(path: String, difference: [String]) {
            self.path = path
            self.difference = difference
        }
    }

    package struct Mode: Codable, Sendable, Equatable {
        package let enforcer: EnforcerKind
        package let mode: EnforcementMode

        package init(enforcer: EnforcerKind, mode: EnforcementMode) {
            self.enforcer = enforcer
            self.mode = mode
        }
    }

    package struct Fleet: Codable, Sendable, Equatable {
        package let fleet: FleetName
        /// What comes and goes, a line each.
        package let lines: [String]
        package let findings: [Finding]
        package let files: [File]
        package let enforcers: [Mode]
        /// Hosts that it reaches, and those of them that are behind already.
        package let hosts: Int
        package let hostsBehind: Int
        /// Features that an agent must know; others keep what they have.
        package let needs: [String]

        package init(
            fleet: FleetName, lines: [String], findings: [Finding], files: [File], enforcers: [Mode], hosts: Int,
            hostsBehind: Int, needs: [String]
        ) {
            self.fleet = fleet
            self.lines = lines
            self.findings = findings
            self.files = files
            self.enforcers = enforcers
            self.hosts = hosts
            self.hostsBehind = hostsBehind
            self.needs = needs
        }
    }

    /// Every fleet that the change concerns, also those whose hosts would notice nothing.
    package let fleets: [Fleet]

    package init(fleets: [Fleet]) { self.fleets = fleets }
}
