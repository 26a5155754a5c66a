package import Codecs
import Files
import SigningKeys
package import TUF
import TrustModel

/// One enrolled host: its state, its fleet, its enforcers and what it reports.
package struct Agent: Sendable {
    package let state: StateDirectory

    package init(_ state: StateDirectory) { self.state = state }

    /// What one round came to.
    package struct Round: Sendable {
        package let sync: Synchronizer<HTTPFleetSource>.Outcome
        package let enforcement: Enforcement
        /// What the server would not take, or could not be told.
        package let reportNotes: [String]
    }

    /// Syncs, applies and reports once. The caller holds the lock.
    ///
    /// A report that cannot be sent never fails the round; a sync that fails is reported where the server can be reached.
    package func round(
        _ configuration: inout AgentConfiguration, transport: HTTPTransport, source: HTTPFleetSource,
        after previous: TrustedMetadataSet? = nil, reportAlways: Bool = true, now: UTCDate
    ) async throws -> Round {
        var health = SyncHealth.load(state)
        health.lastAttempt = now
        let outcome: Synchronizer<HTTPFleetSource>.Outcome
        do {
            outcome = try await Synchronizer(state, configuration, source: source, after: previous).sync(now: now)
        } catch {
            try? await noteFailure(error, &health, &configuration, transport: transport, now: now)
            throw error
        }
        let enforcement = Enforcement(state, configuration, modes: outcome.origin.modes)
        let before = health
        health.lastSuccess = now
        health.lastError = nil
        health.warnings = outcome.warnings + enforcement.warnings
        health.roleVersions = outcome.roleVersions
        health.signedTime = outcome.trusted.timestamp.content.stamp?.issued
        try health.save(state)
        let isNews = outcome.hasChanged || before.warnings != health.warnings || before.lastError != nil
        var notes: [String] = []
        if reportAlways || isNews || !enforcement.notes.isEmpty {
            notes = await report(
                &configuration, health, enforcement, InForce(outcome.origin, outcome.lagging), transport: transport,
                now: now)
        }
        return Round(sync: outcome, enforcement: enforcement, reportNotes: notes)
    }

    /// What a receipt says about the generation in force.
    private struct InForce {
        let origin: Generation.Origin?
        let lagging: [LaggingTeam]

        init(_ origin: Generation.Origin?, _ lagging: [LaggingTeam]) {
            self.origin = origin
            self.lagging = lagging
        }
    }

    /// Signs a receipt of the present state and sends what waits.
    private func report(
        _ configuration: inout AgentConfiguration, _ health: SyncHealth, _ enforcement: Enforcement,
        _ inForce: InForce, transport: HTTPTransport, now: UTCDate
    ) async -> [String] {
        do {
            let key = try HostKey.load(state)
            let reporter = Reporter(state, configuration, key: key)
            let receipt = Receipt(
                host: configuration.host, fleet: configuration.fleet,
                sequence: try configuration.nextSequence(state), issued: now, agentVersion: AgentVersion.text,
                release: inForce.origin?.release ?? 0, releaseDigest: inForce.origin?.releaseDigest ?? "",
                roleVersions: health.roleVersions, enforcers: enforcement.enforcers,
                warnings: Self.warnings(health), lagging: inForce.lagging)
            let sent = try await reporter.report(receipt, transport)
            guard let sequence = sent.ahead, health.evidence != receipt.releaseDigest else { return sent.notes }
            let evidence = Evidence(state: state, key: key, host: configuration.host)
            if let note = try await evidence.send(sequence: sequence, transport) { return sent.notes + [note] }
            var health = health
            health.evidence = receipt.releaseDigest
            try health.save(state)
            return sent.notes + ["the server was sent this host's metadata"]
        } catch { return ["no receipt could be made: \(error)"] }
    }

    private static func warnings(_ health: SyncHealth) -> [String] {
        let failure = health.lastError.map { ["last sync failed: \($0)"] } ?? []
        return Array((failure + health.warnings).prefix(100))
    }

    /// Keeps what time alone demands in force while the fleet cannot be heard, and says so.
    private func noteFailure(
        _ error: any Error, _ health: inout SyncHealth, _ configuration: inout AgentConfiguration,
        transport: HTTPTransport, now: UTCDate
    ) async throws {
        let isNews = health.lastError == nil
        health.lastError = "\(error)"
        let isSilent = (try? applyDue(health, now: now)) ?? false
        health.warnings = health.warnings.filter { $0 != DueTrust.warning } + (isSilent ? [DueTrust.warning] : [])
        try health.save(state)
        guard ExitStatus(error) == .rejected, isNews else { return }
        let manifest = try? GenerationStore(state).current()?.manifest
        let enforcement = Enforcement(state, configuration, modes: manifest?.origin.modes ?? [], dryRun: true)
        _ = await report(
            &configuration, health, enforcement, InForce(manifest?.origin, manifest?.laggingTeams ?? []),
            transport: transport, now: now)
    }

    /// Puts in force what time alone demands, where the state is whole. The caller holds the lock.
    package func applyDue(now: UTCDate) {
        _ = try? applyDue(SyncHealth.load(state), now: now)
    }

    /// Puts in force what time alone demands.
    ///
    /// - Returns: whether every scope rejects because the fleet was not heard for too long.
    private func applyDue(_ health: SyncHealth, now: UTCDate) throws -> Bool {
        let due = try DueTrust(state, lastSuccess: health.lastSuccess)
        return try due?.apply(at: DueTrust.time(now: now, health), now: now) ?? false
    }
}
