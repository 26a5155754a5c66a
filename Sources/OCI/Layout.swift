import Codecs

/// An OCI image layout: artifacts, and the signatures that refer to them, below one directory.
/// [OCI image specification, "Image Layout"]
///
/// Every blob is checked against the digest and size by which it is named before anybody sees it.
package struct Layout<Store: LayoutStore>: Sendable {
    private let store: Store

    /// Takes a layout in use; what is not one, or is of another version, is refused.
    package init(_ store: Store) throws {
        guard let marker = try store.layoutFile() else {
            throw OCIError(
                .layout, "this is not an OCI image layout: it has no file oci-layout",
                hint: "give the directory that holds oci-layout, index.json and blobs/")
        }
        let object = try document(marker, "the file oci-layout", limit: 4_096)
        guard object["imageLayoutVersion"]?.stringOrNil == "1.0.0" else {
            throw OCIError(.layout, "the file oci-layout does not name version 1.0.0, the only one that is known")
        }
        self.store = store
    }

    package func index() throws -> Index {
        guard let bytes = try store.index() else {
            throw OCIError(.layout, "this OCI image layout has no file index.json")
        }
        return try Index(parsing: bytes)
    }

    /// Content by its descriptor.
    package func content(of descriptor: Descriptor, limit: Int) throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw OCIError(
                .limit, "\(descriptor.digest) is said to have \(descriptor.size) bytes, at most \(limit) are read")
        }
        guard let bytes = try store.blob(descriptor.digest, limit: limit) else {
            throw OCIError(.notFound, "the layout has no blob \(descriptor.digest)")
        }
        try descriptor.check(bytes)
        return bytes
    }

    /// The descriptor of a manifest or index that the layout holds under a digest.
    package func resolve(_ digest: Digest) throws -> Descriptor {
        guard let bytes = try store.blob(digest, limit: OCILimit.manifestBytes) else {
            throw OCIError(
                .notFound, "the layout holds no manifest \(digest)",
                hint: "the manifests of a layout are listed in its index.json")
        }
        let mediaType = try MediaType.ofManifest(bytes, listed: try index().entry(for: digest)?.mediaType)
        let descriptor = Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        try descriptor.check(bytes)
        return descriptor
    }

    /// The descriptor of the manifest that the layout lists under a tag.
    package func resolve(tag: String) throws -> Descriptor {
        guard let entry = try index().entry(named: tag) else {
            throw OCIError(.notFound, "the layout lists nothing under the tag \"\(tag.cut(to: 128))\"")
        }
        return try resolve(entry.digest)
    }

    /// The signature manifests that refer to an artifact, in the order in which the layout lists them.
    ///
    /// Looked at are the entries of `index.json`, then those of the index tagged `sha256-<hex>`, each once. An entry
    /// that cannot be read says nothing about the artifact and is left out: it may belong to anything. The search ends
    /// with `limit` of them, so that a layout full of signatures costs no more than that. [CVE-2023-33958]
    package func signatures(of artifact: Descriptor, limit: Int = .max) throws -> [SignatureManifest] {
        let index = try index()
        var seen: Set<Digest> = [artifact.digest]
        var found: [SignatureManifest] = []
        for entry in index.manifests + (try fallback(in: index, for: artifact)) {
            guard entry.mediaType == MediaType.imageManifest, seen.insert(entry.digest).inserted,
                let signature = try? signature(at: entry, of: artifact)
            else { continue }
            found.append(signature)
            if found.count >= limit { break }
        }
        return found
    }

    private func fallback(in index: Index, for artifact: Descriptor) throws -> [Descriptor] {
        guard let entry = index.entry(named: artifact.digest.referrersTag), entry.mediaType == MediaType.imageIndex
        else { return [] }
        return try Index(parsing: try content(of: entry, limit: OCILimit.indexBytes)).manifests
    }

    private func signature(at entry: Descriptor, of artifact: Descriptor) throws -> SignatureManifest? {
        let bytes = try content(of: entry, limit: OCILimit.manifestBytes)
        let manifest = try Manifest(parsing: bytes)
        guard manifest.isNotationSignature, manifest.subject?.digest == artifact.digest else { return nil }
        return SignatureManifest(descriptor: entry.plain, manifest: manifest)
    }

    /// The envelope of a signature manifest, at most 32 MiB.
    package func envelope(of signature: SignatureManifest) throws -> [UInt8] {
        try content(of: try signature.envelope, limit: OCILimit.signatureBytes)
    }

    /// Attaches a signature to an artifact: blobs first, the index last, so that a crash leaves the layout as it was.
    ///
    /// - Returns: the descriptor of the signature's manifest.
    @discardableResult
    package func attach(
        envelope: [UInt8], mediaType: String, to artifact: Descriptor, annotations: [String: String]
    ) throws -> Descriptor {
        let signature = NewSignature(
            envelope: envelope, mediaType: mediaType, of: artifact, annotations: annotations)
        try attach(signature)
        return signature.descriptor
    }

    /// Attaches a signature that is ready to be stored.
    package func attach(_ signature: NewSignature) throws {
        let entry = Descriptor(
            mediaType: signature.descriptor.mediaType, digest: signature.descriptor.digest,
            size: signature.descriptor.size, annotations: signature.listed.annotations)
        for blob in signature.blobs { try store.write(blob, as: Digest(of: blob)) }
        try store.write(signature.manifest, as: entry.digest)
        try store.updateIndex { bytes in
            let index = try bytes.map { try Index(parsing: $0) } ?? Index()
            return index.entry(for: entry.digest) == nil ? index.appending(entry).bytes : index.bytes
        }
    }
}
