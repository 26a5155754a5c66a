/// A delegation seen from both ends. The same role under two delegators is two of these: what one delegator's keys
/// vouch for, the other's may not.
package struct DelegationEdge: Sendable, Hashable {
    package let delegator: Role
    package let name: RoleName

    package init(delegator: Role, name: RoleName) {
        self.delegator = delegator
        self.name = name
    }
}

/// The delegated roles of an update that have been loaded so far, and the search for targets in them. [TUF §5.6.7]
package struct DelegatedRoles: Sendable {
    package let trusted: TrustedMetadataSet
    package let limits: MetadataLimits
    /// The delegations tried so far, in the order they were tried.
    package private(set) var tried: [DelegationEdge] = []
    private var results: [DelegationEdge: Result<SignedMetadata<Targets>, TUFError>] = [:]
    /// Files that fit the snapshot, by name: fetched once, verified for each delegator.
    private var files: [RoleName: UnverifiedMetadata<Targets>] = [:]
    /// Delegations by delegator and name, so that a thousand of them are not searched a thousand times.
    private var delegations: [Role: DelegatorIndex] = [:]
    private var loading: Loading?

    private struct DelegatorIndex {
        let keys: KeyRing
        let roles: [RoleName: Delegation]
    }

    private struct Loading {
        enum Step { case loading, fetching, persisting(SignedMetadata<Targets>) }
        let edge: DelegationEdge
        let listed: MetaFile
        let file: MetadataFile
        let maximumBytes: Int
        var step: Step
    }

    package init(_ trusted: TrustedMetadataSet, limits: MetadataLimits = MetadataLimits()) {
        self.trusted = trusted
        self.limits = limits
    }

    /// What came of a delegation; nil when it was not tried.
    package subscript(edge: DelegationEdge) -> Result<SignedMetadata<Targets>, TUFError>? { results[edge] }

    /// What came of a role under the first delegator that was tried for it.
    package subscript(name: RoleName) -> Result<SignedMetadata<Targets>, TUFError>? {
        tried.first { $0.name == name }.flatMap { results[$0] }
    }

    /// The metadata of a role as one delegator vouches for it; the top-level targets for a nil edge.
    func metadata(_ edge: DelegationEdge?) -> SignedMetadata<Targets>? {
        guard let edge else { return trusted.targets }
        if case .success(let metadata)? = results[edge] { return metadata }
        return nil
    }

    // MARK: Loading one role

    /// Begins to load a role for a delegator; nil when that is settled at once.
    mutating func load(_ edge: DelegationEdge) -> UpdateRequest? {
        do throws(TUFError) {
            // A role that the snapshot does not list is not part of the repository.
            guard let listed = trusted.snapshot.content.delegated[edge.name] else {
                throw TUFError(.notDelegated, "the snapshot does not list the role \"\(edge.name)\"")
            }
            if let file = files[edge.name] {
                let metadata = try quorum(edge).verify(file)
                return settle(edge, .success(metadata))
            }
            let role = Role.delegated(edge.name)
            let file = trusted.file(role, version: listed.version)
            let maximumBytes = try limits.bound(listed, limits.targetsBytes, file)
            loading = Loading(edge: edge, listed: listed, file: file, maximumBytes: maximumBytes, step: .loading)
            return .load(role, maximumBytes: maximumBytes)
        } catch { return settle(edge, .failure(error.inside(Role.delegated(edge.name).fileName))) }
    }

    /// Takes the answer to a request of `load`; nil when the role is settled.
    mutating func resume(_ event: UpdateEvent) throws(TUFError) -> UpdateRequest? {
        guard let current = loading else { throw .unexpected(event, "no answer") }
        switch current.step {
        case .loading:
            if let bytes = try event.cached(), let metadata = try? accept(bytes, current) {
                return settle(current.edge, .success(metadata))
            }
            loading?.step = .fetching
            return .fetch(current.file, maximumBytes: current.maximumBytes)
        case .fetching:
            do throws(TUFError) {
                let role = Role.delegated(current.edge.name)
                let metadata = try accept(try event.fetched(role), current)
                loading?.step = .persisting(metadata)
                return .persist(role, metadata.bytes)
            } catch { return settle(current.edge, .failure(error.inside(current.file.path))) }
        case .persisting(let metadata):
            do { try event.stored(.delegated(current.edge.name)) } catch {
                return settle(current.edge, .failure(error))
            }
            return settle(current.edge, .success(metadata))
        }
    }

    /// The checks of §5.6.2 to §5.6.5 for a delegated role.
    private mutating func accept(_ bytes: [UInt8], _ loading: Loading) throws(TUFError) -> SignedMetadata<Targets> {
        // §5.6.2
        try loading.listed.check(bytes)
        let file = try UnverifiedMetadata<Targets>(bytes, maximumBytes: loading.maximumBytes)
        // §5.6.3: by the keys of this delegator
        let metadata = try quorum(loading.edge).verify(file)
        // §5.6.4
        guard metadata.version == loading.listed.version else {
            throw TUFError(
                .versionMismatch, "it has version \(metadata.version), the snapshot lists \(loading.listed.version)")
        }
        // §5.6.5
        guard !metadata.content.isExpired(at: trusted.time) else {
            throw TUFError(.expired, "it expired at \(metadata.content.expires)")
        }
        files[loading.edge.name] = file
        return metadata
    }

    private mutating func quorum(_ edge: DelegationEdge) throws(TUFError) -> Quorum {
        if delegations[edge.delegator] == nil {
            let roles = delegator(of: edge)?.delegations
            let named = (roles?.roles ?? []).map { ($0.name, $0) }
            delegations[edge.delegator] = DelegatorIndex(
                keys: roles?.keys ?? KeyRing(), roles: Dictionary(named, uniquingKeysWith: { first, _ in first }))
        }
        guard let known = delegations[edge.delegator], let delegation = known.roles[edge.name] else {
            throw TUFError(.notDelegated, "\(edge.delegator) does not delegate to the role \"\(edge.name)\"")
        }
        return Quorum(keys: known.keys, role: delegation.keys, of: edge.name.text)
    }

    /// What the delegator says. Under whichever of its own delegators it was verified, its file is the same.
    private func delegator(of edge: DelegationEdge) -> Targets? {
        guard case .delegated(let name) = edge.delegator else { return trusted.targets.content }
        return tried.lazy.filter { $0.name == name }.compactMap { metadata($0) }.first?.content
    }

    private mutating func settle(
        _ edge: DelegationEdge, _ result: Result<SignedMetadata<Targets>, TUFError>
    ) -> UpdateRequest? {
        loading = nil
        if results.updateValue(result, forKey: edge) == nil { tried.append(edge) }
        return nil
    }
}
