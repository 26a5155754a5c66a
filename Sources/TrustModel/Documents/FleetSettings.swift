/// Whether an enforcer's files are only evaluated and reported, or written.
package enum EnforcementMode: String, Sendable, Codable, CaseIterable { case observe, enforce }

/// A program on a host that decides about images.
package enum EnforcerKind: String, Sendable, Codable, CaseIterable, Comparable {
    case notation
    case containersImage = "containers-image"
    case containerd

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// `fleet/settings.json`: what the trust administrators say about the fleet, signed with its targets role.
package struct FleetSettings: SignedDocument, Equatable {
    package static let documentName = "fleet/settings.json"
    package static let knownFeatures: Set<String> = [FleetPolicy.floorFeature]

    /// One team of the fleet and the registry scopes it speaks for.
    package struct Team: Sendable, Codable, Equatable {
        package let name: TeamName
        package let scopes: [RegistryScope]
        package let custody: Custody
        /// The only anchors that hosts take from the team; absent when hosts do not enforce that.
        ///
        /// Own ones are listed as well: which anchors are a team's own is for whoever signs these settings to say, since
        /// whoever holds the team's key could call any certificate its own.
        package let allowedAnchors: [AllowedAnchor]?
        /// The same as a plain list of digests, under the member that older agents hold the team to; they know no other.
        package let allowedThirdPartyAnchors: [String]?

        package init(
            name: TeamName, scopes: [RegistryScope], custody: Custody, allowedAnchors: [AllowedAnchor]? = nil
        ) {
            self.name = name
            self.scopes = scopes
            self.custody = custody
            self.allowedAnchors = allowedAnchors
            allowedThirdPartyAnchors = allowedAnchors.map { Set($0.map(\.sha256)).sorted() }
        }

        /// Digests of the only anchors that hosts take in the team's stores of a kind; nil for any. The member of older
        /// servers counts where there is no other.
        func allowed(in kind: TrustStoreKind) -> Set<String>? {
            allowedAnchors.map { Set($0.filter { $0.kind == kind }.map(\.sha256)) }
                ?? allowedThirdPartyAnchors.map(Set.init)
        }
    }

    /// One certificate that hosts take as an anchor of a team, in its stores of one kind.
    package struct AllowedAnchor: Sendable, Codable, Hashable, Comparable {
        package let kind: TrustStoreKind
        /// SHA-256 of the certificate, lower-case hexadecimal.
        package let sha256: String
        /// For people; hosts take both alike.
        package let origin: AnchorOrigin

        package init(kind: TrustStoreKind, sha256: String, origin: AnchorOrigin) {
            self.kind = kind
            self.sha256 = sha256
            self.origin = origin
        }

        package static func < (lhs: Self, rhs: Self) -> Bool {
            (lhs.kind, lhs.sha256, lhs.origin.rawValue) < (rhs.kind, rhs.sha256, rhs.origin.rawValue)
        }
    }

    package struct EnforcerSetting: Sendable, Codable, Equatable {
        package let enforcer: EnforcerKind
        package let mode: EnforcementMode

        package init(enforcer: EnforcerKind, mode: EnforcementMode) {
            self.enforcer = enforcer
            self.mode = mode
        }
    }

    /// How a host that cannot refresh behaves.
    package struct Freshness: Sendable, Codable, Equatable {
        package let warnAfterSeconds: Int64
        package let alarmAfterSeconds: Int64
        /// After this time team scopes reject; absent when stale trust is kept.
        package let rejectAfterSeconds: Int64?

        package init(warnAfterSeconds: Int64, alarmAfterSeconds: Int64, rejectAfterSeconds: Int64?) {
            self.warnAfterSeconds = warnAfterSeconds
            self.alarmAfterSeconds = alarmAfterSeconds
            self.rejectAfterSeconds = rejectAfterSeconds
        }

        package static let standard = Freshness(
            warnAfterSeconds: 86_400, alarmAfterSeconds: 259_200, rejectAfterSeconds: nil)

        /// How long one team keeps its last good content while the host hears its fleet; then its scopes reject.
        ///
        /// A fleet that keeps stale trust for ever does so because networks fail. Here the network works and something is wrong with the
        /// team: without an end, who holds the online keys could keep a removed anchor alive by withholding its team's role.
        package var teamGraceSeconds: Int64 { rejectAfterSeconds ?? Self.longestTeamGraceSeconds }

        /// Thirty days, where the fleet sets no time after which scopes reject.
        package static let longestTeamGraceSeconds: Int64 = 30 * 86_400
    }

    /// What a host does about a constraint that an installed enforcer cannot express.
    package enum Inexpressible: String, Sendable, Codable, CaseIterable {
        case rejectScope = "reject-scope"
        case reportUnenforced = "report-unenforced"
    }

    package let schema: Int
    package let critical: [String]
    package let fleet: FleetName
    package let fleetID: FleetID
    package let teams: [Team]
    package let enforcers: [EnforcerSetting]
    package let freshness: Freshness
    package let inexpressible: Inexpressible
    /// Scopes for which a host may add stores of its own; empty when it may not.
    package let localScopes: [RegistryScope]
    /// What the administrators say of images beside the teams; absent for nothing.
    package let policy: FleetPolicy?
    /// What is let pass until a moment; an older agent knows none, and lets nothing more pass. Absent for nothing.
    package let exceptions: [PolicyException]?

    package init(
        fleet: FleetName, fleetID: FleetID, teams: [Team], enforcers: [EnforcerSetting],
        freshness: Freshness = .standard, inexpressible: Inexpressible = .rejectScope,
        localScopes: [RegistryScope] = [],
        policy: FleetPolicy? = nil, exceptions: [PolicyException] = []
    ) {
        schema = Self.currentSchema
        critical = policy?.floor == nil ? [] : [FleetPolicy.floorFeature]
        self.fleet = fleet
        self.fleetID = fleetID
        self.teams = teams
        self.enforcers = enforcers
        self.freshness = freshness
        self.inexpressible = inexpressible
        self.localScopes = localScopes
        self.policy = policy == FleetPolicy.none ? nil : policy
        self.exceptions = exceptions.isEmpty ? nil : exceptions
    }

    /// The mode of an enforcer; `observe` unless the settings say otherwise.
    package func mode(of enforcer: EnforcerKind) -> EnforcementMode {
        enforcers.first { $0.enforcer == enforcer }?.mode ?? .observe
    }

    /// The team that speaks for a repository: the owner of the longest scope that covers it.
    package func owner(of repository: RegistryScope) -> Team? {
        let owned = teams.flatMap { team in team.scopes.filter { $0.covers(repository) }.map { (team, $0) } }
        return owned.max { $0.1.rawValue.utf8.count < $1.1.rawValue.utf8.count }?.0
    }
}

/// Who holds the key that signs a team's role.
package enum Custody: String, Sendable, Codable { case server, team }
