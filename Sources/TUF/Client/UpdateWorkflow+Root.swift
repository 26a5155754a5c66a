import SigningKeys

/// Steps for the root role. [TUF §5.2, §5.3]
extension UpdateWorkflow {
    /// §5.2: load the trusted root. Its expiry does not matter yet.
    mutating func takeCachedRoot(_ bytes: [UInt8]?) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        if let cached = usable(.root, bytes, { update, bytes throws(TUFError) in try update.cachedRoot(bytes) }) {
            startRoot = cached
            root = cached
            return try fetchNextRoot()
        }
        switch policy.initialRoot {
        case .cached:
            throw healed.last
                ?? TUFError(.wrongRoot, "there is no trusted root", hint: "enrol with a root of the repository")
        case .bytes(let bytes):
            return try takeInitialRoot(bytes)
        case .fingerprint(_, let version):
            let file = MetadataFile(.root, version: version)
            return ask(.fetch(file, maximumBytes: policy.limits.rootBytes), .fetchingInitialRoot)
        }
    }

    /// A cached root was verified before it was stored. Here it must still be whole, of this fleet, and no older
    /// than where trust begins.
    private func cachedRoot(_ bytes: [UInt8]) throws(TUFError) -> SignedMetadata<Root> {
        let cached = try selfSigned(bytes)
        switch policy.initialRoot {
        case .cached: break
        case .bytes(let initial):
            let version = try selfSigned(initial).version
            guard cached.version > version || (cached.version == version && cached.bytes == initial) else {
                throw TUFError(.wrongRoot, "version \(cached.version) is not the configured root or a later one")
            }
        case .fingerprint(let digest, let version):
            guard cached.version > version || (cached.version == version && hasFingerprint(bytes, digest)) else {
                throw TUFError(.wrongRoot, "version \(cached.version) is not the pinned root or a later one")
            }
        }
        return cached
    }

    mutating func takeFetchedInitialRoot(_ bytes: [UInt8]) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        guard case .fingerprint(let digest, let version) = policy.initialRoot else {
            throw TUFError(.misuse, "a root was fetched that nothing pins")
        }
        guard hasFingerprint(bytes, digest) else {
            throw TUFError(
                .wrongRoot, "\(version).root.json does not have the pinned fingerprint",
                hint: "check the repository's address, or ask the fleet's operator for a new join string")
        }
        return try takeInitialRoot(bytes)
    }

    private mutating func takeInitialRoot(_ bytes: [UInt8]) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        do { root = try selfSigned(bytes) } catch { throw error.inside("initial root") }
        return persist(.root, bytes, .persistingInitialRoot)
    }

    private func selfSigned(_ bytes: [UInt8]) throws(TUFError) -> SignedMetadata<Root> {
        let root: SignedMetadata<Root>
        if let known = previous?.root, known.bytes == bytes {
            root = known
        } else {
            let metadata = try UnverifiedMetadata<Root>(bytes, maximumBytes: policy.limits.rootBytes)
            root = try SignedMetadata(selfSigned: metadata)
        }
        try checkFleet(root.content)
        return root
    }

    private func hasFingerprint(_ bytes: [UInt8], _ digest: [UInt8]) -> Bool {
        HashAlgorithm.sha256.digest(of: bytes) == digest
    }

    /// §5.3.2, §5.3.3: try version N+1, up to a number of bytes and of versions.
    mutating func fetchNextRoot() throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let version = try current(root).version
        guard rotations < policy.limits.rootRotations, version < MetadataLimits.maximumVersion else {
            return try endRoots()
        }
        let file = MetadataFile(.root, version: version + 1)
        return ask(.fetch(file, maximumBytes: policy.limits.rootBytes), .fetchingRoot)
    }

    mutating func takeNextRoot(_ event: UpdateEvent) throws(TUFError) -> UpdateAction<UpdateOutcome> {
        if case .notFound = event { return try endRoots() }
        let bytes = try event.fetched(.root)
        guard let trusted = root else { throw TUFError(.misuse, "a root came before the trusted one") }
        let next = trusted.version + 1
        let accepted = try checking(MetadataFile(.root, version: next)) { () throws(TUFError) in
            let metadata = try UnverifiedMetadata<Root>(bytes, maximumBytes: policy.limits.rootBytes)
            // §5.3.4: a threshold of the trusted root's keys and of its own
            let accepted = try trusted.verifySuccessor(metadata)
            // §5.3.5: exactly the next version; the same one again ends the search, a lower one is an attack
            guard accepted.version == next || accepted.version == trusted.version else {
                throw TUFError(
                    accepted.version < next ? .rollback : .versionMismatch, "it has version \(accepted.version)")
            }
            try checkFleet(accepted.content)
            return accepted
        }
        guard accepted.version == next else { return try endRoots() }
        // §5.3.6: expiry of intermediate roots does not matter. §5.3.7, §5.3.8: trust and persist
        root = accepted
        rotations += 1
        return persist(.root, bytes, .persistingRoot)
    }

    /// The end of §5.3. Expiry (§5.3.10) waits for the cached timestamp, whose issue time is the clock's floor.
    private mutating func endRoots() throws(TUFError) -> UpdateAction<UpdateOutcome> {
        let root = try current(root)
        do { try checkMinimum(.root, root.version) } catch { throw error.inside(Role.root.fileName) }
        if let start = startRoot?.content {
            keysWereRotated = start.hasRotated(.timestamp, in: root) || start.hasRotated(.snapshot, in: root)
        }
        return ask(.load(.timestamp, maximumBytes: policy.limits.timestampBytes), .loadingTimestamp)
    }
}

extension Root {
    /// Whether a key that spoke for a role no longer does. Adding a key is not a rotation: what the role signed
    /// before stays good, and dropping it would give up the rollback protection for nothing. [TUF §5.3.11]
    func hasRotated(_ role: TopLevelRole, in new: Root) -> Bool {
        !quorum(for: role).materials.isSubset(of: new.quorum(for: role).materials)
    }
}
