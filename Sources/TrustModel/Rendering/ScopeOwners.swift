/// Which team speaks for which repositories: the longest scope wins, and one that two teams claim is nobody's.
struct ScopeOwners: Sendable {
    private let claims: [RegistryScope: Set<TeamName>]

    init(_ teams: [FleetSettings.Team]) {
        var claims: [RegistryScope: Set<TeamName>] = [:]
        for team in teams { for scope in team.scopes { claims[scope, default: []].insert(team.name) } }
        self.claims = claims
    }

    /// Scopes that more than one team claims.
    var contested: [RegistryScope] { claims.filter { $0.value.count > 1 }.keys.sorted() }

    /// The team that speaks for a repository or prefix; nil when there is none or the longest scope is contested.
    func owner(of scope: RegistryScope) -> TeamName? {
        let longest = claims.filter { $0.key.covers(scope) }.max { $0.key.length < $1.key.length }
        guard let names = longest?.value, names.count == 1 else { return nil }
        return names.first
    }

    /// Whether no team has a say about a scope.
    func isFree(_ scope: RegistryScope) -> Bool { !claims.keys.contains { $0.covers(scope) } }

    /// The longest scope of any team that covers a scope.
    func longest(around scope: RegistryScope) -> RegistryScope? {
        claims.keys.filter { $0.covers(scope) }.max { $0.length < $1.length }
    }

    func isClaimed(_ scope: RegistryScope) -> Bool { claims[scope] != nil }

    /// The scopes of a team that none of its statements reaches, and those that it shares with another team.
    ///
    /// A statement's scope reaches a longer scope only when no other team owns what lies between.
    func unreached(_ team: FleetSettings.Team, statements: [HostTrust.Statement]) -> [RegistryScope] {
        let own = statements.flatMap(\.scopes)
        return Set(team.scopes).filter { scope in
            guard claims[scope] == [team.name] else { return claims[scope]?.min() == team.name }
            let barrier =
                claims.filter { $0.key.covers(scope) && $0.value != [team.name] }.map(\.key.length).max() ?? -1
            return !own.contains { $0.covers(scope) && $0.length > barrier }
        }.sorted()
    }
}

extension RegistryScope {
    var length: Int { rawValue.utf8.count }
}
