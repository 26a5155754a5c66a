import TUF
package import TrustModel

/// The opened keys with which a server signs for one fleet: those of its roles and those of its teams.
package struct FleetKeys: Sendable {
    package let fleet: FleetID
    private var roles: [FleetRole: RoleKey] = [:]
    private var teams: [TeamName: RoleKey] = [:]

    /// What is said of custody while the targets key is on the server.
    package static let onlineTargetsNote = "not protected from the server: the targets key is online"

    /// Refuses a key of another fleet, and two keys for one purpose.
    package init(fleet: FleetID, _ keys: [RoleKey]) throws {
        self.fleet = fleet
        for key in keys {
            let previous: RoleKey?
            switch key.purpose {
            case .fleet(fleet, let role): previous = roles.updateValue(key, forKey: role)
            case .fleet: throw PublishError(.missingKey, "the key for \(key.purpose) does not belong to fleet \(fleet)")
            case .team(let team): previous = teams.updateValue(key, forKey: team)
            }
            guard previous == nil else { throw PublishError(.missingKey, "there are two keys for \(key.purpose)") }
        }
    }

    /// Makes the keys that a new fleet needs; `targets` is among them in the quick start only.
    package static func generate(
        for fleet: FleetID, targetsOnline: Bool = true, under master: MasterKey
    ) throws -> [SealedKey] {
        let roles = FleetRole.allCases.filter { $0 != .targets || targetsOnline }
        return try roles.map { try SealedKey.generate(for: .fleet(fleet, $0), under: master) }
    }

    package subscript(role: FleetRole) -> RoleKey? { roles[role] }
    package subscript(team: TeamName) -> RoleKey? { teams[team] }

    var ids: Set<String> { Set((Array(roles.values) + Array(teams.values)).map(\.key.id.text)) }

    package var targetsOnline: Bool { roles[.targets] != nil }

    func require(_ role: FleetRole) throws -> RoleKey {
        guard let key = roles[role] else {
            throw PublishError(.missingKey, "fleet \(fleet) has no key for its role \(role.rawValue)")
        }
        return key
    }

    func require(_ team: TeamName) throws -> RoleKey {
        guard let key = teams[team] else {
            throw PublishError(.missingKey, "there is no key for team \(team)", hint: "make one before it is published")
        }
        return key
    }
}
