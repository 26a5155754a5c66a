package import Codecs
import SigningKeys
package import TUF

/// A key that already serves somewhere, and may therefore not serve in a root.
package struct UsedKey: Sendable {
    package let key: Key
    /// Where it serves, in words: `role root of fleet prod`.
    package let holder: String

    package init(key: Key, holder: String) {
        self.key = key
        self.holder = holder
    }
}

/// The keys of an offline role and how many of them must sign, as they were proposed.
package struct ProposedKeys: Sendable {
    package let keys: [JSON]
    package let threshold: Int

    package init(keys: [JSON], threshold: Int) {
        self.keys = keys
        self.threshold = threshold
    }

    /// More keys than a ceremony can bring together.
    static let maximumKeys = 32

    /// Takes the keys in, sorted by id, each of them strong, in its one form, and proposed once.
    func checked(for role: String) throws -> (keys: [Key], role: RoleKeys) {
        guard (1...Self.maximumKeys).contains(keys.count) else {
            throw PublishError(
                .rootKey, "\(keys.count) keys are proposed for \(role), 1 to \(Self.maximumKeys) can serve")
        }
        guard (1...keys.count).contains(threshold) else {
            throw PublishError(
                .rootKey, "the threshold \(threshold) cannot be met with \(keys.count) keys of \(role)",
                hint: "choose a threshold from 1 to the number of keys")
        }
        var seen: Set<PublicKey> = []
        let taken = try keys.enumerated().map { index, value in
            let key = try Self.key(value, "key \(index + 1) of \(role)")
            guard let material = key.material, seen.insert(material).inserted else {
                throw PublishError(.rootKey, "key \(key.id) is proposed for \(role) twice")
            }
            return key
        }.sorted { $0.id < $1.id }
        return (taken, try RoleKeys(taken.map(\.id), threshold: threshold))
    }

    private static func key(_ value: JSON, _ place: String) throws -> Key {
        let key: Key
        do { key = try Key(value, place: place) } catch {
            throw PublishError(.rootKey, "\(place) is not a TUF key: \(error.reason)", hint: error.hint)
        }
        if case .unusable(let why) = key.use { throw PublishError(.rootKey, "\(place) cannot sign: \(why)") }
        guard key.isCanonical else {
            throw PublishError(
                .rootKey, "\(place) is written in another form than the one its id is computed from here",
                hint: "roadstead ceremony open reads public keys in PEM form")
        }
        return key
    }
}
