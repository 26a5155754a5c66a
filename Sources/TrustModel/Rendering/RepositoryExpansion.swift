/// Prefixes made exact: which statement each known repository falls to, the longest scope winning.
struct RepositoryExpansion: Sendable {
    /// Repositories by the index of their statement, each in order.
    private(set) var assigned: [Int: [RegistryScope]] = [:]
    /// Repositories that two statements claim with equal scopes.
    private(set) var rejected: [RegistryScope] = []
    private(set) var warnings: [TrustWarning] = []

    init(_ statements: [HostTrust.Statement], repositories: [RegistryScope]) {
        var claims: [RegistryScope: [Int]] = [:]
        for (index, statement) in statements.enumerated() {
            for scope in Set(statement.scopes) { claims[scope, default: []].append(index) }
        }
        for scope in claims.filter({ $0.value.count > 1 }).keys.sorted() {
            warnings.append(
                TrustWarning(.contestedScope, "registry scope \(scope) stands in more than one statement; it rejects"))
        }
        let known = Set(repositories).union(claims.keys).filter(\.hasPath).sorted()
        for repository in known {
            guard let owners = Self.longest(repository, claims) else { continue }
            if owners.count == 1 {
                assigned[owners[0], default: []].append(repository)
            } else {
                rejected.append(repository)
            }
        }
        for (index, statement) in statements.enumerated() where assigned[index] == nil {
            let contested = statement.scopes.contains { (claims[$0] ?? []).count > 1 }
            if contested || statement.stores.isEmpty { continue }
            warnings.append(
                TrustWarning(
                    .notEnforced, team: statement.team,
                    "statement \"\(statement.name.prefix(64))\" covers no repository that the fleet knows, and Notation takes no prefixes"
                ))
        }
    }

    private static func longest(_ repository: RegistryScope, _ claims: [RegistryScope: [Int]]) -> [Int]? {
        var prefix = Substring(repository.rawValue)
        while true {
            if let scope = try? RegistryScope(String(prefix)), let owners = claims[scope] { return owners }
            guard let slash = prefix.lastIndex(of: "/") else { return nil }
            prefix = prefix[..<slash]
        }
    }
}
