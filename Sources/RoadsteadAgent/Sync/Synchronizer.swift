package import Codecs
import Files
import SigningKeys
import TUF
import TrustModel

/// Takes a host from what it has to what its fleet publishes now, or leaves everything as it was.
package struct Synchronizer<Source: FleetSource>: Sendable {
    package let state: StateDirectory
    package let configuration: AgentConfiguration
    package let source: Source

    package init(_ state: StateDirectory, _ configuration: AgentConfiguration, source: Source) {
        self.state = state
        self.configuration = configuration
        self.source = source
    }

    /// What a sync came to.
    package struct Outcome: Sendable {
        /// The generation in force.
        package let generation: String
        package let hasChanged: Bool
        package let origin: Generation.Origin
        package let roleVersions: [String: Int64]
        package let timestampVersion: Int64
        package let warnings: [String]
    }

    /// Refreshes the metadata, renders what it says and puts it in force. The caller holds the lock.
    ///
    /// - Throws: `TUFError` when the metadata is not to be believed; what was in force stays in force.
    package func sync(now: UTCDate) async throws -> Outcome {
        try state.create()
        try state.removeLeftovers()
        let store = GenerationStore(state)
        var notes: [String] = []
        let (inForce, overlap) = generations(store, &notes)
        let (trusted, roles) = try await refresh(now: now)
        let documents = try await FleetDocuments(roles, from: source, known: overlap?.content ?? [:])
        try checkFleet(documents.settings)
        let generation = try render(documents, trusted: trusted, after: overlap, lastGood: inForce, now: trusted.time)
        let isCurrent = inForce.map { store.isEqual($0, generation) } ?? false
        let name = isCurrent ? inForce?.name ?? "" : try store.putInForce(generation, now: now)
        if !isCurrent { try store.prune() }
        return Outcome(
            generation: name, hasChanged: !isCurrent, origin: generation.origin,
            roleVersions: Self.versions(trusted, roles), timestampVersion: trusted.timestamp.version,
            warnings: generation.warnings + notes)
    }

    /// The generation in force, and the one whose readers a switch may catch.
    ///
    /// When the one in force is damaged, only the second is there, the newest whole one: nothing of an older generation
    /// becomes trust again, since it may have been taken away in between.
    private func generations(
        _ store: GenerationStore, _ notes: inout [String]
    ) -> (inForce: GenerationStore.Intact?, overlap: GenerationStore.Intact?) {
        do {
            let inForce = try store.current()
            return (inForce, inForce)
        } catch {
            notes.append("\(error)")
            return (nil, store.newestIntact())
        }
    }

    /// The client workflow. A repository caught while it is being published, or an edge between two states, gets a
    /// second and a third chance.
    private func refresh(now: UTCDate) async throws -> (TrustedMetadataSet, DelegatedRoles) {
        var policy = UpdatePolicy(initialRoot: .cached, now: now, expectedFleet: configuration.fleetID.rawValue)
        policy.minimumVersions = Dictionary(
            configuration.minimumVersions.compactMap { name, version in
                TopLevelRole(rawValue: name).map { ($0, version) }
            }, uniquingKeysWith: max)
        let access = CachedMetadata(state, source)
        let deny = try RoleName("deny")
        var pauses = [200, 1_000]
        while true {
            let result = await attempt(policy, access, deny)
            guard case .failure(let error) = result, isPassing(error), !pauses.isEmpty else { return try result.get() }
            try await Task.sleep(for: .milliseconds(pauses.removeFirst()))
        }
    }

    private func isPassing(_ error: TUFError) -> Bool {
        [.unsigned, .versionMismatch, .contentMismatch].contains(error.code)
    }

    private func attempt(
        _ policy: UpdatePolicy, _ access: CachedMetadata<Source>, _ deny: RoleName
    ) async -> Result<(TrustedMetadataSet, DelegatedRoles), TUFError> {
        do throws(TUFError) {
            var workflow = UpdateWorkflow(policy)
            let trusted = try await workflow.run(with: access).trusted
            var delegations = DelegationsUpdate(trusted, limits: policy.limits, mandatory: [deny]) { delegator, _ in
                delegator == .targets
            }
            return .success((trusted, try await delegations.run(with: access)))
        } catch { return .failure(error) }
    }

    private func checkFleet(_ settings: FleetSettings) throws {
        guard settings.fleetID == configuration.fleetID, settings.fleet == configuration.fleet else {
            throw TUFError(
                .wrongFleet, "\(FleetSettings.documentName) is the one of fleet \(settings.fleet) (\(settings.fleetID))"
            )
        }
    }

    /// Merges and renders.
    ///
    /// - Parameters:
    ///   - overlap: the generation whose readers the switch may catch.
    ///   - lastGood: the generation whose content stays for teams of which nothing newer can be had.
    private func render(
        _ documents: FleetDocuments, trusted: TrustedMetadataSet, after overlap: GenerationStore.Intact?,
        lastGood: GenerationStore.Intact?, now: UTCDate
    ) throws -> Generation {
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: trusted.snapshot.bytes))
        let stamp = trusted.snapshot.content.stamp
        let release = trusted.snapshot.version
        // The same release once more overlaps with what that one overlaps with.
        let isSame = overlap?.manifest.origin.releaseDigest == digest
        let previous = isSame ? overlap?.previousTrust : overlap?.trust
        let outcome = TrustMerge(
            settings: documents.settings, ops: documents.ops, deny: documents.deny, teams: documents.teams,
            lastGood: teams(of: documents.settings, in: lastGood), lastRepositories: overlap?.trust.repositories ?? [],
            release: release, issued: stamp?.issued ?? now
        ).merged()
        let notation = NotationTree(
            outcome.trust, inexpressible: documents.settings.inexpressible, previous: previous, now: now)
        let modes = EnforcerKind.allCases.map {
            FleetSettings.EnforcerSetting(enforcer: $0, mode: documents.settings.mode(of: $0))
        }
        let ops = documents.ops
        let last = overlap?.manifest.origin
        let origin = Generation.Origin(
            release: release, releaseDigest: digest, fleet: documents.settings.fleet, modes: modes,
            freshness: documents.settings.freshness, pollSeconds: ops?.pollSeconds ?? last?.pollSeconds ?? 60,
            reportSeconds: ops?.reportSeconds ?? last?.reportSeconds ?? 300)
        return try Generation(outcome, notation: notation, previous: previous, origin: origin)
    }

    private func teams(
        of settings: FleetSettings, in generation: GenerationStore.Intact?
    ) -> [TeamName: TeamTargets] {
        guard let generation else { return [:] }
        let contents = settings.teams.map { TeamFiles.content(of: $0.name, files: generation.content) }
        return Dictionary(contents.filter { $0.policy != nil }.map { ($0.team, $0) }) { first, _ in first }
    }

    private static func versions(_ trusted: TrustedMetadataSet, _ roles: DelegatedRoles) -> [String: Int64] {
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
