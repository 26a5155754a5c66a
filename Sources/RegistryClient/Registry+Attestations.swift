package import OCI

/// An envelope with a statement about an artifact, as a registry keeps it. Nothing in it is believed.
package struct StoredAttestation: Sendable {
    /// The manifest that leads to it.
    package let manifest: Digest
    package let bytes: [UInt8]
}

/// What a registry keeps about an artifact, as far as it was read.
package struct StoredAttestations: Sendable {
    package fileprivate(set) var found: [StoredAttestation] = []
    /// In words: what lies there and was not read, and why.
    package fileprivate(set) var passed: [String] = []
    fileprivate var bytes = 0

    package init() {}
}

/// How much of what a registry lists about one artifact is read.
package struct AttestationLimits: Sendable {
    /// Manifests that are opened.
    package let manifests: Int
    package let envelopes: Int
    /// Of one envelope.
    package let envelopeBytes: Int
    /// Of all envelopes together.
    package let totalBytes: Int

    package init(manifests: Int = 64, envelopes: Int, envelopeBytes: Int, totalBytes: Int) {
        self.manifests = manifests
        self.envelopes = envelopes
        self.envelopeBytes = envelopeBytes
        self.totalBytes = totalBytes
    }
}

extension Registry {
    /// Envelopes and bundles that lie beside an artifact: those that refer to it, by the referrers API or the tag that
    /// stands for it, and those under cosign's tag for attestations.
    ///
    /// What cannot be had or is too large is passed over, and said; a registry that does not answer, or that lets nobody
    /// in, is an error.
    package func attestations(
        of artifact: Digest, in repository: String, limits: AttestationLimits
    ) async throws -> StoredAttestations {
        var all = StoredAttestations()
        let listed = try await attestationManifests(of: artifact, in: repository, &all)
        for (digest, isReferrer) in listed.prefix(limits.manifests) {
            do {
                let manifest = try Manifest(parsing: try await manifest(digest, of: repository).bytes)
                guard !isReferrer || manifest.subject?.digest == artifact else {
                    all.passed.append("\(digest): it refers to another artifact")
                    continue
                }
                try await read(manifest, digest, of: repository, limits, into: &all)
            } catch { all.passed.append("\(digest): \(try Self.reasonToPass(error))") }
        }
        if listed.count > limits.manifests {
            all.passed.append("\(listed.count - limits.manifests) manifests beyond the first \(limits.manifests)")
        }
        return all
    }

    private func read(
        _ manifest: Manifest, _ digest: Digest, of repository: String, _ limits: AttestationLimits,
        into all: inout StoredAttestations
    ) async throws {
        for layer in manifest.layers where Self.isAttestation(layer.mediaType) {
            guard all.found.count < limits.envelopes else {
                all.passed.append("\(digest): more than \(limits.envelopes) envelopes")
                return
            }
            guard layer.size <= limits.totalBytes - all.bytes else {
                all.passed.append("\(digest): more than \(limits.totalBytes) bytes of envelopes")
                return
            }
            let bytes = try await blob(layer, of: repository, limit: limits.envelopeBytes)
            all.bytes += bytes.count
            all.found.append(StoredAttestation(manifest: digest, bytes: bytes))
        }
    }

    /// Each manifest once, with whether it must refer to the artifact.
    private func attestationManifests(
        of artifact: Digest, in repository: String, _ all: inout StoredAttestations
    ) async throws -> [(digest: Digest, isReferrer: Bool)] {
        var entries = try await referrersByAPI(of: artifact, in: repository)?.filter(Self.mayAttest) ?? []
        if entries.isEmpty {
            entries = try await taggedReferrers(of: artifact, in: repository)?.manifests.filter(Self.mayAttest) ?? []
        }
        var seen: Set<Digest> = []
        var manifests = entries.map(\.digest).filter { seen.insert($0).inserted }.map { ($0, true) }
        let tag = "\(artifact.referrersTag).att"
        do {
            let tagged = try await resolve(tag: tag, in: repository)
            if tagged.mediaType == MediaType.imageManifest, seen.insert(tagged.digest).inserted {
                manifests.append((tagged.digest, false))
            }
        } catch let error as RegistryError where error.code == .notFound {
        } catch { all.passed.append("\(tag): \(try Self.reasonToPass(error))") }
        return manifests
    }

    /// What a list says of a manifest, which may be nothing in particular.
    private static func mayAttest(_ entry: Descriptor) -> Bool {
        guard entry.mediaType == MediaType.imageManifest else { return false }
        guard let type = entry.artifactType else { return true }
        return isAttestation(type) || type == MediaType.imageConfig || type == MediaType.emptyJSON
    }

    private static func isAttestation(_ type: String) -> Bool {
        type == MediaType.statement || type == MediaType.dsseEnvelope || type.hasPrefix(MediaType.sigstoreBundle)
    }

    /// Why one manifest or blob is passed over; what concerns the registry as a whole is thrown again.
    private static func reasonToPass(_ error: any Error) throws -> String {
        switch error {
        case let error as RegistryError where [.notFound, .answer, .limit].contains(error.code): error.reason
        case let error as OCIError: error.reason
        default: throw error
        }
    }
}
