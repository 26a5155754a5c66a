import OCI

/// The envelopes of an artifact's signatures, got before they are looked at.
struct FetchedEnvelopes: Sendable {
    private var envelopes: [Digest: Result<[UInt8], any Error>] = [:]

    /// All together; envelopes have some kilobytes, and one may have 32 MiB.
    static let maximumBytes = 64 << 20

    /// What cannot be had concerns its own signature only.
    init(_ signatures: some Collection<SignatureManifest>, from repository: any ImageRepository) async {
        var left = Self.maximumBytes
        for signature in signatures {
            do {
                guard try signature.envelope.size <= left else {
                    throw CommandError(
                        .environment,
                        "the envelopes before it have nearly \(Self.maximumBytes) bytes, and no more are read")
                }
                let bytes = try await repository.envelope(of: signature)
                left -= bytes.count
                envelopes[signature.descriptor.digest] = .success(bytes)
            } catch { envelopes[signature.descriptor.digest] = .failure(error) }
        }
    }

    func envelope(of signature: SignatureManifest) throws -> [UInt8] {
        guard let found = envelopes[signature.descriptor.digest] else {
            throw CommandError(.environment, "the envelope of \(signature.descriptor.digest) was not fetched")
        }
        return try found.get()
    }
}
