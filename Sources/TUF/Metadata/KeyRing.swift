import Codecs

/// The keys that a root or a delegation object lists, in order, each under the id it was listed by.
package struct KeyRing: Sendable, Equatable {
    package private(set) var listed: [(id: KeyID, key: Key)] = []
    private var positions: [KeyID: Int] = [:]

    package init() {}

    package init(_ keys: [Key]) {
        for key in keys { add(key) }
    }

    init(_ members: JSONObject, _ place: String) throws(TUFError) {
        for (name, value) in members.members {
            insert(try Key(value, place: "\(place).\(name.prefix(80))"), as: KeyID(name))
        }
    }

    /// Adds a key under its own id; a second time changes nothing.
    package mutating func add(_ key: Key) {
        if positions[key.id] == nil { insert(key, as: key.id) }
    }

    /// The key that counts for an id: listed under it, of that very id and able to verify. [TUF §4.3]
    package func usableKey(_ id: KeyID) -> Key? {
        guard let key = key(listedAs: id), key.id == id, key.material != nil else { return nil }
        return key
    }

    package func key(listedAs id: KeyID) -> Key? { positions[id].map { listed[$0].key } }

    /// Why the key listed under an id does not count; nil when it does.
    package func problem(with id: KeyID) -> String? {
        guard let key = key(listedAs: id) else { return "key \(id.text.prefix(64)) is not listed" }
        guard key.id == id else { return "key \(id.text.prefix(64)) has the id \(key.id) when recomputed" }
        if case .unusable(let why) = key.use { return "key \(id.text.prefix(64)): \(why)" }
        return nil
    }

    var json: JSON { .object(JSONObject(listed.map { ($0.id.text, $0.key.json) })) }

    /// Rings are equal when they list the same keys under the same ids, in any order.
    package static func == (lhs: KeyRing, rhs: KeyRing) -> Bool {
        lhs.listed.count == rhs.listed.count && lhs.listed.allSatisfy { rhs.key(listedAs: $0.id) == $0.key }
    }

    private mutating func insert(_ key: Key, as id: KeyID) {
        positions[id] = listed.count
        listed.append((id, key))
    }
}
