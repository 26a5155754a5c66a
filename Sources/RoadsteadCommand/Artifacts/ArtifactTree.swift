import OCI

/// An artifact and, where it is an index, all that it leads to: each digest once, the top first.
///
/// Some who verify ask about the index, some about the platform's manifest that it leads to.
struct ArtifactTree: Sendable {
    let descriptors: [Descriptor]

    /// Indexes list images for some dozens of platforms.
    static let maximumManifests = 1_000
    static let maximumDepth = 4

    /// The artifact alone.
    init(only descriptor: Descriptor) { descriptors = [descriptor] }

    /// Reads every index below an artifact; what it lists must be there, of the type and size that it says.
    init(_ artifact: FoundArtifact) async throws {
        var found = [artifact.descriptor]
        var seen: Set<Digest> = [artifact.descriptor.digest]
        var level = [artifact.descriptor]
        var depth = 0
        while !level.isEmpty {
            var next: [Descriptor] = []
            for index in level where MediaType.isIndex(index.mediaType) {
                let bytes = try await artifact.repository.manifest(index.digest).bytes
                for entry in try Index(parsing: bytes, mediaType: index.mediaType).manifests
                where Self.isSigned(entry.mediaType) && seen.insert(entry.digest).inserted {
                    guard depth < Self.maximumDepth, seen.count <= Self.maximumManifests else {
                        throw Self.tooLarge(artifact)
                    }
                    next.append(try await Self.check(entry, in: artifact))
                }
            }
            found += next
            level = next
            depth += 1
        }
        descriptors = found
    }

    private static func tooLarge(_ artifact: FoundArtifact) -> CommandError {
        CommandError(
            .environment,
            "\(artifact.shown) leads to more than \(maximumManifests) manifests, or is nested deeper than \(maximumDepth)",
            hint: "--index-only signs the index alone")
    }

    private static func isSigned(_ type: String) -> Bool {
        MediaType.isIndex(type) || type == MediaType.imageManifest || type == MediaType.dockerManifest
    }

    private static func check(_ entry: Descriptor, in artifact: FoundArtifact) async throws -> Descriptor {
        let there: Descriptor
        do { there = try await artifact.repository.manifest(entry.digest).descriptor } catch {
            throw CommandError(
                .environment, "\(artifact.shown) lists \(entry.digest), which cannot be read: \(error)",
                hint: "--index-only signs the index alone")
        }
        guard there.pointsToSameContent(as: entry) else {
            throw CommandError(
                .environment,
                "\(artifact.shown) lists \(entry.digest) as \(entry.mediaType) of \(entry.size) bytes, and it is \(there.mediaType) of \(there.size)"
            )
        }
        return there
    }
}
