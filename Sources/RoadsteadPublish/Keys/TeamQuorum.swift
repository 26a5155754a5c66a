package import TUF

/// The keys with which a team signs its own role, and how many of them must.
///
/// The server's key of a team makes one too, of one key: what speaks for a team is a quorum in either custody.
package struct TeamQuorum: Sendable, Equatable {
    /// By id.
    package let keys: [Key]
    package let threshold: Int

    /// Refuses weak keys, keys in another form than the canonical one, one key twice, and a threshold of zero or above
    /// the number of keys.
    package init(_ keys: ProposedKeys) throws {
        self.keys = try keys.checked(for: "a team's role").keys
        threshold = keys.threshold
    }

    /// The quorum of one key.
    package init(_ key: Key) throws {
        try self.init(ProposedKeys(keys: [key.json], threshold: 1))
    }

    /// What metadata delegates to; nil when too few of its keys count.
    init?(_ quorum: Quorum) {
        keys = quorum.role.keyIDs.compactMap(quorum.keys.usableKey).sorted { $0.id < $1.id }
        threshold = quorum.role.threshold
        guard keys.count >= threshold else { return nil }
    }

    package var keyIDs: [String] { keys.map(\.id.text) }

    func contains(_ key: RoleKey) -> Bool { keys.contains { $0.id == key.key.id } }

    /// The quorum as metadata delegates to it.
    package func quorum(of name: String) throws -> Quorum {
        Quorum(keys: KeyRing(keys), role: try RoleKeys(keys.map(\.id), threshold: threshold), of: name)
    }
}
