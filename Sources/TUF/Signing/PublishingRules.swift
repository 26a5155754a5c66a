import SigningKeys

/// What we refuse to publish although clients would read it.
extension Quorum {
    /// Refuses keys that do not count, keys in another form than ours, one key twice, and a threshold nobody can meet.
    package func checkForPublishing() throws(TUFError) {
        for id in role.keyIDs {
            if let problem = keys.problem(with: id) { throw TUFError(.key, "role \"\(name)\": \(problem)") }
            guard keys.key(listedAs: id)?.isCanonical == true else {
                throw TUFError(.key, "role \"\(name)\" lists key \(id) in another form than the canonical one")
            }
        }
        guard materials.count >= role.threshold else {
            throw TUFError(
                .value, "role \"\(name)\" has \(materials.count) distinct keys and the threshold \(role.threshold)",
                hint: "lower the threshold or add keys")
        }
    }
}

extension Root {
    /// Refuses a root whose roles could not be signed or that gives one key to two roles.
    package func checkForPublishing() throws(TUFError) {
        var holders: [PublicKey: String] = [:]
        for role in TopLevelRole.allCases {
            let quorum = quorum(for: role)
            try quorum.checkForPublishing()
            for key in quorum.materials {
                if let other = holders.updateValue(role.rawValue, forKey: key) {
                    throw TUFError(.key, "one key serves both \(other) and \(role.rawValue)")
                }
            }
        }
    }
}

extension Targets {
    /// Refuses delegations that could not be signed, names that are not slugs, and path hash prefixes.
    package func checkForPublishing() throws(TUFError) {
        for delegation in delegations?.roles ?? [] {
            _ = try RoleName(slug: delegation.name.text)
            try delegations?.quorum(for: delegation).checkForPublishing()
            guard case .paths = delegation.scope else {
                throw TUFError(.value, "the delegation of \"\(delegation.name)\" is by hash prefixes, not by paths")
            }
        }
    }
}
