package import Codecs

/// The roles that a targets role delegates to, in order of precedence. [TUF §4.5 DELEGATIONS]
package struct Delegations: Sendable, Equatable {
    package var keys: KeyRing
    package var roles: [Delegation]
    /// Unknown members; `succinct_roles` (TAP 15) is not in the specification and leads nowhere.
    package var otherMembers = JSONObject()

    /// Refuses two delegations of one name. [TUF §4.5 ROLENAME]
    package init(keys: KeyRing, roles: [Delegation]) throws(TUFError) {
        self.keys = keys
        self.roles = roles
        try check()
    }

    init(_ members: JSONObject) throws(TUFError) {
        keys = try KeyRing(try members.members("keys", "delegations"), "delegations.keys")
        roles = []
        let hasRoles = members["roles"] != nil || members["succinct_roles"] == nil
        for value in hasRoles ? try members.list("roles", "delegations") : [] { roles.append(try Delegation(value)) }
        otherMembers = members.without("keys", "roles")
        try check()
    }

    var json: JSON {
        let members = JSONObject([("keys", keys.json), ("roles", .array(roles.map(\.json)))])
        return .object(members.adding(otherMembers))
    }

    package subscript(name: RoleName) -> Delegation? { roles.first { $0.name == name } }

    /// The keys that speak for a delegated role.
    package func quorum(for delegation: Delegation) -> Quorum {
        Quorum(keys: keys, role: delegation.keys, of: delegation.name.text)
    }

    private func check() throws(TUFError) {
        var names: Set<RoleName> = []
        for role in roles where !names.insert(role.name).inserted {
            throw TUFError(.malformed, "delegations name the role \"\(role.name.text.prefix(80))\" twice")
        }
    }
}

/// One delegation: who may speak, for which target names, and whether the search ends there.
package struct Delegation: Sendable, Equatable {
    package var name: RoleName
    package var keys: RoleKeys
    package var scope: Scope
    package var isTerminating: Bool
    package var otherMembers = JSONObject()

    /// The target names that are delegated.
    package enum Scope: Sendable, Equatable {
        case paths([PathPattern])
        /// Beginnings of the lower-case hexadecimal SHA-256 of the target name.
        case pathHashPrefixes([String])
    }

    package init(name: RoleName, keys: RoleKeys, paths: [PathPattern], isTerminating: Bool = true) {
        self.name = name
        self.keys = keys
        self.scope = .paths(paths)
        self.isTerminating = isTerminating
    }

    init(_ value: JSON) throws(TUFError) {
        let members = try value.asObject("delegations.roles")
        name = try RoleName(try members.text("name", "delegations.roles"))
        let place = "delegation of \"\(name.text.prefix(80))\""
        keys = try RoleKeys(members, place)
        keys.otherMembers = JSONObject()
        scope = try Self.scope(members, place)
        isTerminating = members["terminating"] == nil ? false : try members.flag("terminating", place)
        otherMembers = members.without(
            "name", "keyids", "threshold", "paths", "path_hash_prefixes", "terminating")
    }

    var json: JSON {
        var members = keys.members
        members["name"] = .string(name.text)
        switch scope {
        case .paths(let patterns): members["paths"] = .array(patterns.map { .string($0.text) })
        case .pathHashPrefixes(let prefixes): members["path_hash_prefixes"] = .array(prefixes.map { .string($0) })
        }
        members["terminating"] = .bool(isTerminating)
        return .object(members.adding(otherMembers))
    }

    private static func scope(_ members: JSONObject, _ place: String) throws(TUFError) -> Scope {
        switch (members["paths"], members["path_hash_prefixes"]) {
        case (_?, nil):
            var patterns: [PathPattern] = []
            for value in try members.list("paths", place) {
                patterns.append(PathPattern(try value.asText("\(place).paths")))
            }
            return .paths(patterns)
        case (nil, _?):
            var prefixes: [String] = []
            for value in try members.list("path_hash_prefixes", place) {
                prefixes.append(try value.asText("\(place).path_hash_prefixes"))
            }
            return .pathHashPrefixes(prefixes)
        default: throw TUFError(.malformed, "\(place) has not exactly one of paths and path_hash_prefixes")
        }
    }
}
