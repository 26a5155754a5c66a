package import Codecs

/// Which statement decides about an image or a scope in a fleet, and why that one.
package struct PolicyExplanation: Sendable, Equatable {
    package struct Store: Sendable, Equatable {
        package let store: TrustStoreID
        package let anchors: Int
    }

    package let scope: RegistryScope
    /// The team that speaks for it; nil where none does.
    package let owner: TeamName?
    /// The statement that decides; nil where none does, so that nothing is accepted.
    package let statement: HostTrust.Statement?
    /// The statement's scope that decides.
    package let decidingScope: RegistryScope?
    package let stores: [Store]
    /// Exceptions that hold for it now.
    package let exceptions: [PolicyException]
    /// Why, a line each.
    package let reasons: [String]

    /// Asks a merged trust, by the code that hosts ask.
    package init(
        of scope: RegistryScope, in outcome: TrustMerge.Outcome, settings: FleetSettings, at time: UTCDate
    ) {
        let trust = outcome.trust
        self.scope = scope
        owner = ScopeOwners(settings.teams).owner(of: scope)
        let speaker = owner
        exceptions = trust.exceptions(at: time).filter {
            ($0.scope?.covers(scope) ?? false) && $0.reaches(speaker)
        }
        var reasons = [Self.reason(ofOwner: owner, scope, settings)]
        do throws(TrustModelError) {
            let found = try trust.deciding(scope, at: time)
            statement = found?.statement
            decidingScope = found?.scope
            if let found {
                reasons.append(Self.reason(of: found.statement, found.scope))
            } else {
                reasons.append("no statement covers it, so nothing is accepted there")
            }
        } catch {
            statement = nil
            decidingScope = nil
            reasons.append("\(error.reason); nothing is accepted there")
        }
        stores = (statement?.stores ?? []).map { id in
            Store(store: id, anchors: trust.stores.first { $0.id == id }?.anchors.count ?? 0)
        }
        reasons += exceptions.map(\.description)
        let concerned = statement?.team ?? owner
        reasons += outcome.warnings.filter { $0.team == concerned && $0.kind != .exception }.map(\.text)
        self.reasons = reasons
    }

    private static func reason(ofOwner owner: TeamName?, _ scope: RegistryScope, _ settings: FleetSettings) -> String {
        guard let owner else { return "no team of fleet \(settings.fleet) speaks for \(scope)" }
        let scopes = settings.teams.first { $0.name == owner }?.scopes.filter { $0.covers(scope) } ?? []
        let longest = scopes.max { $0.length < $1.length } ?? scope
        return "team \(owner) speaks for it: of all teams' scopes \(longest) is the longest that covers it"
    }

    private static func reason(of statement: HostTrust.Statement, _ scope: RegistryScope) -> String {
        let whose =
            statement.team.map { "statement \"\(statement.name)\" of team \($0)" }
            ?? "the fleet's own statement \"\(statement.name)\""
        let found = "\(whose) decides: its scope \(scope) is the longest that covers it"
        return statement.stores.isEmpty && statement.level != VerificationLevel.skip.rawValue
            ? "\(found); it names no store, so everything is refused" : found
    }
}
