import Files
import OCI

/// An OCI image layout, as the commands use repositories.
struct LayoutRepository: ImageRepository {
    private let layout: Layout<LayoutDirectory>

    init(_ directory: String) throws {
        guard Files.exists(directory) else {
            throw CommandError(.environment, "there is no directory \(directory)")
        }
        layout = try Layout(LayoutDirectory(directory))
    }

    func resolve(tag: String) throws -> Descriptor { try layout.resolve(tag: tag) }

    /// What a digest stands for, without reading it twice.
    func describe(_ digest: Digest) throws -> Descriptor { try layout.resolve(digest) }

    func manifest(_ digest: Digest) throws -> (bytes: [UInt8], descriptor: Descriptor) {
        let descriptor = try layout.resolve(digest)
        return (try layout.content(of: descriptor, limit: OCILimit.manifestBytes), descriptor)
    }

    func signatures(of artifact: Descriptor, limit: Int) throws -> [SignatureManifest] {
        try layout.signatures(of: artifact, limit: limit)
    }

    func lists(_ signature: Descriptor, of artifact: Descriptor) throws -> Bool {
        try layout.signatures(of: artifact).contains { $0.descriptor.digest == signature.digest }
    }

    func envelope(of signature: SignatureManifest) throws -> [UInt8] { try layout.envelope(of: signature) }

    func attach(_ signature: NewSignature, to artifact: Descriptor) throws { try layout.attach(signature) }
}
