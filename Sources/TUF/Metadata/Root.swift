package import Codecs

/// The keys and thresholds of the top-level roles. [TUF §4.3]
package struct Root: RoleMetadata {
    package static let type = "root"

    package var header: MetadataHeader
    package var consistentSnapshot: Bool
    package var keys: KeyRing
    package var root: RoleKeys
    package var timestamp: RoleKeys
    package var snapshot: RoleKeys
    package var targets: RoleKeys
    /// Roles that we do not use, such as `mirrors`.
    package var otherRoles = JSONObject()

    package init(
        header: MetadataHeader, keys: KeyRing, root: RoleKeys, timestamp: RoleKeys, snapshot: RoleKeys,
        targets: RoleKeys, consistentSnapshot: Bool = true
    ) {
        self.header = header
        self.consistentSnapshot = consistentSnapshot
        self.keys = keys
        self.root = root
        self.timestamp = timestamp
        self.snapshot = snapshot
        self.targets = targets
    }

    package init(members: JSONObject) throws(TUFError) {
        header = try MetadataHeader(members, type: Self.type, own: ["consistent_snapshot", "keys", "roles"])
        consistentSnapshot =
            members["consistent_snapshot"] == nil ? false : try members.flag("consistent_snapshot", Self.type)
        keys = try KeyRing(try members.members("keys", Self.type), "root.keys")
        let roles = try members.members("roles", Self.type)
        root = try RoleKeys(try roles.members("root", "root.roles"), "root.roles.root")
        timestamp = try RoleKeys(try roles.members("timestamp", "root.roles"), "root.roles.timestamp")
        snapshot = try RoleKeys(try roles.members("snapshot", "root.roles"), "root.roles.snapshot")
        targets = try RoleKeys(try roles.members("targets", "root.roles"), "root.roles.targets")
        otherRoles = roles.without("root", "timestamp", "snapshot", "targets")
    }

    package var members: JSONObject {
        var members = header.members(type: Self.type)
        members["consistent_snapshot"] = .bool(consistentSnapshot)
        members["keys"] = keys.json
        let roles = JSONObject([
            ("root", .object(root.members)), ("timestamp", .object(timestamp.members)),
            ("snapshot", .object(snapshot.members)), ("targets", .object(targets.members)),
        ])
        members["roles"] = .object(roles.adding(otherRoles))
        return members.adding(header.otherMembers)
    }

    /// The keys of a top-level role.
    package func quorum(for role: TopLevelRole) -> Quorum { Quorum(keys: keys, role: self[role], of: role.rawValue) }

    package subscript(role: TopLevelRole) -> RoleKeys {
        get {
            switch role {
            case .root: root
            case .timestamp: timestamp
            case .snapshot: snapshot
            case .targets: targets
            }
        }
        set {
            switch role {
            case .root: root = newValue
            case .timestamp: timestamp = newValue
            case .snapshot: snapshot = newValue
            case .targets: targets = newValue
            }
        }
    }
}

/// The four roles whose keys stand in root.
package enum TopLevelRole: String, Sendable, CaseIterable {
    case root, timestamp, snapshot, targets

    package var role: Role {
        switch self {
        case .root: .root
        case .timestamp: .timestamp
        case .snapshot: .snapshot
        case .targets: .targets
        }
    }
}
