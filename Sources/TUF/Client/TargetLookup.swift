/// The search for one target, loading delegated roles as it comes to them and nothing after the hit. [TUF §5.6.7]
package struct TargetLookup: UpdateMachine {
    /// The target, nil when nobody lists it, and the roles loaded so far, for the next lookup.
    package struct Outcome: Sendable {
        package let target: FoundTarget?
        package let roles: DelegatedRoles
    }

    private let name: TargetName
    private var roles: DelegatedRoles
    private var isLoading = false

    package init(_ name: TargetName, in roles: DelegatedRoles) {
        self.name = name
        self.roles = roles
    }

    package mutating func next(_ event: UpdateEvent) -> UpdateAction<Outcome> {
        do {
            if isLoading, let request = try roles.resume(event) { return .request(request) }
            isLoading = false
        } catch { return .failed(error) }
        while true {
            switch roles.search(name) {
            case .found(let target): return .done(Outcome(target: target, roles: roles))
            case .absent: return .done(Outcome(target: nil, roles: roles))
            case .failed(let error): return .failed(error)
            case .needs(let edge):
                guard let request = roles.load(edge) else { continue }
                isLoading = true
                return .request(request)
            }
        }
    }
}
