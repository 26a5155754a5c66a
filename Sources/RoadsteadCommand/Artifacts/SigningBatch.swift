import OCI
import SigningKeys

/// The images of one command line, several of which are signed at the same time.
struct SigningBatch: Sendable {
    let names: [ArtifactName]
    let signer: ArtifactSigner
    let places: ArtifactPlaces
    let isIndexOnly: Bool
    /// How many images are under way at the same time.
    let jobs: Int

    static let maximumJobs = 32

    /// Signs them. One that cannot be signed does not stop the others; after an interruption no other is begun.
    ///
    /// - Parameters:
    ///   - onProgress: is given all that are through so far, in no order.
    ///   - tell: is given each image in the order of the names, once those before it are through.
    func run(
        onProgress: ([SigningReport.Image]) -> Void, tell: (SigningReport.Image) -> Void
    ) async throws -> [SigningReport.Image] {
        var images = names.map { SigningReport.Image(name: "\($0)") }
        try await withThrowingTaskGroup(of: (Int, SigningReport.Image).self) { group in
            var (begun, told) = (0, 0)
            var done: [Int: SigningReport.Image] = [:]
            while true {
                while begun - done.count < jobs, begun < names.count, !Interruption.isAsked {
                    let index = begun
                    group.addTask { (index, try await sign(names[index])) }
                    begun += 1
                }
                guard let (index, image) = try await group.next() else { return }
                done[index] = image
                while let next = done[told] {
                    tell(next)
                    images[told] = next
                    told += 1
                }
                onProgress(Array(done.values))
            }
        }
        return images
    }

    private func sign(_ name: ArtifactName) async throws -> SigningReport.Image {
        var image = SigningReport.Image(name: "\(name)")
        do {
            try await sign(name, &image)
            image.outcome = .done
        } catch let error as CancellationError {
            throw error
        } catch {
            image.outcome = .failed(error)
        }
        return image
    }

    private func sign(_ name: ArtifactName, _ image: inout SigningReport.Image) async throws {
        let found = try await places.find(name)
        image.artifact = found.descriptor
        image.shown = found.shown
        if case .registry(let reference) = name, reference.digest == nil {
            image.notes.append("\(reference) is \(found.descriptor.digest), which is what is signed")
        }
        let tree = isIndexOnly ? ArtifactTree(only: found.descriptor) : try await ArtifactTree(found)
        // The top comes last: who finds it signed finds all below it signed.
        for descriptor in tree.descriptors.reversed() {
            // A signing service may want to know where the artifact lies.
            let result = try await SigningSubject.$image.withValue(name.scope.map { "\($0)@\(descriptor.digest)" }) {
                try await signer.sign(descriptor, at: name.shown(descriptor.digest), in: found.repository)
            }
            image.results.append(result)
        }
    }
}
