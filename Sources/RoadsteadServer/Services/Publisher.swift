import Codecs
import CoreMetrics
import Logging
import Observability
import Problems
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
    let keys: ServerKeys
    let logger: Logger
    let metrics: any MetricsFactory
    /// What this server has published, as its disk remembers it.
    var disk: PublishedDirectory?

    var master: MasterKey { keys.master }

    /// Everything that is ready, for every fleet; one fleet's trouble does not stop the others.
    func publishAll(now: UTCDate) async throws {
        var failure: (any Error)?
        do {
            _ = try await bringInChanges(now: now)
            try await measureReviews(now: now)
            try await store.expireRoleDrafts(now: now)
            try await store.expireCeremonies(now: now)
            try await store.endExceptions(now: now)
        } catch {
            // Timestamps are renewed whatever becomes of the changes.
            failure = error
        }
        let fleets = try await store.fleets()
        for fleet in fleets {
            do {
                _ = try await publish(fleet, now: now)
            } catch {
                count(.publisherFailures, fleet)
                failure = failure ?? error
            }
        }
        try await measureHalts(fleets)
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
        var settled = try await endAnchors(now: now)
        for outcome in try await store.publishApprovedChanges(now: now) {
            if case .failed(let number, let reason) = outcome {
                logger.error(
                    "a change cannot take effect, and is tried again",
                    metadata: [LogKey.change.rawValue: "C-\(number)", LogKey.reason.rawValue: "\(reason)"])
                continue
            }
            logger.info("change settled", metadata: [LogKey.change.rawValue: "\(outcome)"])
            settled += 1
        }
        return settled
    }

    /// - Returns: false when another publisher holds the fleet.
    private func publish(_ fleet: FleetName, now: UTCDate) async throws -> Bool {
        let done: Bool? = try await store.withPublishingLock(fleet) {
            let start = ContinuousClock.now
            let mark = disk?.mark(of: fleet)
            var state = try await store.state(of: fleet)
            if try await isHalted(state, mark: mark, now: now) { return true }
            if let unfinished = state.unfinished, unfinished.state == .signed {
                try await store.recordPublished(unfinished.number, of: fleet, now: now)
                state = try await store.state(of: fleet)
            }
            guard !state.roots.isEmpty || state.pendingRoot != nil else { return true }
            let keys = try await ensureKeys(state, now: now)
            if try await tendRoleDrafts(state, keys, now: now) { state = try await store.state(of: fleet) }
            guard let release = try await release(state, now: now) else { return true }
            if release.kind != .timestamp { measure(ContinuousClock.now - start, fleet) }
            return true
        }
        return done ?? false
    }

    /// Makes and records what comes next. What a closed ceremony signed comes first; when that cannot come out, its
    /// holders are told why, and everything else goes on without it.
    private func release(_ state: FleetState, now: UTCDate) async throws -> BuiltRelease? {
        guard let pending = state.pending else { return try await plainRelease(state, now: now) }
        do {
            let built = try await build(state, try await ensureKeys(state, now: now), now: now)
            if let release = built.release, takesIn(pending, release, state) {
                if let plan = built.plan { await keepNote(of: plan, state, now: now) }
                try await record(release, state, ceremony: pending.id, now: now)
                return release
            }
            let waiting = built.plan?.waiting ?? []
            let said = waiting.isEmpty ? ["no release came of it"] : waiting
            try await note(said.joined(separator: "; "), pending, state, now: now)
        } catch let error as StoreError where error.code == .fence {
            throw error
        } catch {
            try await note(Self.reason(for: error), pending, state, now: now)
        }
        // Read anew: keys may have been made on the way.
        return try await plainRelease(try await store.state(of: state.content.fleet).withoutPending, now: now)
    }

    private func plainRelease(_ state: FleetState, now: UTCDate) async throws -> BuiltRelease? {
        guard !state.roots.isEmpty else { return nil }
        let built = try await build(state, try await ensureKeys(state, now: now), now: now)
        guard let release = built.release else { return nil }
        try await record(release, state, now: now)
        return release
    }

    /// Ends a ceremony that has been overtaken for good; of another, keeps why it cannot come out yet.
    private func note(_ reason: String, _ pending: PendingCeremony, _ state: FleetState, now: UTCDate) async throws {
        let fleet = state.content.fleet
        if let moved = try await store.voidIfMoved(pending.id, in: fleet, now: now) {
            logger.error(
                "what a ceremony signed was overtaken; it is void",
                metadata: [LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(moved)"])
            return
        }
        guard try await store.noteTrouble(reason, ceremony: pending.id, in: fleet, now: now) else { return }
        logger.error(
            "what a ceremony signed cannot be published",
            metadata: [LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(reason)"])
    }

    /// Whether a release is the one that brings out what a ceremony signed.
    private func takesIn(_ pending: PendingCeremony, _ release: BuiltRelease, _ state: FleetState) -> Bool {
        guard release.kind != .timestamp else { return false }
        if let root = pending.root, release.state.roots.last != root { return false }
        return pending.versions["targets"] == nil || release.state.targets == state.signedTargets?.bytes
    }

    /// What to tell of a failure: never more than the error itself says in public.
    static func reason(for error: any Error) -> String {
        guard let problem = error as? any Problem else { return "the server failed; its log tells more" }
        return problem.hint.map { "\(problem.reason) (\($0))" } ?? problem.reason
    }

    // MARK: Building

    /// What a pending ceremony comes to is no news of the fleet before it is recorded: its note is left to the caller.
    private func build(
        _ state: FleetState, _ keys: [ServerKey], now: UTCDate
    ) async throws -> (release: BuiltRelease?, plan: ReleasePlan?) {
        let isTrial = state.pending != nil && !state.roots.isEmpty
        let published = PublishedState(state)
        do {
            return try await planAndBuild(state, keys, isTrial: isTrial, now: now)
        } catch {
            if !isTrial { await keepNote(of: nil, failure: error, state, now: now) }
            guard state.current["timestamp"] != nil, isDue(published.timestamp, state.content.profile, now) else {
                throw error
            }
            logger.error(
                "the release cannot be made; the timestamp is renewed over the last one",
                metadata: [
                    LogKey.fleet.rawValue: "\(state.content.fleet)", LogKey.reason.rawValue: "\(error)",
                ])
            let builder = ReleaseBuilder(keys: try open(keys, of: state), anchorLabel: Self.anchorLabel)
            return (try await builder.resignTimestamp(of: state.content, published, now: now), nil)
        }
    }

    /// Plans a release and builds it; once more without a team's key, or a former one, that turns out to be unusable on
    /// the way. Each such key is left out from then on, so that this ends.
    private func planAndBuild(
        _ state: FleetState, _ keys: [ServerKey], isTrial: Bool, now: UTCDate
    ) async throws -> (release: BuiltRelease?, plan: ReleasePlan?) {
        var usable = try open(keys, of: state)
        while true {
            let builder = ReleaseBuilder(keys: usable, anchorLabel: Self.anchorLabel)
            do {
                let plan = try builder.plan(
                    state.content, after: PublishedState(state), audit: state.auditHead, now: now)
                if !isTrial { await keepNote(of: plan, state, now: now) }
                let old = try await files(plan.oldTargetPaths, of: state)
                return (try await builder.build(plan, oldTargets: old), plan)
            } catch let error as PublishError where error.code == .keyUnavailable || error.code == .keyName {
                let rest = try open(keys, of: state)
                guard rest.count < usable.count else { throw error }
                usable = rest
            }
        }
    }

    /// The keys of a fleet, ready to sign.
    func open(_ keys: [ServerKey], of state: FleetState) throws -> FleetKeys {
        try FleetKeys(
            fleet: state.content.id, opening: keys, teamQuorums: Self.quorums(of: state),
            former: try state.formerKeys.map(ServerKey.init), handingBack: state.handingBack, with: self.keys)
    }

    func files(_ paths: [String], of state: FleetState) async throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for path in paths { files[path] = try await store.files.file(path, of: state.content.fleet)?.bytes }
        return files
    }

    /// Whether the timestamp is old enough to be signed again.
    private func isDue(_ timestamp: [UInt8]?, _ profile: FleetProfile, _ now: UTCDate) -> Bool {
        guard let expires = timestamp.flatMap(Self.expiry) else { return false }
        let lifetime = profile.lifetimes.timestamp
        return expires.seconds - now.seconds <= lifetime.seconds - lifetime.renewAfter
    }

    // MARK: Recording

    private func record(
        _ release: BuiltRelease, _ state: FleetState, ceremony: Int64? = nil, now: UTCDate
    ) async throws {
        let fleet = release.fleet
        var files = release.files.map { NewFile(path: $0.path, bytes: $0.bytes, role: $0.role, version: $0.version) }
        if ceremony != nil, let first = state.firstRoot { files.insert(first, at: 0) }
        guard release.kind != .timestamp else {
            for file in files { try await store.recordTimestamp(file, of: fleet, now: now) }
            count(.timestampsSigned, fleet)
            return
        }
        let numbers = try await contentNumbers(of: release, state)
        try await store.recordSigned(
            NewRelease(
                number: release.number, kind: release.kind == .renewal ? .renewal : .release,
                previousDigest: state.last?.digest, difference: release.difference, changes: state.changes,
                held: release.held.map(\.team)),
            of: fleet, digest: release.snapshotSHA256, files: files,
            teamRoles: release.teamRoles.map {
                TeamRoleRecord(
                    team: $0.team, version: $0.version, bytes: $0.bytes, contentNumber: numbers[$0.team])
            }, ceremony: ceremony, now: now)
        try await store.recordPublished(release.number, of: fleet, now: now)
        count(.releasesPublished, fleet)
        logger.notice(
            "release published",
            metadata: [
                LogKey.fleet.rawValue: "\(fleet)", LogKey.release.rawValue: "\(release.number)",
            ])
    }

    /// What the team roles of a release say: the content that the fleet takes, and of a held team what is out.
    private func contentNumbers(of release: BuiltRelease, _ state: FleetState) async throws -> [TeamName: Int64] {
        var numbers = state.contentNumbers
        for team in release.held.map(\.team) where release.teamRoles.contains(where: { $0.team == team }) {
            numbers[team] = try await store.publishedContent(of: team, in: release.fleet)
        }
        return numbers
    }

    // MARK: Keys

    /// Makes the keys that the fleet and its teams lack, and gives all that are in force.
    ///
    /// - Parameters:
    ///   - targetsOnline: whether the fleet needs a key for its targets; what its root says unless given.
    ///   - fresh: roles whose keys were made for a ceremony: none in force is made beside those that wait.
    @discardableResult
    func prepareKeys(
        of fleet: FleetName, targetsOnline: Bool? = nil, besides fresh: Set<FleetRole> = [], now: UTCDate
    ) async throws -> [ServerKey] {
        let state = try await store.state(of: fleet).withoutPending
        return try await ensureKeys(state, targetsOnline: targetsOnline, besides: fresh, now: now)
    }

    private func ensureKeys(
        _ state: FleetState, targetsOnline: Bool? = nil, besides fresh: Set<FleetRole> = [], now: UTCDate
    ) async throws -> [ServerKey] {
        let held = try state.keys.map(ServerKey.init)
        let online = try targetsOnline ?? state.targetsOnline
        let purposes =
            FleetRole.allCases.filter { ($0 != .targets || online) && !fresh.contains($0) }.map {
                KeyPurpose.fleet(state.content.id, $0)
            }
            + state.content.teams.filter { $0.custody == .server }.map { KeyPurpose.team($0.name) }
        let missing = purposes.filter { purpose in !held.contains { $0.purpose == purpose } }
        guard !missing.isEmpty else { return held }
        let made = try await make(missing, in: state.content.fleet)
        guard !made.isEmpty else { return held }
        do {
            try await store.addKeys(try made.map(ServerKeyRecord.init), sealedUnder: master.checkValue, now: now)
        } catch let error as StoreError where error.code == .conflict {
            // Another replica made them at the same time: its keys are as good.
            let present = try await store.state(of: state.content.fleet).keys.map(ServerKey.init)
            guard made.allSatisfy({ key in present.contains { $0.purpose == key.purpose } }) else { throw error }
            return held + present.filter { missing.contains($0.purpose) }
        }
        return held + made
    }

    /// What a ceremony starts from: the published state, whatever an earlier ceremony has signed beside it.
    func stateForCeremony(of fleet: FleetName) async throws -> FleetState {
        let state = try await store.state(of: fleet)
        guard state.unfinished == nil else {
            throw ServerError(
                .unavailable, "a release of fleet \(fleet) is being published", hint: "try again in a few seconds")
        }
        return state.withoutPending
    }

    /// Makes keys that serve only once a ceremony that names them has closed.
    func makeKeys(_ roles: Set<FleetRole>, for state: FleetState, now: UTCDate) async throws -> [ServerKey] {
        guard !roles.isEmpty else { return [] }
        let purposes = roles.sorted { $0.rawValue < $1.rawValue }.map { KeyPurpose.fleet(state.content.id, $0) }
        let made = try await make(purposes, in: state.content.fleet)
        try await store.addKeys(
            try made.map(ServerKeyRecord.init), sealedUnder: master.checkValue, awaitingCeremony: true, now: now)
        return made
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
