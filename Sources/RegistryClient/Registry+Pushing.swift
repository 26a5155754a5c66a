package import OCI

extension Registry {
    /// Rounds in which an artifact's list of signatures is read, changed and read again.
    private static let maximumRounds = 8

    /// Puts a signature beside an artifact: blobs first, then the manifest, then, where the registry does not keep the
    /// list of referrers itself, the list. Doing it again is harmless.
    package func attach(_ signature: NewSignature, to artifact: Descriptor, in repository: String) async throws {
        pushed.formUnion(signature.blobs.map { Digest(of: $0) } + [signature.descriptor.digest])
        for blob in signature.blobs { try await push(blob: blob, to: repository) }
        let keepsReferrers = try await push(signature: signature, of: artifact, to: repository)
        if !keepsReferrers { try await list(signature, of: artifact, in: repository) }
    }

    /// Puts a blob into a repository.
    func push(blob: [UInt8], to repository: String) async throws {
        let digest = Digest(of: blob)
        let known = placed[digest]
        guard known != repository else { return }
        _ = try await BlobUpload(endpoint: origin, repository: repository, blob: blob, digest: digest).run(from: known)
        placed[digest] = repository
    }

    /// Whether the registry says that it keeps the list of referrers. ["Pushing Manifests with Subject"]
    private func push(signature: NewSignature, of artifact: Descriptor, to repository: String) async throws -> Bool {
        let answer = try await put(
            signature.manifest, MediaType.imageManifest, as: signature.descriptor.digest.description, repository)
        try Self.checkSaid(signature.descriptor.digest, answer, origin)
        guard let subject = answer.header("OCI-Subject") else { return false }
        guard subject == artifact.digest.description else {
            throw RegistryError(
                .answer, "\(host) took a signature of \(artifact.digest) for one of \(subject.prefix(160))")
        }
        return true
    }

    private func put(
        _ bytes: [UInt8], _ type: String, as name: String, _ repository: String
    ) async throws -> RegistryAnswer {
        let url = origin.address.url("/v2/\(repository)/manifests/\(name)")
        let answer = try await origin.exchange(
            RegistryRequest(method: .put, url: url, headers: [("Content-Type", type)], body: bytes[...]),
            .push(repository))
        guard answer.status == 201 else { throw origin.refusal(answer, "a manifest in \(repository)") }
        return answer
    }

    /// Adds a signature to the index under the artifact's tag. Registries have no way to change it only if nobody else
    /// has, so it is read again until the entry is found in it.
    private func list(_ signature: NewSignature, of artifact: Descriptor, in repository: String) async throws {
        for round in 1...Self.maximumRounds {
            let index = try await taggedReferrers(of: artifact.digest, in: repository) ?? Index()
            if index.entry(for: signature.descriptor.digest) != nil { return }
            _ = try await put(
                index.appending(signature.listed).bytes, MediaType.imageIndex, as: artifact.digest.referrersTag,
                repository)
            let after = try await taggedReferrers(of: artifact.digest, in: repository)
            if after?.entry(for: signature.descriptor.digest) != nil { return }
            try await Task.sleep(for: .milliseconds(Int.random(in: 10...(60 * round))))
        }
        throw RegistryError(
            .race, "others keep changing the list of signatures of \(artifact.digest) on \(host)",
            hint: "sign again: what is there already is left as it is")
    }
}
