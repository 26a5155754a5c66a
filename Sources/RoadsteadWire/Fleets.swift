package import Codecs
package import TrustModel

/// `POST /v1/fleets`
package struct FleetRequest: Codable, Sendable, Equatable {
    package let name: FleetName
    package let displayName: String?
    package let profile: FleetProfile?

    package init(name: FleetName, displayName: String? = nil, profile: FleetProfile? = nil) {
        self.name = name
        self.displayName = displayName
        self.profile = profile
    }
}

/// A fleet and where it stands.
package struct FleetBody: Codable, Sendable, Equatable {
    package let name: FleetName
    package let id: FleetID
    package let displayName: String
    package let profile: FleetProfile
    package let mode: EnforcementMode
    package let teams: [TeamName]
    /// 0 until a ceremony has made its root.
    package let rootVersion: Int64
    package let rootSHA256: String?
    package let release: Int64
    package let releasePublished: UTCDate?
    package let targetsOnline: Bool
    /// Says "not protected from the server" while the targets key is online.
    package let custodyNote: String?
    package let hosts: Int
    package let hostsBehind: Int
    /// What is wrong or needs people, the worst first.
    package let warnings: [String]
    /// The fleet whose contents are promoted to this one; absent when it takes the newest of each team.
    package let promotesFrom: FleetName?
    /// What its hosts do beside the mode.
    package let settings: FleetOptions

    package init(
        name: FleetName, id: FleetID, displayName: String, profile: FleetProfile, mode: EnforcementMode,
        teams: [TeamName], rootVersion: Int64, rootSHA256: String? = nil, release: Int64,
        releasePublished: UTCDate? = nil, targetsOnline: Bool, custodyNote: String? = nil, hosts: Int, hostsBehind: Int,
        warnings: [String], promotesFrom: FleetName? = nil, settings: FleetOptions = .standard
    ) {
        self.name = name
        self.id = id
        self.displayName = displayName
        self.profile = profile
        self.mode = mode
        self.teams = teams
        self.rootVersion = rootVersion
        self.rootSHA256 = rootSHA256
        self.release = release
        self.releasePublished = releasePublished
        self.targetsOnline = targetsOnline
        self.custodyNote = custodyNote
        self.hosts = hosts
        self.hostsBehind = hostsBehind
        self.warnings = warnings
        self.promotesFrom = promotesFrom
        self.settings = settings
    }
}

/// `POST /v1/fleets/{fleet}/teams`
package struct FleetTeamRequest: Codable, Sendable, Equatable {
    package let team: TeamName

    package init(team: TeamName) {
        self.team = team
    }
}

/// `PUT /v1/fleets/{fleet}/mode`
package struct FleetModeRequest: Codable, Sendable, Equatable {
    package let mode: EnforcementMode
    /// Absent for every enforcer.
    package let enforcer: EnforcerKind?

    package init(mode: EnforcementMode, enforcer: EnforcerKind? = nil) {
        self.mode = mode
        self.enforcer = enforcer
    }
}

/// One published release.
package struct ReleaseBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let number: Int64
    package let published: UTCDate?
    package let state: String
    package let snapshotSHA256: String
    package let difference: [String]
    package let changes: [Int64]

    package init(
        fleet: FleetName, number: Int64, published: UTCDate? = nil, state: String, snapshotSHA256: String,
        difference: [String], changes: [Int64]
    ) {
        self.fleet = fleet
        self.number = number
        self.published = published
        self.state = state
        self.snapshotSHA256 = snapshotSHA256
        self.difference = difference
        self.changes = changes
    }
}
