import Codecs

/// The client workflow for the top-level roles as a pure state machine. [TUF §5.1 to §5.6]
///
/// It starts from the trusted root, follows its successors and ends with a `TrustedMetadataSet`. Each role is
/// persisted as received once it is verified. Cached files are untrusted input: one that is corrupt, foreign or no
/// longer signed by the right keys counts as absent and is fetched anew.
///
/// Time is fixed at the start [TUF §5.1] with one floor: the issue time that the trusted timestamp carries. A clock
/// that is behind does not bring expired metadata back; rotating the timestamp key resets the floor.
package struct UpdateWorkflow: UpdateMachine {
    package typealias Outcome = UpdateOutcome

    enum Step {
        case begin
        case loadingRoot, fetchingInitialRoot, persistingInitialRoot, fetchingRoot, persistingRoot
        case loadingTimestamp, deletingTimestamp, deletingSnapshot, fetchingTimestamp, persistingTimestamp
        case loadingSnapshot, fetchingSnapshot, persistingSnapshot
        case loadingTargets, fetchingTargets, persistingTargets
        case over
    }

    let policy: UpdatePolicy
    /// The update before, in memory: cached bytes that it verified with the same keys are not verified again.
    let previous: TrustedMetadataSet?
    var step = Step.begin
    /// The given time or the signed issue time, whichever is later.
    var time: UTCDate
    var updated: [Role] = []
    var healed: [TUFError] = []

    /// The cached root the update started from; nil when it started from the initial root.
    var startRoot: SignedMetadata<Root>?
    var root: SignedMetadata<Root>?
    var rotations = 0
    var keysWereRotated = false
    /// Verified by the current root's keys, for rollback checks even when expired.
    var cachedTimestamp: SignedMetadata<Timestamp>?
    var timestamp: SignedMetadata<Timestamp>?
    var cachedSnapshot: SignedMetadata<Snapshot>?
    var snapshot: SignedMetadata<Snapshot>?
    var targets: SignedMetadata<Targets>?

    /// Begins an update. One that knows its predecessor costs next to nothing when nothing is new: it compares the
    /// cached files' bytes with those verified before, instead of reading them.
    package init(_ policy: UpdatePolicy, after previous: TrustedMetadataSet? = nil) {
        self.policy = policy
        self.previous = previous
        time = policy.now
    }

    package mutating func next(_ event: UpdateEvent) -> UpdateAction<UpdateOutcome> {
        do {
            return try advance(event)
        } catch {
            step = .over
            return .failed(error)
        }
    }

    private mutating func advance(_ event: UpdateEvent) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        switch step {
        case .begin:
            guard event == .begin else { throw .unexpected(event, "the beginning") }
            return ask(.load(.root, maximumBytes: policy.limits.rootBytes), .loadingRoot)
        case .loadingRoot: return try takeCachedRoot(event.cached())
        case .fetchingInitialRoot: return try takeFetchedInitialRoot(event.fetched(.root))
        case .persistingInitialRoot, .persistingRoot:
            try event.stored(.root)
            return try fetchNextRoot()
        case .fetchingRoot: return try takeNextRoot(event)
        case .loadingTimestamp: return try takeCachedTimestamp(event.cached())
        case .deletingTimestamp:
            try event.stored(.timestamp)
            return ask(.delete(.snapshot), .deletingSnapshot)
        case .deletingSnapshot:
            try event.stored(.snapshot)
            return fetchTimestamp()
        case .fetchingTimestamp: return try takeTimestamp(event.fetched(.timestamp))
        case .persistingTimestamp:
            try event.stored(.timestamp)
            return try loadSnapshot()
        case .loadingSnapshot: return try takeCachedSnapshot(event.cached())
        case .fetchingSnapshot: return try takeSnapshot(event.fetched(.snapshot))
        case .persistingSnapshot:
            try event.stored(.snapshot)
            return ask(.load(.targets, maximumBytes: policy.limits.listedBytes), .loadingTargets)
        case .loadingTargets: return try takeCachedTargets(event.cached())
        case .fetchingTargets: return try takeTargets(event.fetched(.targets))
        case .persistingTargets:
            try event.stored(.targets)
            return try finish()
        case .over: throw TUFError(.misuse, "the update is over")
        }
    }

    mutating func ask(_ request: UpdateRequest, _ next: Step) -> UpdateAction<UpdateOutcome> {
        step = next
        return .request(request)
    }

    mutating func persist(_ role: Role, _ bytes: [UInt8], _ next: Step) -> UpdateAction<UpdateOutcome> {
        updated.append(role)
        return ask(.persist(role, bytes), next)
    }

    mutating func finish() throws(TUFError) -> UpdateAction<UpdateOutcome> {
        guard let root, let timestamp, let snapshot, let targets else {
            throw TUFError(.misuse, "the update ended before every role was taken")
        }
        step = .over
        let trusted = TrustedMetadataSet(
            root: root, timestamp: timestamp, snapshot: snapshot, targets: targets, time: time)
        return .done(UpdateOutcome(trusted: trusted, updated: updated, healed: healed))
    }

    func current<Content>(_ metadata: SignedMetadata<Content>?) throws(TUFError) -> Content {
        guard let metadata else { throw TUFError(.misuse, "a step came before \(Content.type) was taken") }
        return metadata.content
    }

    /// The fleet's name in `x-roadstead`, where one is expected.
    func checkFleet(_ content: some RoleMetadata) throws(TUFError) {
        guard let expected = policy.expectedFleet else { return }
        guard let stamp = content.stamp else {
            throw TUFError(.wrongFleet, "it names no fleet, \"\(expected)\" is expected")
        }
        guard stamp.fleet.utf8.elementsEqual(expected.utf8) else {
            throw TUFError(
                .wrongFleet, "it belongs to the fleet \"\(stamp.fleet.prefix(80))\", not to \"\(expected)\"",
                hint: "check the repository's address and the join string")
        }
    }

    func checkMinimum(_ role: TopLevelRole, _ version: Int64) throws(TUFError) {
        guard let minimum = policy.minimumVersions[role], version < minimum else { return }
        throw TUFError(.rollback, "it has version \(version), this host takes no version below \(minimum)")
    }

    func checkExpiry(_ content: some RoleMetadata) throws(TUFError) {
        guard content.isExpired(at: time) else { return }
        throw TUFError(.expired, "it expired at \(content.expires), the time of the update is \(time)")
    }

    /// Runs checks on a cached file: a failure is noted and makes the file absent, it does not stop the update.
    mutating func usable<Content>(
        _ role: Role, _ bytes: [UInt8]?,
        _ check: (UpdateWorkflow, [UInt8]) throws(TUFError) -> SignedMetadata<Content>
    ) -> SignedMetadata<Content>? {
        guard let bytes else { return nil }
        do { return try check(self, bytes) } catch {
            healed.append(error.inside("cached \(role.fileName)"))
            return nil
        }
    }
}

