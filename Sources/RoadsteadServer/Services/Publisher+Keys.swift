import Codecs
import Logging
import Observability
import RoadsteadPublish
import RoadsteadStore
import SigningKeys
import TrustModel

/// Making keys: sealed here, or where the configuration names them.
extension Publisher {
    /// Names that are looked at together.
    private static let names = 64

    /// Makes a key for each purpose. A team whose key cannot be made waits, alone; a fleet cannot do without one of its.
    func make(_ purposes: [KeyPurpose], in fleet: FleetName) async throws -> [ServerKey] {
        var made: [ServerKey] = []
        for purpose in purposes {
            do {
                made.append(try await make(for: purpose, in: purpose.fleet == nil ? nil : fleet))
            } catch let error as PublishError where purpose.fleet == nil && error.code == .keyUnavailable {
                logger.error(
                    "a team's key cannot be made, and is tried again",
                    metadata: [LogKey.role.rawValue: "\(purpose)", LogKey.reason.rawValue: "\(error)"])
            }
        }
        return made
    }

    private func make(for purpose: KeyPurpose, in fleet: FleetName?) async throws -> ServerKey {
        guard keys.places.template(for: purpose) != nil else {
            return try await keys.make(for: purpose, in: fleet, named: nil)
        }
        return try await store.whileMakingKeys {
            try await keys.make(for: purpose, in: fleet, named: try await freeName(for: purpose, in: fleet))
        }
    }

    /// The first name of a purpose that no key has or had.
    private func freeName(for purpose: KeyPurpose, in fleet: FleetName?) async throws -> KeyName {
        var number = 1
        while true {
            let names = keys.names(for: purpose, in: fleet, from: number, count: Self.names)
            let taken = try await store.takenNames(names.map(\.text))
            if let free = names.first(where: { !taken.contains($0.text) }) { return free }
            guard !names.isEmpty else {
                throw PublishError(.keyName, "the configuration has no name left for the key for \(purpose)")
            }
            number += names.count
        }
    }

    /// Keys of a fleet that cannot be used, as far as is known, and until when hosts can do without.
    func troubles(_ state: FleetState) -> [FleetNote.UnusableKey] {
        state.keys.compactMap { record in
            guard let key = try? ServerKey(record), let reason = keys.problem(with: key) else { return nil }
            let role = key.purpose.role
            return FleetNote.UnusableKey(
                role: role, reason: reason, ends: state.current[role].flatMap { Self.expiry($0.bytes) })
        }
    }

    static func expiry(_ metadata: [UInt8]) -> UTCDate? {
        guard let signed = try? JSON(parsing: metadata).object("metadata")["signed"] else { return nil }
        return try? UTCDate(signed.object("signed").string("expires", in: "signed"))
    }
}
