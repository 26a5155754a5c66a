/// Steps for the snapshot role. [TUF §5.5]
extension UpdateWorkflow {
    mutating func loadSnapshot() throws(TUFError) -> UpdateAction<UpdateOutcome> {
        guard !keysWereRotated else { return try fetchSnapshot() }
        return ask(.load(.snapshot, maximumBytes: policy.limits.listedBytes), .loadingSnapshot)
    }

    /// A cached snapshot serves rollback checks once it is verified; it is the current one if the timestamp says so.
    mutating func takeCachedSnapshot(_ bytes: [UInt8]?) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let listed = try current(timestamp).snapshot
        cachedSnapshot = usable(.snapshot, bytes) { update, bytes throws(TUFError) in
            try update.verifiedSnapshot(bytes, root)
        }
        guard let cached = cachedSnapshot, cached.version == listed.version, !cached.content.isExpired(at: time) else {
            return try fetchSnapshot()
        }
        do { try listed.check(cached.bytes) } catch { return try fetchSnapshot() }
        do { try checkMinimum(.snapshot, cached.version) } catch { return try fetchSnapshot() }
        snapshot = cached
        return ask(.load(.targets, maximumBytes: policy.limits.listedBytes), .loadingTargets)
    }

    /// §5.5.1
    private mutating func fetchSnapshot() throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let file = try snapshotFile()
        let limit = try bound(try current(timestamp).snapshot, policy.limits.snapshotBytes, file)
        return ask(.fetch(file, maximumBytes: limit), .fetchingSnapshot)
    }

    mutating func takeSnapshot(_ bytes: [UInt8]) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let listed = try current(timestamp).snapshot
        let file = try snapshotFile()
        snapshot = try checking(file) { () throws(TUFError) in
            // §5.5.2
            try listed.check(bytes)
            // §5.5.3
            let received = try verifiedSnapshot(bytes, root)
            // §5.5.4
            guard received.version == listed.version else {
                throw TUFError(
                    .versionMismatch, "it has version \(received.version), the timestamp lists \(listed.version)")
            }
            try checkMinimum(.snapshot, received.version)
            // §5.5.5
            if let cachedSnapshot { try received.content.checkRollback(from: cachedSnapshot.content) }
            // §5.5.6
            try checkExpiry(received.content)
            return received
        }
        // §5.5.7
        return persist(.snapshot, bytes, .persistingSnapshot)
    }

    /// How many bytes of a listed file to take: its length where one is listed, else a limit of ours.
    func bound(_ listed: MetaFile, _ limit: Int, _ file: MetadataFile) throws(TUFError) -> Int {
        try policy.limits.bound(listed, limit, file)
    }

    private func snapshotFile() throws(TUFError) -> MetadataFile {
        let isConsistent = try current(root).consistentSnapshot
        return MetadataFile(.snapshot, version: isConsistent ? try current(timestamp).snapshot.version : nil)
    }

    private func verifiedSnapshot(_ bytes: [UInt8], _ root: Root) throws(TUFError) -> SignedMetadata<Snapshot> {
        let verified: SignedMetadata<Snapshot>
        if let known = reused(bytes, \.snapshot, .snapshot, root) {
            verified = known
        } else {
            let metadata = try UnverifiedMetadata<Snapshot>(bytes, maximumBytes: policy.limits.listedBytes)
            verified = try root.quorum(for: .snapshot).verify(metadata)
        }
        try checkFleet(verified.content)
        return verified
    }
}

extension Snapshot {
    /// No listed version may go down and no role may disappear. [TUF §5.5.5]
    func checkRollback(from old: Snapshot) throws(TUFError) {
        guard targets.version >= old.targets.version else {
            throw TUFError(
                .rollback, "it lists targets \(targets.version), targets \(old.targets.version) was listed already")
        }
        for (name, file) in old.delegated {
            guard let new = delegated[name] else {
                throw TUFError(.rollback, "it no longer lists the role \"\(name)\"")
            }
            guard new.version >= file.version else {
                throw TUFError(
                    .rollback, "it lists \(name) \(new.version), version \(file.version) was listed already")
            }
        }
    }
}

extension MetadataLimits {
    /// How many bytes of a listed file to take: its length where one is listed, else a limit of ours.
    func bound(_ listed: MetaFile, _ limit: Int, _ file: MetadataFile) throws(TUFError) -> Int {
        let length = listed.length ?? limit
        guard length <= listedBytes else {
            throw TUFError(.tooLarge, "\(file) is listed with \(length) bytes, at most \(listedBytes) are taken")
        }
        return length
    }
}
