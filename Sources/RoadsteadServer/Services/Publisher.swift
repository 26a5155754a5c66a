import Codecs
import CoreMetrics
import Logging
import Observability
import RoadsteadPublish
import RoadsteadStore
import TUF
import TrustModel

/// Brings what was agreed into releases: built, signed, recorded, published; and keeps timestamps fresh.
///
/// Any number of replicas may run one. Every step can be the last before a crash: what is signed is published by whoever
/// comes next, what is not leaves nothing behind.
struct Publisher: Sendable {
    let store: PublisherStore
    let master: MasterKey
    let logger: Logger
    let metrics: any MetricsFactory

    /// Everything that is ready, for every fleet; one fleet's trouble does not stop the others.
    func publishAll(now: UTCDate) async throws {
        _ = try await bringInChanges(now: now)
        try await store.expireRoleDrafts(now: now)
        var failure: (any Error)?
        for fleet in try await store.fleets() {
            do {
                _ = try await publish(fleet, now: now)
            } catch {
                count(.publisherFailures, fleet)
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// The same for one fleet, at once; waits while another publisher works on it.
    func publishNow(_ fleet: FleetName, now: UTCDate) async throws {
        _ = try await bringInChanges(now: now)
        for _ in 0..<50 {
            if try await publish(fleet, now: now) { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw ServerError(.unavailable, "another publisher is busy with fleet \(fleet)", hint: "try again shortly")
    }

    /// Lets approved changes take effect.
    ///
    /// - Returns: how many were settled.
    func bringInChanges(now: UTCDate) async throws -> Int {
        let outcomes = try await store.publishApprovedChanges(now: now)
        for outcome in outcomes {
            logger.info("change settled", metadata: [LogKey.change.rawValue: "\(outcome)"])
        }
        return outcomes.count
    }

    /// - Returns: false when another publisher holds the fleet.
    private func publish(_ fleet: FleetName, now: UTCDate) async throws -> Bool {
        let done: Bool? = try await store.withPublishingLock(fleet) {
            let start = ContinuousClock.now
            var state = try await store.state(of: fleet)
            if let unfinished = state.unfinished, unfinished.state == .signed {
                try await store.recordPublished(unfinished.number, of: fleet, now: now)
                state = try await store.state(of: fleet)
            }
            guard !state.roots.isEmpty else { return true }
            let keys = try await ensureKeys(state, now: now)
            if try await tendRoleDrafts(state, keys, now: now) { state = try await store.state(of: fleet) }
            guard let release = try await build(state, keys, now: now) else { return true }
            try await record(release, state, now: now)
            if release.kind != .timestamp { measure(ContinuousClock.now - start, fleet) }
            return true
        }
        return done ?? false
    }

    // MARK: Building

    private func build(_ state: FleetState, _ keys: [SealedKey], now: UTCDate) async throws -> BuiltRelease? {
        let opened = try FleetKeys(
            fleet: state.content.id, opening: keys, teamQuorums: Self.quorums(of: state), under: master)
        let builder = ReleaseBuilder(keys: opened, anchorLabel: Self.anchorLabel)
        let published = PublishedState(state)
        do {
            let plan = try builder.plan(state.content, after: published, now: now)
            try await keepNote(of: plan, state, now: now)
            return try await builder.build(plan, oldTargets: try await files(plan.oldTargetPaths, of: state))
        } catch {
            try await keepNote(of: nil, failure: error, state, now: now)
            guard state.current["timestamp"] != nil, isDue(published.timestamp, state.content.profile, now) else {
                throw error
            }
            logger.error(
                "the release cannot be made; the timestamp is renewed over the last one",
                metadata: [
                    LogKey.fleet.rawValue: "\(state.content.fleet)", LogKey.reason.rawValue: "\(error)",
                ])
            return try await builder.resignTimestamp(of: state.content, published, now: now)
        }
    }

    private func files(_ paths: [String], of state: FleetState) async throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for path in paths { files[path] = try await store.files.file(path, of: state.content.fleet)?.bytes }
        return files
    }

    /// Whether the timestamp is old enough to be signed again.
    private func isDue(_ timestamp: [UInt8]?, _ profile: FleetProfile, _ now: UTCDate) -> Bool {
        guard let timestamp, let signed = try? JSON(parsing: timestamp).object("timestamp")["signed"],
            let expires = try? UTCDate(signed.object("signed").string("expires", in: "signed"))
        else { return false }
        let lifetime = profile.lifetimes.timestamp
        return expires.seconds - now.seconds <= lifetime.seconds - lifetime.renewAfter
    }

    // MARK: Recording

    private func record(_ release: BuiltRelease, _ state: FleetState, now: UTCDate) async throws {
        let fleet = release.fleet
        let files = release.files.map { NewFile(path: $0.path, bytes: $0.bytes, role: $0.role, version: $0.version) }
        guard release.kind != .timestamp else {
            for file in files { try await store.recordTimestamp(file, of: fleet, now: now) }
            count(.timestampsSigned, fleet)
            return
        }
        try await store.recordSigned(
            NewRelease(
                number: release.number, kind: release.kind == .renewal ? .renewal : .release,
                previousDigest: state.last?.digest, difference: release.difference, changes: state.changes),
            of: fleet, digest: release.snapshotSHA256, files: files,
            teamRoles: release.teamRoles.map {
                TeamRoleRecord(
                    team: $0.team, version: $0.version, bytes: $0.bytes, contentNumber: state.contentNumbers[$0.team])
            }, now: now)
        try await store.recordPublished(release.number, of: fleet, now: now)
        count(.releasesPublished, fleet)
        logger.notice(
            "release published",
            metadata: [
                LogKey.fleet.rawValue: "\(fleet)", LogKey.release.rawValue: "\(release.number)",
            ])
    }

    // MARK: Keys

    /// Makes the keys that the fleet and its teams lack, and gives all of them.
    @discardableResult
    func prepareKeys(of fleet: FleetName, now: UTCDate) async throws -> [SealedKey] {
        try await ensureKeys(try await store.state(of: fleet), now: now)
    }

    private func ensureKeys(_ state: FleetState, now: UTCDate) async throws -> [SealedKey] {
        let held = try state.keys.map(SealedKey.init)
        let purposes =
            FleetRole.allCases.map { KeyPurpose.fleet(state.content.id, $0) }
            + state.content.teams.filter { $0.custody == .server }.map { KeyPurpose.team($0.name) }
        let missing = purposes.filter { purpose in !held.contains { $0.purpose == purpose } }
        guard !missing.isEmpty else { return held }
        let made = try missing.map { try SealedKey.generate(for: $0, under: master) }
        try await store.addKeys(try made.map(SealedKeyRecord.init), sealedUnder: master.checkValue, now: now)
        return held + made
    }

    // MARK: Counting

    private func count(_ metric: MetricName, _ fleet: FleetName) {
        Counter(label: metric.rawValue, dimensions: [("fleet", fleet.rawValue)], factory: metrics).increment()
    }

    private func measure(_ duration: Duration, _ fleet: FleetName) {
        let (seconds, attoseconds) = duration.components
        CoreMetrics.Timer(
            label: MetricName.publishDuration.rawValue, dimensions: [("fleet", fleet.rawValue)], factory: metrics
        ).recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
