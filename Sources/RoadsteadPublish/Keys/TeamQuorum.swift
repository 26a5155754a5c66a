package import TUF

/// The keys with which a team signs its own role, and how many of them must.
///
/// The server's key of a team makes one too, of one key: what speaks for a team is a quorum in either custody.
package struct TeamQuorum: Sendable, Equatable {
    /// By id.
    package let keys: [Key]
    package let threshold: Int
    private let role: RoleKeys

    /// Refuses weak keys, keys in another form than the canonical one, one key twice, and a threshold of zero or above
    /// the number of keys.
    package init(_ keys: ProposedKeys) throws {
        let (taken, role) = try keys.checked(for: "a team's role")
        self.keys = taken
        self.role = role
        threshold = keys.threshold
    }

    /// The quorum of one key.
    package init(_ key: Key) throws {
        try self.init(ProposedKeys(keys: [key.json], threshold: 1))
    }

    package var keyIDs: [String] { keys.map(\.id.text) }

    /// The quorum as metadata delegates to it.
    func quorum(of name: String) -> Quorum { Quorum(keys: KeyRing(keys), role: role, of: name) }
}
