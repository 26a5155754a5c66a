package import Codecs
import SigningKeys
package import TUF
package import TrustModel

/// Every key that is known, and the rule that a key serves in one place only, for ever.
///
/// Keys are compared by what they are, never by their ids: one key in two encodings has two ids. Keys that serve no
/// more stay in the register, so that none comes back elsewhere.
package struct KeyRegister: Sendable {
    /// Where a key serves: in one role of one fleet, or for one team in every fleet.
    package enum Place: Sendable, Hashable, CustomStringConvertible {
        case role(String, of: FleetID)
        case team(TeamName)

        /// Roles of a fleet whose keys are registered.
        package static let roles: Set<String> = Set(FleetRole.allCases.map(\.rawValue)).union(["root"])

        /// Reads a place as it is stored or asked for; no fleet means a team.
        package init(role: String, fleet: FleetID?) throws {
            guard let fleet else {
                do { self = .team(try TeamName(role)) } catch {
                    throw PublishError(.keyUse, error.reason, hint: error.hint)
                }
                return
            }
            guard Self.roles.contains(role) else {
                throw PublishError(
                    .keyUse, "a fleet has no role \"\(role.prefix(40))\"",
                    hint: "one of \(Self.roles.sorted().joined(separator: ", "))")
            }
            self = .role(role, of: fleet)
        }

        package var description: String {
            switch self {
            case .role(let role, let fleet): "role \(role) of fleet \(fleet)"
            case .team(let team): "team \(team)"
            }
        }
    }

    package struct Entry: Sendable {
        /// SubjectPublicKeyInfo, DER.
        package let publicKey: [UInt8]
        package let place: Place
        /// Who holds it; nil for keys of the server.
        package let person: PersonID?

        package init(publicKey: [UInt8], place: Place, person: PersonID? = nil) {
            self.publicKey = publicKey
            self.place = place
            self.person = person
        }
    }

    private let entries: [[UInt8]: [Entry]]

    package init(_ entries: [Entry]) { self.entries = Dictionary(grouping: entries, by: \.publicKey) }

    /// Takes one key in: strong, in its one form, and serving nowhere else and nobody else.
    package func check(_ object: JSON, for place: Place, of person: PersonID?) throws -> Key {
        let key: Key
        do {
            key = try ProposedKeys(keys: [object], threshold: 1).checked(for: "\(place)").keys[0]
        } catch let error as PublishError {
            throw PublishError(.keyUse, error.reason, hint: error.hint)
        }
        try check(key, place, person)
        return key
    }

    /// Takes the keys of a role in: each as above, no two of one person, and a threshold that can be met.
    ///
    /// - Parameter persons: who holds each of the keys, in their order; nil for keys of nobody who is known.
    package func check(_ proposed: ProposedKeys, of persons: [PersonID?], for place: Place) throws -> TeamQuorum {
        guard persons.count == proposed.keys.count else {
            throw PublishError(
                .keyUse, "\(proposed.keys.count) keys are proposed for \(place), of \(persons.count) people")
        }
        let known = persons.compactMap { $0 }
        guard Set(known).count == known.count else {
            throw PublishError(
                .keyUse, "two of the keys for \(place) are one person's",
                hint: "a threshold counts people: one key of each")
        }
        do {
            let quorum = try TeamQuorum(proposed)
            for (object, person) in zip(proposed.keys, persons) { _ = try check(object, for: place, of: person) }
            return quorum
        } catch let error as PublishError {
            throw PublishError(.keyUse, error.reason, hint: error.hint)
        }
    }

    private func check(_ key: Key, _ place: Place, _ person: PersonID?) throws {
        for entry in key.material.flatMap({ entries[$0.spki] }) ?? [] {
            guard entry.place == place else {
                throw PublishError(
                    .keyUse, "key \(key.id) serves \(entry.place), and a key serves in one place only",
                    hint: "make a key of its own: roadstead key generate")
            }
            guard let person, let other = entry.person, other != person else { continue }
            throw PublishError(.keyUse, "key \(key.id) is registered for another person")
        }
    }
}
