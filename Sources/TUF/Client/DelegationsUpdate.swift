/// Loads every delegated role that a host needs, so that one role's failure stays its own.
///
/// A role that is missing, expired or invalid becomes a failure value in the outcome; the others are loaded all the
/// same. Only roles called mandatory end the update. Delegators come before what they delegate to, level by level,
/// so that no team can push another past the limit on roles.
package struct DelegationsUpdate: UpdateMachine {
    package typealias Outcome = DelegatedRoles

    private let mandatory: [RoleName]
    private let isWanted: @Sendable (_ delegator: Role, _ delegation: Delegation) -> Bool
    private var roles: DelegatedRoles
    private var pending: [DelegationEdge] = []
    private var next = 0
    private var seen: Set<DelegationEdge> = []
    private var isLoading = false

    package init(
        _ trusted: TrustedMetadataSet, limits: MetadataLimits = MetadataLimits(), mandatory: [RoleName],
        isWanted: @escaping @Sendable (_ delegator: Role, _ delegation: Delegation) -> Bool = { _, _ in true }
    ) {
        self.mandatory = mandatory
        self.isWanted = isWanted
        roles = DelegatedRoles(trusted, limits: limits)
        queue(trusted.targets.content, of: .targets)
    }

    package mutating func next(_ event: UpdateEvent) -> UpdateAction<DelegatedRoles> {
        do {
            if isLoading {
                if let request = try roles.resume(event) { return .request(request) }
                try settled()
            }
            while next < min(pending.count, roles.limits.loadedRoles) {
                if let request = roles.load(pending[next]) {
                    isLoading = true
                    return .request(request)
                }
                try settled()
            }
            try checkMandatory()
            return .done(roles)
        } catch { return .failed(error) }
    }

    private mutating func settled() throws(TUFError) {
        isLoading = false
        let edge = pending[next]
        next += 1
        switch roles[edge] {
        case .success(let metadata)?: queue(metadata.content, of: .delegated(edge.name))
        case .failure(let error)? where mandatory.contains(edge.name): throw error
        default: break
        }
    }

    private mutating func queue(_ content: Targets, of delegator: Role) {
        for delegation in content.delegations?.roles ?? []
        where mandatory.contains(delegation.name) || isWanted(delegator, delegation) {
            let edge = DelegationEdge(delegator: delegator, name: delegation.name)
            if seen.insert(edge).inserted { pending.append(edge) }
        }
    }

    private func checkMandatory() throws(TUFError) {
        for name in mandatory where roles[name] == nil {
            throw TUFError(.notDelegated, "nobody delegates to the role \"\(name)\", which this host needs")
        }
    }
}
