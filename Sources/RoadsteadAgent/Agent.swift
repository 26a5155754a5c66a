package import Codecs
import Files
import SigningKeys
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
        reportAlways: Bool = true, now: UTCDate
    ) async throws -> Round {
        var health = SyncHealth.load(state)
        health.lastAttempt = now
        let outcome: Synchronizer<HTTPFleetSource>.Outcome
        do {
            outcome = try await Synchronizer(state, configuration, source: source).sync(now: now)
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
        try health.save(state)
        let isNews = outcome.hasChanged || before.warnings != health.warnings || before.lastError != nil
        var notes: [String] = []
        if reportAlways || isNews || !enforcement.notes.isEmpty {
            notes = await report(&configuration, health, enforcement, outcome.origin, transport: transport, now: now)
        }
        return Round(sync: outcome, enforcement: enforcement, reportNotes: notes)
    }

    /// Signs a receipt of the present state and sends what waits.
    package func report(
        _ configuration: inout AgentConfiguration, _ health: SyncHealth, _ enforcement: Enforcement,
        _ origin: Generation.Origin?, transport: HTTPTransport, now: UTCDate
    ) async -> [String] {
        do {
            let reporter = Reporter(state, configuration, key: try HostKey.load(state))
            let receipt = Receipt(
                host: configuration.host, fleet: configuration.fleet,
                sequence: try configuration.nextSequence(state), issued: now, agentVersion: AgentVersion.text,
                release: origin?.release ?? 0, releaseDigest: origin?.releaseDigest ?? "",
                roleVersions: health.roleVersions, enforcers: enforcement.enforcers,
                warnings: Array(
                    (health.warnings + (health.lastError.map { ["last sync failed: \($0)"] } ?? [])).prefix(100)))
            try await reporter.queue(receipt)
            return await reporter.send(transport)
        } catch { return ["no receipt could be made: \(error)"] }
    }

    private func noteFailure(
        _ error: any Error, _ health: inout SyncHealth, _ configuration: inout AgentConfiguration,
        transport: HTTPTransport, now: UTCDate
    ) async throws {
        let isNews = health.lastError == nil
        health.lastError = "\(error)"
        let isRejecting = (try? StaleTrust(state).rejectIfDue(lastSuccess: health.lastSuccess, now: now)) ?? false
        health.warnings =
            health.warnings.filter { $0 != StaleTrust.warning } + (isRejecting ? [StaleTrust.warning] : [])
        try health.save(state)
        guard ExitStatus(error) == .rejected, isNews else { return }
        let inForce = try? GenerationStore(state).current()
        let enforcement = Enforcement(state, configuration, modes: inForce?.manifest.origin.modes ?? [], dryRun: true)
        _ = await report(
            &configuration, health, enforcement, inForce?.manifest.origin, transport: transport, now: now)
    }
}
