import Codecs
import TUF
package import TrustModel

/// The keys that speak for one fleet: those with which the server signs, for the fleet's roles and for its teams, and
/// the public halves of those with which teams sign for themselves.
package struct FleetKeys: Sendable {
    package let fleet: FleetID
    /// Who speaks for each team that is in its own custody.
    package let teamQuorums: [TeamName: TeamQuorum]
    /// Teams that are to be signed for by the server once their members have signed the version that hands over.
    package let handingBack: Set<TeamName>
    private var roles: [FleetRole: RoleKey] = [:]
    private var teams: [TeamName: RoleKey] = [:]
    private var former: [KeyPurpose: [RoleKey]] = [:]

    /// What is said of custody while the targets key is on the server.
    package static let onlineTargetsNote = "not protected from the server: the targets key is online"

    /// Refuses a key of another fleet, and two keys for one purpose.
    ///
    /// - Parameter former: keys that served before and are still held. They sign beside the present ones as long as
    ///   what is published names them, so that a change of keys leaves no gap.
    package init(
        fleet: FleetID, _ keys: [RoleKey], teamQuorums: [TeamName: TeamQuorum] = [:], former: [RoleKey] = [],
        handingBack: Set<TeamName> = []
    ) throws {
        self.fleet = fleet
        self.teamQuorums = teamQuorums
        self.handingBack = handingBack
        for key in keys {
            let previous: RoleKey?
            switch key.purpose {
            case .fleet(fleet, let role): previous = roles.updateValue(key, forKey: role)
            case .fleet: throw Self.foreign(key, fleet)
            case .team(let team): previous = teams.updateValue(key, forKey: team)
            }
            guard previous == nil else { throw PublishError(.missingKey, "there are two keys for \(key.purpose)") }
        }
        for key in former {
            if let other = key.purpose.fleet, other != fleet { throw Self.foreign(key, fleet) }
            self.former[key.purpose, default: []].append(key)
        }
    }

    /// Opens stored keys. A team's key, or a former one, that does not open or is known to fail is left out, so that its
    /// team alone waits.
    package init(
        fleet: FleetID, opening keys: [ServerKey], teamQuorums: [TeamName: TeamQuorum] = [:],
        former: [ServerKey] = [], handingBack: Set<TeamName> = [], with server: ServerKeys
    ) throws {
        func openable(_ key: ServerKey) -> RoleKey? {
            server.problem(with: key) == nil ? try? server.open(key) : nil
        }
        func open(_ key: ServerKey) throws -> RoleKey? {
            if case .team = key.purpose { return openable(key) }
            return try server.open(key)
        }
        try self.init(
            fleet: fleet, try keys.compactMap(open), teamQuorums: teamQuorums,
            former: former.compactMap(openable), handingBack: handingBack)
    }

    /// Makes the keys that a new fleet needs; `targets` is among them in the quick start only.
    package static func generate(
        for fleet: FleetID, targetsOnline: Bool = true, under master: MasterKey
    ) throws -> [ServerKey] {
        let roles = FleetRole.allCases.filter { $0 != .targets || targetsOnline }
        return try roles.map { try ServerKey.generate(for: .fleet(fleet, $0), under: master) }
    }

    package subscript(role: FleetRole) -> RoleKey? { roles[role] }
    package subscript(team: TeamName) -> RoleKey? { teams[team] }

    /// How many private keys there are.
    package var count: Int { roles.count + teams.count + former.values.reduce(0) { $0 + $1.count } }

    /// Two sets of keys with one identity make the same plans.
    var identity: Identity {
        Identity(
            ids: Set((Array(roles.values) + Array(teams.values)).map(\.key.id)),
            former: Set(former.values.joined().map(\.key.id)), teamQuorums: teamQuorums, handingBack: handingBack)
    }

    struct Identity: Sendable, Equatable {
        let ids: Set<KeyID>
        let former: Set<KeyID>
        let teamQuorums: [TeamName: TeamQuorum]
        let handingBack: Set<TeamName>
    }

    /// The keys held for a role of the fleet, the present one first.
    func held(_ role: FleetRole) -> [RoleKey] {
        (roles[role].map { [$0] } ?? []) + (former[.fleet(fleet, role)] ?? [])
    }

    /// The keys held for a team, the present one first.
    func held(_ team: TeamName) -> [RoleKey] { (teams[team].map { [$0] } ?? []) + (former[.team(team)] ?? []) }

    func require(_ role: FleetRole) throws -> RoleKey {
        guard let key = roles[role] else {
            throw PublishError(.missingKey, "fleet \(fleet) has no key for its role \(role.rawValue)")
        }
        return key
    }

    private static func foreign(_ key: RoleKey, _ fleet: FleetID) -> PublishError {
        PublishError(.missingKey, "the key for \(key.purpose) does not belong to fleet \(fleet)")
    }
}
