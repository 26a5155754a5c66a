package import OCI

extension Registry {
    /// The manifest or index that a reference names; by its digest where it has one, else by its tag.
    package func resolve(_ reference: Reference) async throws -> Descriptor {
        if let digest = reference.digest {
            return try await manifest(digest, of: reference.repository).descriptor
        }
        guard let tag = reference.tag else {
            throw RegistryError(
                .answer, "\(reference) names neither a tag nor a digest", hint: "write \(reference):TAG")
        }
        return try await resolve(tag: tag, in: reference.repository)
    }

    /// What a tag stands for, by the registry's own word.
    package func resolve(tag: String, in repository: String) async throws -> Descriptor {
        try await readOrigin(
            repository, { _ in "manifests/\(tag)" }, accept: Self.manifestTypes, limit: OCILimit.manifestBytes
        ) { answer, endpoint in
            guard answer.status == 200 else { throw endpoint.refusal(answer, "\(repository):\(tag)") }
            let digest = Digest(of: answer.body)
            try Self.checkSaid(digest, answer, endpoint)
            return try Self.descriptor(of: answer, digest)
        }
    }

    /// A manifest or index by its digest, and its bytes.
    package func manifest(
        _ digest: Digest, of repository: String
    ) async throws -> (bytes: [UInt8], descriptor: Descriptor) {
        try await read(
            digest, of: repository, { _ in "manifests/\(digest)" }, accept: Self.manifestTypes,
            limit: OCILimit.manifestBytes
        ) { answer, endpoint in
            guard answer.status == 200 else { throw endpoint.refusal(answer, "\(repository) \(digest)") }
            let found = Digest(of: answer.body, algorithm: digest.algorithm)
            guard found == digest else {
                throw RegistryError(.answer, "\(endpoint.host) sends \(found) for \(digest)")
            }
            return (answer.body, try Self.descriptor(of: answer, digest))
        }
    }

    /// The envelope of a signature manifest.
    package func envelope(of signature: SignatureManifest, in repository: String) async throws -> [UInt8] {
        try await blob(try signature.envelope, of: repository, limit: OCILimit.signatureBytes)
    }

    /// The bytes that a manifest's layer names.
    func blob(_ layer: Descriptor, of repository: String, limit: Int) async throws -> [UInt8] {
        guard layer.size <= limit else {
            throw RegistryError(.limit, "the envelope \(layer.digest) is said to have \(layer.size) bytes")
        }
        return try await read(
            layer.digest, of: repository, { _ in "blobs/\(layer.digest)" }, accept: layer.mediaType,
            limit: Int(layer.size)
        ) { answer, endpoint in
            guard answer.status == 200 else { throw endpoint.refusal(answer, "envelope \(layer.digest)") }
            try layer.check(answer.body)
            return answer.body
        }
    }

    static let manifestTypes = [
        MediaType.imageManifest, MediaType.imageIndex, MediaType.dockerManifest, MediaType.dockerManifestList,
    ].joined(separator: ", ")

    /// What a manifest says of its own type goes before the header, and must not be contradicted by it.
    private static func descriptor(of answer: RegistryAnswer, _ digest: Digest) throws -> Descriptor {
        let said = answer.header("Content-Type").map { String($0.prefix { $0 != ";" }) }
        let listed = said.flatMap { $0.hasPrefix("application/vnd.") ? $0 : nil }
        let type = try MediaType.ofManifest(answer.body, listed: listed)
        return Descriptor(mediaType: type, digest: digest, size: Int64(answer.body.count))
    }

    /// A registry that names another digest than that of what it sends has something wrong.
    static func checkSaid(_ digest: Digest, _ answer: RegistryAnswer, _ endpoint: RegistryEndpoint) throws {
        guard let text = answer.header("Docker-Content-Digest"), let said = try? Digest(text),
            said.algorithm == digest.algorithm
        else { return }
        guard said == digest else {
            throw RegistryError(.answer, "\(endpoint.host) says \(said) and means \(digest)")
        }
    }
}
