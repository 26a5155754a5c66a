/// Steps for the timestamp role. [TUF §5.3.10, §5.3.11, §5.4]
extension UpdateWorkflow {
    mutating func takeCachedTimestamp(_ bytes: [UInt8]?) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let cached = usable(.timestamp, bytes) { update, bytes throws(TUFError) in
            try update.verifiedTimestamp(bytes, root)
        }
        // The clock's floor; a rotated timestamp key takes it away with what it signed.
        let floorIsReset = startRoot?.content.hasRotated(.timestamp, in: root) ?? false
        if let issued = cached?.content.stamp?.issued, !floorIsReset { time = max(time, issued) }
        // §5.3.10: the trusted root must not have expired
        do { try checkExpiry(root) } catch { throw error.inside(Role.root.fileName) }
        // §5.3.11: recover from fast-forward attacks. An update that is killed before this is healed all the same:
        // a cached file counts only when the new root's keys have signed it.
        if keysWereRotated { return ask(.delete(.timestamp), .deletingTimestamp) }
        cachedTimestamp = cached
        return fetchTimestamp()
    }

    /// §5.4.1
    mutating func fetchTimestamp() -> UpdateAction<UpdateOutcome> {
        let file = MetadataFile(.timestamp, version: nil)
        return ask(.fetch(file, maximumBytes: policy.limits.timestampBytes), .fetchingTimestamp)
    }

    mutating func takeTimestamp(_ bytes: [UInt8]) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let received = try checking(MetadataFile(.timestamp, version: nil)) { () throws(TUFError) in
            // §5.4.2
            let received = try verifiedTimestamp(bytes, root)
            try checkMinimum(.timestamp, received.version)
            // §5.4.3
            if let cachedTimestamp { try Self.checkRollback(from: cachedTimestamp.content, to: received.content) }
            return received
        }
        // §5.4.3.1: an equal version changes nothing; the bytes that are trusted stay
        let isNew = cachedTimestamp.map { $0.version < received.version } ?? true
        let accepted = isNew ? received : cachedTimestamp ?? received
        if let issued = accepted.content.stamp?.issued { time = max(time, issued) }
        // §5.4.4
        try checking(MetadataFile(.timestamp, version: nil)) { () throws(TUFError) in
            try checkExpiry(accepted.content)
        }
        timestamp = accepted
        // §5.4.5
        return isNew ? persist(.timestamp, bytes, .persistingTimestamp) : try loadSnapshot()
    }

    private func verifiedTimestamp(_ bytes: [UInt8], _ root: Root) throws(TUFError) -> SignedMetadata<Timestamp> {
        let verified: SignedMetadata<Timestamp>
        if let known = reused(bytes, \.timestamp, .timestamp, root) {
            verified = known
        } else {
            let metadata = try UnverifiedMetadata<Timestamp>(bytes, maximumBytes: policy.limits.timestampBytes)
            verified = try root.quorum(for: .timestamp).verify(metadata)
        }
        try checkFleet(verified.content)
        return verified
    }

    private static func checkRollback(from old: Timestamp, to new: Timestamp) throws(TUFError) {
        // §5.4.3.1
        guard new.version >= old.version else {
            throw TUFError(.rollback, "it has version \(new.version), version \(old.version) is trusted already")
        }
        guard new.version > old.version else { return }
        // §5.4.3.2
        guard new.snapshot.version >= old.snapshot.version else {
            throw TUFError(
                .rollback,
                "it lists snapshot \(new.snapshot.version), snapshot \(old.snapshot.version) was listed already")
        }
    }
}
