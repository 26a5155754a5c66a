import OCI

/// An artifact that was found, and the place where it lies.
struct FoundArtifact: Sendable {
    let name: ArtifactName
    let repository: any ImageRepository
    let descriptor: Descriptor

    var shown: String { name.shown(descriptor.digest) }
}

/// Finds artifacts by their names, in layouts and, where this program reaches them, in registries.
struct ArtifactPlaces: Sendable {
    private let images: (any Images)?

    /// Runs a body with the places of a command line; registries are reached only where one is named.
    static func with<Value: Sendable>(
        _ names: [ArtifactName], _ invocation: Invocation, _ console: Console, _ reach: Reach,
        _ body: (ArtifactPlaces) async throws -> Value
    ) async throws -> Value {
        guard names.contains(where: { $0.scope != nil }) else { return try await body(ArtifactPlaces(images: nil)) }
        guard let registries = reach.images else {
            throw CommandError(.environment, "this program does not reach registries", hint: "use --oci-layout")
        }
        return try await registries.withImages(ImageRequest(invocation, console)) { images in
            try await body(ArtifactPlaces(images: images))
        }
    }

    func find(_ name: ArtifactName) async throws -> FoundArtifact {
        switch name {
        case .layout(let directory, let digest):
            let repository = try LayoutRepository(directory)
            return FoundArtifact(
                name: name, repository: repository, descriptor: try repository.describe(digest))
        case .registry(let reference):
            guard let images else { throw CommandError(.environment, "this program does not reach registries") }
            let repository = try await images.repository(of: reference)
            let descriptor: Descriptor
            if let digest = reference.digest {
                descriptor = try await repository.manifest(digest).descriptor
            } else {
                descriptor = try await repository.resolve(tag: reference.tag ?? "")
            }
            return FoundArtifact(name: name, repository: repository, descriptor: descriptor)
        }
    }
}
