import OCI

/// Puts one blob into a repository: not at all where it is there already, taken over from another repository where the
/// registry can, in one piece when it is small, in chunks when it is not. After a cut the registry is asked how much it
/// has, and gets the rest. [OCI distribution specification, "Push"]
struct BlobUpload {
    enum Outcome: Sendable, Equatable { case existed, mounted, uploaded }

    let endpoint: RegistryEndpoint
    let repository: String
    let blob: [UInt8]
    let digest: Digest

    /// Larger blobs go in chunks of this size.
    static let chunkBytes = 1 << 20
    /// Uploads that are begun for one blob: a registry may forget one.
    private static let maximumSessions = 3

    private var access: RegistryAccess { .push(repository) }

    /// - Parameter source: another repository of this registry that holds the blob.
    func run(from source: String?) async throws -> Outcome {
        if try await exists() { return .existed }
        for _ in 1...Self.maximumSessions {
            guard let location = try await begin(from: source) else { return .mounted }
            if try await send(to: location) { return .uploaded }
            // What was cut may have arrived all the same.
            if try await exists() { return .uploaded }
        }
        throw RegistryError(
            .unreachable, "\(endpoint.host) took no blob \(digest) in \(Self.maximumSessions) uploads",
            hint: "try again later")
    }

    private func exists() async throws -> Bool {
        let url = endpoint.address.url("/v2/\(repository)/blobs/\(digest)")
        let answer = try await endpoint.exchange(RegistryRequest(method: .head, url: url), access)
        switch answer.status {
        case 200:
            if let length = answer.header("Content-Length"), length != String(blob.count) {
                throw RegistryError(.answer, "\(endpoint.host) has \(length) bytes as \(digest), not \(blob.count)")
            }
            return true
        case 404: return false
        default: throw endpoint.refusal(answer, "the blob \(digest)")
        }
    }

    /// The address of a new upload; nil where the blob was taken over.
    private func begin(from source: String?) async throws -> String? {
        let start = endpoint.address.url("/v2/\(repository)/blobs/uploads/")
        if let source {
            let request = RegistryRequest(method: .post, url: "\(start)?mount=\(digest)&from=\(source)")
            let answer = try await endpoint.exchange(request, .push(repository, from: source))
            if answer.status == 201 { return nil }
            if answer.status == 202 { return try endpoint.ownURL(answer.header("Location"), what: "the upload") }
        }
        let answer = try await endpoint.exchange(RegistryRequest(method: .post, url: start), access)
        guard answer.status == 202 else { throw endpoint.refusal(answer, "an upload to \(repository)") }
        return try endpoint.ownURL(answer.header("Location"), what: "the upload")
    }

    /// False where the registry has lost the upload, or the answer was cut off.
    private func send(to location: String) async throws -> Bool {
        var location = location
        if blob.count > Self.chunkBytes {
            guard let last = try await sendChunks(to: location) else { return false }
            location = last
        }
        let rest = blob.count > Self.chunkBytes ? [] : blob[...]
        let url = location + (location.contains("?") ? "&" : "?") + "digest=\(digest)"
        let request = RegistryRequest(method: .put, url: url, headers: Self.octets, body: rest)
        let answer: RegistryAnswer
        do { answer = try await endpoint.once(request, access) } catch let error as RegistryError
            where error.code == .unreachable
        { return false }
        if answer.status == 404 || RetryPolicy.mayPass(answer.status) {
            if let asked = answer.retryAfter { try await Task.sleep(for: min(asked, endpoint.retries.total)) }
            return false
        }
        guard answer.status == 201 else { throw endpoint.refusal(answer, "the blob \(digest)") }
        try Registry.checkSaid(digest, answer, endpoint)
        return true
    }

    /// The address where the upload ends; nil where the registry has lost it.
    private func sendChunks(to start: String) async throws -> String? {
        var (location, offset) = (start, 0)
        var attempts = Attempts(endpoint.retries)
        while offset < blob.count {
            let chunk = blob[offset..<min(offset + Self.chunkBytes, blob.count)]
            let headers = Self.octets + [("Content-Range", "\(chunk.startIndex)-\(chunk.endIndex - 1)")]
            let request = RegistryRequest(method: .patch, url: location, headers: headers, body: chunk)
            var asked: Duration?
            do {
                let answer = try await endpoint.once(request, access)
                if answer.status == 202 {
                    let before = offset
                    (location, offset) = try progress(answer, location, known: chunk.endIndex)
                    if offset > before { continue }
                }
                guard [202, 416].contains(answer.status) || RetryPolicy.mayPass(answer.status) else {
                    if answer.status == 404 { return nil }
                    throw endpoint.refusal(answer, "a part of the blob \(digest)")
                }
                asked = answer.retryAfter
            } catch let error as RegistryError where error.code == .unreachable {}
            guard try await attempts.another(asked: asked) else { return nil }
            let answer = try await endpoint.exchange(RegistryRequest(method: .get, url: location), access)
            if answer.status == 404 { return nil }
            guard answer.status == 204 else { throw endpoint.refusal(answer, "the state of an upload") }
            (location, offset) = try progress(answer, location, known: blob.count)
        }
        return location
    }

    /// Where the upload goes on, and with which byte. `Range: 0-0` is also what registries say of an empty upload.
    private func progress(
        _ answer: RegistryAnswer, _ location: String, known: Int
    ) throws(RegistryError) -> (location: String, offset: Int) {
        let next = try answer.header("Location").map { text throws(RegistryError) in
            try endpoint.ownURL(text, what: "the upload")
        }
        let range = answer.header("Range")?.split(separator: "-", omittingEmptySubsequences: false) ?? []
        guard range.count == 2, range[0] == "0", let last = Int(range[1]), last >= 0, last < known else {
            throw RegistryError(
                .answer,
                "\(endpoint.host) does not say how much it has of an upload, or more than it got")
        }
        return (next ?? location, last == 0 ? 0 : last + 1)
    }

    private static let octets = [("Content-Type", "application/octet-stream")]
}
