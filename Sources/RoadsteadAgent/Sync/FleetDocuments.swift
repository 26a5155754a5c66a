import Codecs
import Problems
import TUF
import TrustModel

/// Everything that a merge needs, fetched and verified.
struct FleetDocuments: Sendable {
    let settings: FleetSettings
    let ops: OpsSettings?
    let deny: DenyDocument
    let teams: [TeamName: TeamState]
    /// Content that was verified and is not taken in; what it no longer has goes all the same.
    let withheld: [TeamName: TeamTargets]
    /// What the fleet's newest settings need and this agent does not know; nil where they are in force.
    let lack: String?
    /// The fleet's own documents as received, by target name: kept with the generation, so that they are fetched once.
    let files: [String: [UInt8]]

    /// Largest target that is taken; a listed length above it counts as missing content.
    ///
    /// It is what a document is read with; a team's targets have a limit of their own together.
    static let targetLimit = Int64(FleetSettings.byteLimit)
    /// Teams whose targets are fetched at a time.
    private static let width = 8

    /// Collects the documents of a fleet's roles.
    ///
    /// The settings and `deny/deny.json` are mandatory. Whatever is wrong with a team stays with that team. Beside settings
    /// that are not the newest nothing new of any team is taken in, since the newest might limit it.
    init<Source: FleetSource>(
        _ usable: UsableSettings, _ roles: DelegatedRoles, _ routes: TeamRoutes, _ fetcher: TargetFetcher<Source>
    ) async throws {
        settings = usable.settings
        lack = usable.lack
        let deny = try await fetcher.mandatory(
            DenyDocument.documentName, of: .delegated(try RoleName("deny")), in: roles)
        self.deny = try DenyDocument(verifiedBytes: deny)
        var files = [FleetSettings.documentName: usable.bytes, DenyDocument.documentName: deny]
        if let (bytes, settings) = await Self.ops(roles, fetcher) {
            (ops, files[OpsSettings.documentName]) = (settings, bytes)
        } else {
            ops = nil
        }
        self.files = files
        let found = await Self.teams(settings.teams.map(\.name), roles, routes, fetcher)
        guard let lack else {
            (teams, withheld) = (found, [:])
            return
        }
        teams = found.mapValues { _ in .unavailable(lack) }
        withheld = found.compactMapValues { state in
            guard case .verified(let content) = state else { return nil }
            return content
        }
    }

    /// The same fleet without anything new of any team: each keeps its last good content, less the denials.
    init(keepingBack documents: FleetDocuments, _ reason: String) {
        (settings, ops, deny, files) = (documents.settings, documents.ops, documents.deny, documents.files)
        (withheld, lack) = (documents.withheld, documents.lack)
        teams = documents.teams.mapValues { _ in .unavailable(reason) }
    }

    private static func ops<Source: FleetSource>(
        _ roles: DelegatedRoles, _ fetcher: TargetFetcher<Source>
    ) async -> ([UInt8], OpsSettings)? {
        guard let role = try? RoleName("ops"),
            let bytes = try? await fetcher.mandatory(OpsSettings.documentName, of: .delegated(role), in: roles),
            let settings = try? OpsSettings(verifiedBytes: bytes)
        else { return nil }
        return (bytes, settings)
    }

    /// Several at a time, so that one team's slow targets do not hold up the others.
    private static func teams<Source: FleetSource>(
        _ names: [TeamName], _ roles: DelegatedRoles, _ routes: TeamRoutes, _ fetcher: TargetFetcher<Source>
    ) async -> [TeamName: TeamState] {
        await withTaskGroup(of: (TeamName, TeamState).self) { group in
            var states: [TeamName: TeamState] = [:]
            for (index, name) in names.enumerated() {
                if index >= width, let (name, state) = await group.next() { states[name] = state }
                group.addTask { (name, await state(of: name, roles, routes, fetcher)) }
            }
            for await (name, state) in group { states[name] = state }
            return states
        }
    }

    private static func state<Source: FleetSource>(
        of team: TeamName, _ roles: DelegatedRoles, _ routes: TeamRoutes, _ fetcher: TargetFetcher<Source>
    ) async -> TeamState {
        guard let edge = routes.edge(to: team) else { return .unavailable("the fleet does not delegate to it") }
        if let group = routes.group(of: team), case .failure(let error)? = roles[group] {
            return .unavailable("its group \(group.text) cannot be used: \(error)")
        }
        switch roles[edge] {
        case nil: return .unavailable("the fleet does not delegate to it")
        case .failure(let error)?: return .unavailable(error.description)
        case .success?: break
        }
        let targets = roles.targets(of: .delegated(edge.name)).filter {
            TeamFiles.meaning(of: $0.name.text, team: team) != nil
        }
        if let reason = TeamTargets.refusal(ofLengths: targets.map(\.file.length)) { return .unavailable(reason) }
        var files: [String: [UInt8]] = [:]
        for target in targets {
            do { files[target.name.text] = try await fetcher.teamContent(of: target) } catch {
                return .unavailable("\(error)")
            }
        }
        return .verified(TeamFiles.content(of: team, files: files))
    }
}