extension UpdateWorkflow {
    /// Metadata that the update before verified, if the bytes are the same and so are the keys that speak for it.
    func reused<Content>(
        _ bytes: [UInt8], _ known: KeyPath<TrustedMetadataSet, SignedMetadata<Content>>, _ role: TopLevelRole,
        _ root: Root
    ) -> SignedMetadata<Content>? {
        guard let previous, previous[keyPath: known].bytes == bytes,
            previous.root.content.quorum(for: role) == root.quorum(for: role)
        else { return nil }
        return previous[keyPath: known]
    }
}

/// Runs checks with the file they are about in the error.
func checking<Value>(_ file: MetadataFile, _ body: () throws(TUFError) -> Value) throws(TUFError) -> Value {
    do { return try body() } catch { throw error.inside(file.path) }
}

extension UpdateEvent {
    /// The bytes of a cached file; a file that cannot be read counts as absent.
    func cached() throws(TUFError) -> [UInt8]? {
        switch self {
        case .bytes(let bytes): return bytes
        case .notFound, .failed: return nil
        case .begin, .done: throw .unexpected(self, "a cached file")
        }
    }

    /// The bytes of a file that the repository must have.
    func fetched(_ role: Role) throws(TUFError) -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .notFound: throw TUFError(.notFound, "the repository does not have the file of \(role) that it lists")
        case .failed(let reason): throw TUFError(.unavailable, "fetching \(role): \(reason)")
        case .begin, .done: throw .unexpected(self, "a fetched file")
        }
    }

    func stored(_ role: Role) throws(TUFError) {
        switch self {
        case .done: return
        case .failed(let reason): throw TUFError(.unavailable, "storing \(role): \(reason)")
        default: throw .unexpected(self, "the end of writing or deleting")
        }
    }
}

extension TUFError {
    static func unexpected(_ event: UpdateEvent, _ wanted: String) -> TUFError {
        let kind =
            switch event {
            case .begin: "begin"
            case .bytes: "bytes"
            case .notFound: "not found"
            case .done: "done"
            case .failed: "failed"
            }
        return TUFError(.misuse, "the event \"\(kind)\" came where \(wanted) belongs")
    }
}
