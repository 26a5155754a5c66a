/// Steps for the top-level targets role. [TUF §5.6]
extension UpdateWorkflow {
    mutating func takeCachedTargets(_ bytes: [UInt8]?) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let snapshot = try current(snapshot)
        let cached: SignedMetadata<Targets>? = usable(.targets, bytes) { update, bytes throws(TUFError) in
            try update.verifiedTargets(bytes, root)
        }
        let isListed = cached.map { cached in
            cached.version == snapshot.targets.version && !cached.content.isExpired(at: time)
                && (try? snapshot.targets.check(cached.bytes)) != nil
                && (try? checkMinimum(.targets, cached.version)) != nil
        }
        if isListed == true {
            targets = cached
            return try finish()
        }
        // §5.6.1
        let file = try targetsFile()
        let limit = try bound(snapshot.targets, policy.limits.targetsBytes, file)
        return ask(.fetch(file, maximumBytes: limit), .fetchingTargets)
    }

    mutating func takeTargets(_ bytes: [UInt8]) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        let listed = try current(snapshot).targets
        targets = try checking(try targetsFile()) { () throws(TUFError) in
            // §5.6.2
            try listed.check(bytes)
            // §5.6.3
            let received = try verifiedTargets(bytes, root)
            // §5.6.4
            guard received.version == listed.version else {
                throw TUFError(
                    .versionMismatch, "it has version \(received.version), the snapshot lists \(listed.version)")
            }
            try checkMinimum(.targets, received.version)
            // §5.6.5
            try checkExpiry(received.content)
            return received
        }
        // §5.6.6
        return persist(.targets, bytes, .persistingTargets)
    }

    private func targetsFile() throws(TUFError) -> MetadataFile {
        let isConsistent = try current(root).consistentSnapshot
        return MetadataFile(.targets, version: isConsistent ? try current(snapshot).targets.version : nil)
    }

    private func verifiedTargets(_ bytes: [UInt8], _ root: Root) throws(TUFError) -> SignedMetadata<Targets> {
        let verified: SignedMetadata<Targets>
        if let known = reused(bytes, \.targets, .targets, root) {
            verified = known
        } else {
            let metadata = try UnverifiedMetadata<Targets>(bytes, maximumBytes: policy.limits.listedBytes)
            verified = try root.quorum(for: .targets).verify(metadata)
        }
        try checkFleet(verified.content)
        return verified
    }
}
