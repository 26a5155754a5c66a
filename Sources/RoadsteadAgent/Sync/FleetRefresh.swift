import Codecs
import TUF
import TrustModel

/// Everything that a fleet publishes for a host, fetched and verified; nothing is put in force here.
///
/// The order is: the top-level roles, the settings that `targets` itself lists, the denials, then the roles of the
/// teams that the settings name. What went wrong with one team is a value, not an error.
struct FleetRefresh<Source: FleetSource>: Sendable {
    struct Outcome: Sendable {
        let trusted: TrustedMetadataSet
        let roles: DelegatedRoles
        let documents: FleetDocuments

        /// The first moment at which a role expires that was loaded.
        var expires: UTCDate {
            roles.tried.compactMap { try? roles[$0]?.get().content.expires }.reduce(trusted.expires, min)
        }

        /// Versions of the metadata that was accepted, by role.
        var versions: [String: Int64] {
            var versions = [
                "root": trusted.root.version, "timestamp": trusted.timestamp.version,
                "snapshot": trusted.snapshot.version, "targets": trusted.targets.version,
            ]
            for edge in roles.tried {
                if case .success(let metadata)? = roles[edge] { versions[edge.name.text] = metadata.version }
            }
            return versions
        }
    }

    /// Bytes of a delegated role: what a fleet publishes at most, so that no team fills a disk or holds up the others.
    static var delegatedBytes: Int { 1 << 20 }

    private let configuration: AgentConfiguration
    private let access: CachedMetadata<Source>
    private let fetcher: TargetFetcher<Source>

    /// - Parameter known: content that is on this host already, by target name; it is held against the metadata.
    init(
        _ state: StateDirectory, _ configuration: AgentConfiguration, source: Source, known: [String: [UInt8]]
    ) {
        let budget = DownloadBudget()
        self.configuration = configuration
        access = CachedMetadata(state, source, budget: budget)
        fetcher = TargetFetcher(source: source, known: known, budget: budget)
    }

    /// Refreshes. A repository caught while it is being published, or an edge between two states, gets a second and a
    /// third chance.
    func run(now: UTCDate, after previous: TrustedMetadataSet?) async throws -> Outcome {
        var pauses = [200, 1_000]
        while true {
            do { return try await attempt(now: now, previous) } catch let error as TUFError {
                guard Self.isPassing(error), !pauses.isEmpty else { throw error }
                try await Task.sleep(for: .milliseconds(pauses.removeFirst()))
            }
        }
    }

    private static func isPassing(_ error: TUFError) -> Bool {
        [.unsigned, .versionMismatch, .contentMismatch].contains(error.code)
    }

    private func attempt(now: UTCDate, _ previous: TrustedMetadataSet?) async throws -> Outcome {
        let policy = policy(now: now)
        var workflow = UpdateWorkflow(policy, after: previous)
        let trusted = try await workflow.run(with: access).trusted
        let bytes = try await fetcher.ofTheFleet(FleetSettings.documentName, in: trusted)
        let settings = try UsableSettings(bytes, last: fetcher.known[FleetSettings.documentName])
        try check(settings.settings)
        let routes = try TeamRoutes(settings.settings, trusted.targets.content)
        var limits = policy.limits
        (limits.listedBytes, limits.targetsBytes) = (Self.delegatedBytes, Self.delegatedBytes)
        var delegations = DelegationsUpdate(
            trusted, limits: limits, mandatory: [try RoleName("deny")], isWanted: routes.isWanted)
        let roles = try await delegations.run(with: access)
        let documents = try await FleetDocuments(settings, roles, routes, fetcher)
        return Outcome(trusted: trusted, roles: roles, documents: documents)
    }

    private func policy(now: UTCDate) -> UpdatePolicy {
        var policy = UpdatePolicy(initialRoot: .cached, now: now, expectedFleet: configuration.fleetID.rawValue)
        policy.minimumVersions = Dictionary(
            configuration.minimumVersions.compactMap { name, version in
                TopLevelRole(rawValue: name).map { ($0, version) }
            }, uniquingKeysWith: max)
        return policy
    }

    private func check(_ settings: FleetSettings) throws {
        guard settings.fleetID == configuration.fleetID, settings.fleet == configuration.fleet else {
            throw TUFError(
                .wrongFleet, "\(FleetSettings.documentName) is the one of fleet \(settings.fleet) (\(settings.fleetID))"
            )
        }
    }
}
