package import Codecs

extension HostTrust {
    /// The exceptions that hold at a moment.
    package func exceptions(at time: UTCDate) -> [PolicyException] {
        (exceptions ?? []).filter { $0.holds(at: time) }
    }

    /// Those that have ended by then and are still said.
    package func endedExceptions(at time: UTCDate) -> [PolicyException] {
        (exceptions ?? []).filter { !$0.holds(at: time) }
    }

    /// The statements as they hold at a moment: what a scope's exception covers is held to `audit` until it ends, in
    /// statements of the team that owns the scope and in the fleet's own.
    ///
    /// Scopes that reject, because nothing at all is trusted there, go on rejecting.
    package func statements(at time: UTCDate) -> [Statement] {
        var statements = statements
        for exception in exceptions(at: time) {
            if let scope = exception.scope {
                statements = Self.excepting(scope, by: exception, in: statements)
            }
        }
        return statements
    }

    private static func excepting(
        _ scope: RegistryScope, by exception: PolicyException, in statements: [Statement]
    ) -> [Statement] {
        let parent = parent(of: scope, in: statements)
        var result: [Statement] = []
        for (index, statement) in statements.enumerated() {
            let inner = statement.scopes.filter(scope.covers) + (index == parent ? [scope] : [])
            guard exception.reaches(statement.team), !inner.isEmpty, !statement.stores.isEmpty,
                let lowered = statement.lowered(to: .audit)
            else {
                result.append(statement)
                continue
            }
            let outer = statement.scopes.filter { !scope.covers($0) }
            if !outer.isEmpty { result.append(statement.with(scopes: outer, name: statement.name)) }
            let name = freeName("\(statement.name)-\(exception.id)", of: statement.team, in: statements + result)
            result.append(lowered.with(scopes: inner.sorted(), name: name))
        }
        return result
    }

    /// The one statement whose longest scope lies around a scope that no statement names.
    private static func parent(of scope: RegistryScope, in statements: [Statement]) -> Int? {
        guard !statements.contains(where: { $0.scopes.contains(scope) }) else { return nil }
        let claims = statements.enumerated().flatMap { index, statement in
            statement.scopes.filter { $0.covers(scope) }.map { (index: index, length: $0.length) }
        }
        guard let longest = claims.map(\.length).max() else { return nil }
        let owners = claims.filter { $0.length == longest }
        return owners.count == 1 ? owners.first?.index : nil
    }

    /// Two statements of one name would fail every verification of a Notation configuration.
    private static func freeName(_ name: String, of team: TeamName?, in statements: [Statement]) -> String {
        var free = name
        while statements.contains(where: { $0.team == team && $0.name == free }) { free += "-x" }
        return free
    }
}

extension HostTrust.Statement {
    fileprivate func with(scopes: [RegistryScope], name: String) -> Self {
        Self(
            name: name, team: team, scopes: scopes, level: level, override: override, stores: stores,
            trustedIdentities: trustedIdentities)
    }
}
