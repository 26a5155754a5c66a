/// A role of a repository: one of the four at the top or a delegated one. [TUF §2.1]
package enum Role: Sendable, Hashable, CustomStringConvertible {
    case root
    case timestamp
    case snapshot
    case targets
    case delegated(RoleName)

    package var name: String {
        switch self {
        case .root: "root"
        case .timestamp: "timestamp"
        case .snapshot: "snapshot"
        case .targets: "targets"
        case .delegated(let name): name.text
        }
    }

    /// The name of the role's file where only one version is kept, such as a client's cache: one role, one name.
    package var fileName: String {
        if case .delegated(let name) = self { name.fileStem + ".json" } else { name + ".json" }
    }

    package var description: String { name }
}

/// A metadata file of a repository, by role and, where the name carries one, version. [TUF §6.2]
package struct MetadataFile: Sendable, Hashable, CustomStringConvertible {
    package let role: Role
    /// The version in the file's name; nil for the timestamp and where consistent snapshots are not used.
    package let version: Int64?

    package init(_ role: Role, version: Int64?) {
        self.role = role
        self.version = version
    }

    /// The path below the metadata URL, percent-encoded; it holds no slash.
    package var path: String {
        if let version { "\(version).\(role.fileName)" } else { role.fileName }
    }

    package var description: String { path }
}
