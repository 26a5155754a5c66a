package import OCI

extension Registry {
    /// Most pages of the referrers API that are read.
    private static let maximumPages = 20

    /// The signature manifests that refer to an artifact, each once, at most `limit`. What is listed and is not there,
    /// or is no manifest, says nothing of the others.
    package func signatures(
        of artifact: Descriptor, in repository: String, limit: Int = Registry.maximumSignatures
    ) async throws -> [SignatureManifest] {
        var seen: Set<Digest> = []
        var found: [SignatureManifest] = []
        for entry in try await referrers(of: artifact, in: repository) {
            // What is said to be of another kind need not be looked at.
            guard entry.mediaType == MediaType.imageManifest,
                entry.artifactType.map({ $0 == MediaType.notationSignature }) ?? true,
                seen.insert(entry.digest).inserted
            else { continue }
            guard seen.count <= limit else { break }
            guard let (bytes, descriptor) = try await manifestIfAny(entry.digest, of: repository),
                let manifest = try? Manifest(parsing: bytes), manifest.isNotationSignature,
                manifest.subject?.digest == artifact.digest
            else { continue }
            found.append(SignatureManifest(descriptor: descriptor, manifest: manifest))
        }
        return found
    }

    private func manifestIfAny(
        _ digest: Digest, of repository: String
    ) async throws -> (bytes: [UInt8], descriptor: Descriptor)? {
        do { return try await manifest(digest, of: repository) } catch let error as RegistryError
            where [.notFound, .answer, .limit].contains(error.code)
        { return nil }
    }

    /// Whether a signature is found from its artifact, as verifiers look for it.
    package func lists(
        _ signature: Descriptor, of artifact: Descriptor, in repository: String
    ) async throws -> Bool {
        try await referrers(of: artifact, in: repository).contains { $0.digest == signature.digest }
    }

    /// By the referrers API; by the tag where the registry has none, or its API lists nothing.
    /// ["Listing Referrers", "Referrers Tag Schema"]
    private func referrers(of artifact: Descriptor, in repository: String) async throws -> [Descriptor] {
        let listed = try await referrersByAPI(of: artifact.digest, in: repository, type: MediaType.notationSignature)
        if let listed, !listed.isEmpty { return listed }
        return try await taggedReferrers(of: artifact.digest, in: repository)?.manifests ?? []
    }

    /// nil where there is no such API.
    ///
    /// - Parameter type: what is asked for; the registry may list others all the same.
    func referrersByAPI(
        of artifact: Digest, in repository: String, type: String? = nil
    ) async throws -> [Descriptor]? {
        var path = "referrers/\(artifact)" + (type.map { "?artifactType=\($0)" } ?? "")
        var entries: [Descriptor] = []
        for _ in 1...Self.maximumPages {
            let asked = path
            let page = try await readOrigin(
                repository, { _ in asked }, accept: MediaType.imageIndex, limit: OCILimit.indexBytes
            ) { answer, endpoint -> ReferrersPage? in
                if answer.status == 404 { return nil }
                guard answer.status == 200 else {
                    throw endpoint.refusal(answer, "the referrers of \(artifact)")
                }
                return ReferrersPage(
                    entries: try Index(parsing: answer.body).manifests,
                    next: try Self.next(answer, endpoint, repository))
            }
            guard let page else { return nil }
            entries += page.entries
            guard let next = page.next, entries.count < 10_000 else { return entries }
            path = next
        }
        return entries
    }

    private struct ReferrersPage: Sendable {
        let entries: [Descriptor]
        let next: String?
    }

    /// What follows this repository's address in `Link: <…>; rel="next"`; an address elsewhere is refused.
    private static func next(
        _ answer: RegistryAnswer, _ endpoint: RegistryEndpoint, _ repository: String
    ) throws(RegistryError) -> String? {
        guard let link = answer.header("Link"), link.hasPrefix("<"), link.contains("rel=\"next\""),
            let end = link.firstIndex(of: ">")
        else { return nil }
        let target = String(link[link.index(after: link.startIndex)..<end])
        let url = try endpoint.ownURL(target, what: "the next page of referrers")
        let base = endpoint.address.url("/v2/\(repository)/")
        guard url.hasPrefix(base) else {
            throw RegistryError(.address, "\(endpoint.host) names \(url.prefix(200)) for the next page of referrers")
        }
        return String(url.dropFirst(base.count))
    }

    /// The index under the tag that lists an artifact's referrers; nil where there is none.
    func taggedReferrers(of digest: Digest, in repository: String) async throws -> Index? {
        try await readOrigin(
            repository, { _ in "manifests/\(digest.referrersTag)" }, accept: MediaType.imageIndex,
            limit: OCILimit.indexBytes
        ) { answer, endpoint in
            if answer.status == 404 { return nil }
            guard answer.status == 200 else { throw endpoint.refusal(answer, "the referrers of \(digest)") }
            return try Index(parsing: answer.body)
        }
    }
}
