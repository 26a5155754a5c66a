/// What a request needs to be allowed to do, as token services write it. [distribution, "Token Scope Documentation"]
struct RegistryAccess: Sendable, Hashable {
    let repository: String
    let isPush: Bool
    /// Another repository that a blob is taken over from.
    let source: String?

    static func pull(_ repository: String) -> RegistryAccess {
        RegistryAccess(repository: repository, isPush: false, source: nil)
    }

    static func push(_ repository: String, from source: String? = nil) -> RegistryAccess {
        RegistryAccess(repository: repository, isPush: true, source: source)
    }

    var scopes: [String] {
        let own = "repository:\(repository):\(isPush ? "pull,push" : "pull")"
        return [own] + (source.map { ["repository:\($0):pull"] } ?? [])
    }
}
