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

    /// Largest target that is taken; a listed length above it counts as missing content.
    ///
    /// It is what a document is read with; a team's targets have a limit of their own together.
    static let targetLimit = Int64(FleetSettings.byteLimit)

    /// Collects the documents of a fleet's roles.
    ///
    /// `fleet/settings.json` and `deny/deny.json` are mandatory. Whatever is wrong with a team stays with that team.
    ///
    /// - Parameter known: content that is on this host already, by target name; it is held against the metadata.
    init<Source: FleetSource>(_ roles: DelegatedRoles, from source: Source, known: [String: [UInt8]]) async throws {
        let fetcher = TargetFetcher(source: source, known: known)
        settings = try FleetSettings(
            verifiedBytes: try await fetcher.mandatory(FleetSettings.documentName, of: .targets, in: roles))
        deny = try DenyDocument(
            verifiedBytes: try await fetcher.mandatory(
                DenyDocument.documentName, of: .delegated(try RoleName("deny")), in: roles))
        ops = await Self.ops(roles, fetcher)
        var teams: [TeamName: TeamState] = [:]
        for team in settings.teams { teams[team.name] = try await Self.state(of: team.name, roles, fetcher) }
        self.teams = teams
    }

    private static func ops<Source: FleetSource>(
        _ roles: DelegatedRoles, _ fetcher: TargetFetcher<Source>
    ) async -> OpsSettings? {
        guard let role = try? RoleName("ops"),
            let bytes = try? await fetcher.mandatory(OpsSettings.documentName, of: .delegated(role), in: roles)
        else { return nil }
        return try? OpsSettings(verifiedBytes: bytes)
    }

    private static func state<Source: FleetSource>(
        of team: TeamName, _ roles: DelegatedRoles, _ fetcher: TargetFetcher<Source>
    ) async throws -> TeamState {
        let name = try RoleName(team.rawValue)
        switch roles[name] {
        case nil: return .unavailable("the fleet does not delegate to it")
        case .failure(let error)?: return .unavailable(error.description)
        case .success?: break
        }
        let targets = roles.targets(of: .delegated(name)).filter {
            TeamFiles.meaning(of: $0.name.text, team: team) != nil
        }
        if let reason = TeamTargets.refusal(ofLengths: targets.map(\.file.length)) { return .unavailable(reason) }
        var files: [String: [UInt8]] = [:]
        for target in targets {
            do { files[target.name.text] = try await fetcher.content(of: target) } catch {
                return .unavailable("\(error)")
            }
        }
        return .verified(TeamFiles.content(of: team, files: files))
    }
}

/// Fetches targets, or takes them from this host where they are what the metadata lists.
struct TargetFetcher<Source: FleetSource>: Sendable {
    let source: Source
    let known: [String: [UInt8]]

    /// A target that one certain role must list.
    func mandatory(_ name: String, of role: Role, in roles: DelegatedRoles) async throws -> [UInt8] {
        guard case .found(let target) = roles.search(try TargetName(name)), target.role == role else {
            throw AgentError(
                .content, "the fleet's role \(role) does not list \(name)",
                hint: "publish a new release; this host keeps what it has")
        }
        return try await content(of: target)
    }

    func content(of target: FoundTarget) async throws -> [UInt8] {
        if let bytes = known[target.name.text], (try? target.file.check(bytes)) != nil { return bytes }
        guard target.file.length <= FleetDocuments.targetLimit, let path = target.path else {
            throw AgentError(.content, "\(target.name) is larger than what is taken, or has no usable hash")
        }
        guard let bytes = try await source.target(path, limit: Int(target.file.length)) else {
            throw AgentError(.content, "the server does not have the listed target \(target.name)")
        }
        do throws(TUFError) { try target.file.check(bytes) } catch {
            throw AgentError(.content, "\(target.name): \(error.reason)")
        }
        return bytes
    }
}
