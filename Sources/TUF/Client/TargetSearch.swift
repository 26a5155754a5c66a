/// A target file and the role that vouches for it.
package struct FoundTarget: Sendable, Equatable {
    package let name: TargetName
    package let file: TargetFile
    package let role: Role
    /// Where the repository keeps it, below the targets URL; nil when the name must carry a hash that is not known.
    package let path: String?
}

/// What a search among loaded roles came to.
package enum TargetSearch: Sendable {
    case found(FoundTarget)
    /// No role that speaks for the name lists it.
    case absent
    /// The search has come to a delegation that was not tried yet.
    case needs(DelegationEdge)
    /// A role that comes first could not be loaded, so nothing after it may answer in its place. [TUF §5.6.7]
    case failed(TUFError)
}

extension DelegatedRoles {
    /// Searches for a target depth first, each role before its delegations. [TUF §5.6.7]
    ///
    /// A name must be delegated at every level. A role is visited once, a terminating delegation ends the search
    /// after its own branch, and so does the limit on visited roles.
    package func search(_ name: TargetName) -> TargetSearch {
        var pending: [DelegationEdge?] = [nil]
        var visited: Set<RoleName> = []
        while let edge = pending.popLast() {
            if let edge {
                guard !visited.contains(edge.name) else { continue }
                // §5.6.7.1: a bound on what an attacker can make a client visit
                guard visited.count < limits.visitedRoles else { return .absent }
                visited.insert(edge.name)
                switch self[edge] {
                case nil: return .needs(edge)
                case .failure(let error)?: return .failed(error)
                case .success?: break
                }
            }
            guard let content = metadata(edge)?.content else { return .absent }
            let role = edge.map { Role.delegated($0.name) } ?? .targets
            if let file = content.targets[name] { return .found(found(name, file, role)) }
            // §5.6.7.2
            var branch: [DelegationEdge] = []
            for delegation in content.delegations?.roles ?? [] where delegation.covers(name) {
                branch.append(DelegationEdge(delegator: role, name: delegation.name))
                if delegation.isTerminating {
                    pending = []
                    break
                }
            }
            pending.append(contentsOf: branch.reversed())
        }
        return .absent
    }

    /// The targets of a role that a search for them ends at: those inside its delegation that no role before it lists.
    package func targets(of role: Role) -> [FoundTarget] {
        let content: Targets? =
            switch role {
            case .targets: trusted.targets.content
            case .delegated(let name): (try? self[name]?.get())?.content
            default: nil
            }
        return (content?.targets.keys.sorted() ?? []).compactMap { name in
            if case .found(let found) = search(name), found.role == role { found } else { nil }
        }
    }

    private func found(_ name: TargetName, _ file: TargetFile, _ role: Role) -> FoundTarget {
        guard trusted.root.content.consistentSnapshot else {
            return FoundTarget(name: name, file: file, role: role, path: name.path())
        }
        let path = file.hashes.fileNamePrefix.map { name.path(hashPrefix: $0) }
        return FoundTarget(name: name, file: file, role: role, path: path)
    }
}
