package import Codecs
import Files
import SigningKeys
package import TUF
package import TrustModel

/// Takes a host from what it has to what its fleet publishes now, or leaves everything as it was.
package struct Synchronizer<Source: FleetSource>: Sendable {
    package let state: StateDirectory
    package let configuration: AgentConfiguration
    package let source: Source

    /// The sync before, in memory: what it verified is not verified again where the bytes are the same.
    package let previous: TrustedMetadataSet?

    package init(
        _ state: StateDirectory, _ configuration: AgentConfiguration, source: Source,
        after previous: TrustedMetadataSet? = nil
    ) {
        self.state = state
        self.configuration = configuration
        self.source = source
        self.previous = previous
    }

    /// What a sync came to.
    package struct Outcome: Sendable {
        /// The generation in force.
        package let generation: String
        package let hasChanged: Bool
        package let origin: Generation.Origin
        package let roleVersions: [String: Int64]
        package let warnings: [String]
        package let lagging: [LaggingTeam]
        package let trusted: TrustedMetadataSet
        /// The first moment at which a role expires that was loaded.
        package let expires: UTCDate

        package var timestampVersion: Int64 { trusted.timestamp.version }
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
        let refresh = FleetRefresh(state, configuration, source: source, known: overlap?.content ?? [:])
        let fleet = try await refresh.run(now: now, after: previous)
        notes += fleet.documents.lack.map { ["the fleet's newest settings are not in force here: \($0)"] } ?? []
        let (generation, name) = try putInForce(fleet, store, lastGood: inForce, overlap: overlap, now: now)
        return Outcome(
            generation: name ?? inForce?.name ?? "", hasChanged: name != nil, origin: generation.origin,
            roleVersions: fleet.versions, warnings: generation.warnings + notes, lagging: generation.lagging,
            trusted: fleet.trusted, expires: fleet.expires)
    }

    /// Renders and switches, unless what is in force is the same.
    ///
    /// What all teams bring together may be more than a host reads back. That must not hold up a denial: then each team keeps what it has.
    ///
    /// - Returns: the generation, and its name when it is new.
    private func putInForce(
        _ fleet: FleetRefresh<Source>.Outcome, _ store: GenerationStore, lastGood: GenerationStore.Intact?,
        overlap: GenerationStore.Intact?, now: UTCDate
    ) throws -> (Generation, String?) {
        func place(_ documents: FleetDocuments) throws -> (Generation, String?) {
            let generation = try render(documents, trusted: fleet.trusted, after: overlap, lastGood: lastGood)
            if let lastGood, store.isEqual(lastGood, generation) { return (generation, nil) }
            let name = try store.putInForce(generation, now: now)
            try store.prune()
            return (generation, name)
        }
        do { return try place(fleet.documents) } catch let error as AgentError where error.code == .content {
            return try place(FleetDocuments(keepingBack: fleet.documents, error.reason))
        }
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

    /// Merges and renders.
    ///
    /// - Parameters:
    ///   - overlap: the generation whose readers the switch may catch.
    ///   - lastGood: the generation whose content stays for teams of which nothing newer can be had.
    private func render(
        _ documents: FleetDocuments, trusted: TrustedMetadataSet, after overlap: GenerationStore.Intact?,
        lastGood: GenerationStore.Intact?
    ) throws -> Generation {
        let now = trusted.time
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: trusted.snapshot.bytes))
        let stamp = trusted.snapshot.content.stamp
        let release = trusted.snapshot.version
        // The same release once more overlaps with what that one overlaps with.
        let isSame = overlap?.manifest.origin.releaseDigest == digest
        let previous = isSame ? overlap?.previousTrust : overlap?.trust
        let outcome = TrustMerge(
            settings: documents.settings, ops: documents.ops, deny: documents.deny, teams: documents.teams,
            lastGood: teams(of: documents, in: lastGood), lastRepositories: overlap?.trust.repositories ?? [],
            lagging: overlap?.manifest.laggingTeams ?? [], release: release, issued: stamp?.issued ?? now, time: now
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
            reportSeconds: ops?.reportSeconds ?? last?.reportSeconds ?? 300,
            inexpressible: documents.settings.inexpressible)
        return try Generation(
            outcome, notation: notation, previous: previous, documents: documents.files, origin: origin)
    }

    /// Each team's content in a generation, less what content that is withheld no longer has.
    private func teams(
        of documents: FleetDocuments, in generation: GenerationStore.Intact?
    ) -> [TeamName: TeamTargets] {
        guard let generation else { return [:] }
        let contents = documents.settings.teams.map { team in
            let kept = TeamFiles.content(of: team.name, files: generation.content)
            return documents.withheld[team.name].map { kept.less(removedIn: $0) } ?? kept
        }
        return Dictionary(contents.filter { $0.policy != nil }.map { ($0.team, $0) }) { first, _ in first }
    }
}
