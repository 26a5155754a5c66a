import Codecs
import OCI

/// What became of the images of one command line.
struct SigningReport: Sendable {
    struct Image: Sendable {
        let name: String
        /// With the digest, where it was found.
        var shown: String
        var artifact: Descriptor?
        var results: [ArtifactSigner.Result] = []
        var error: String?

        var signed: Int { results.filter { !$0.isSkipped }.count }
        var skipped: Int { results.filter(\.isSkipped).count }
    }

    let signer: String
    var images: [Image] = []

    var failures: Int { images.filter { $0.error != nil }.count }

    /// One image's signatures, as they come.
    func show(_ image: Image, on console: Console) {
        for result in image.results {
            let name = result.artifact == image.artifact ? image.shown : "\(result.artifact.digest)"
            console.print(result.isSkipped ? "left \(name), signed before" : "signed \(name) as \(signer)")
            console.print("signature \(result.signature.digest)")
        }
    }

    /// One line for each image.
    func showTable(on console: Console) {
        let width = images.map(\.name.count).max() ?? 0
        for image in images {
            let name = image.name + String(repeating: " ", count: width - image.name.count)
            let counts = "signed \(image.signed), left \(image.skipped)"
            console.print("\(name)  \(image.error == nil ? counts : "failed after \(image.signed)")")
        }
    }

    var json: JSON {
        .object(JSONObject([("signer", .string(signer)), ("images", .array(images.map(Self.json)))]))
    }

    private static func json(_ image: Image) -> JSON {
        var object = JSONObject([("name", .string(image.name))])
        object["artifact"] = image.artifact?.plain.json
        object["signatures"] = .array(
            image.results.map { result in
                .object(
                    JSONObject([
                        ("artifact", result.artifact.plain.json), ("signature", result.signature.plain.json),
                        ("skipped", .bool(result.isSkipped)),
                    ]))
            })
        object["error"] = image.error.map { .string($0) }
        return .object(object)
    }
}

/// Says how far a long run has come, from its third second on and not more than once a second.
struct Progress {
    private let total: Int
    private let console: Console
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?

    init(total: Int, _ console: Console) {
        self.total = total
        self.console = console
    }

    mutating func show(_ done: Int) {
        let now = ContinuousClock.now
        guard total > 1, now - start > .seconds(2), last.map({ now - $0 >= .seconds(1) }) ?? true else { return }
        last = now
        console.say("\(done) of \(total) images")
    }
}
