import Codecs
import OCI

/// What became of the images of one command line.
struct SigningReport: Sendable {
    struct Image: Sendable {
        enum Outcome: Sendable {
            case notBegun, done
            case failed(any Error)
        }

        let name: String
        /// With the digest, where it was found.
        var shown: String
        var artifact: Descriptor?
        var results: [ArtifactSigner.Result] = []
        /// What is to be said beside the result.
        var notes: [String] = []
        var outcome = Outcome.notBegun

        init(name: String) {
            self.name = name
            shown = name
        }

        var failure: (any Error)? { if case .failed(let error) = outcome { error } else { nil } }

        /// Whether a rule forbade it, rather than that something was not in order.
        var isDenied: Bool { failure.map { ExitStatus(of: $0) == .rejected } ?? false }

        func count(_ kind: ArtifactSigner.Result.Kind) -> Int { results.filter { $0.kind == kind }.count }
    }

    /// One word for each image; programs read them too.
    enum State: String, CaseIterable {
        case signed, left, wouldSign = "would sign", denied, failed, notBegun = "not begun"

        init(_ image: Image) {
            switch image.outcome {
            case .notBegun: self = .notBegun
            case .failed: self = image.isDenied ? .denied : .failed
            case .done where image.count(.signed) > 0: self = .signed
            case .done: self = image.count(.wouldSign) > 0 ? .wouldSign : .left
            }
        }

        var isSuccess: Bool { [.signed, .left, .wouldSign].contains(self) }
    }

    let signer: String
    let images: [Image]

    /// Of several images the worst counts; that something was not in order is worse than that a rule forbade it.
    var status: ExitStatus {
        let bad = images.map(State.init).filter { !$0.isSuccess }
        return bad.isEmpty ? .success : bad.allSatisfy { $0 == .denied } ? .rejected : .environment
    }

    /// One image's signatures.
    static func show(_ image: Image, by signer: String, on console: Console) {
        for result in image.results {
            let name = result.artifact == image.artifact ? image.shown : "\(result.artifact.digest)"
            switch result.kind {
            case .signed: console.print("signed \(name) as \(signer)")
            case .left: console.print("left \(name), signed before")
            case .wouldSign: console.print("would sign \(name) as \(signer)")
            }
            if let signature = result.signature { console.print("signature \(signature.digest)") }
        }
    }

    /// What is said of one image beside its result.
    static func note(_ image: Image, on console: Console) {
        for note in image.notes { console.say(note) }
        let earlier = image.results.compactMap(\.earlier).max() ?? 0
        guard earlier > 0 else { return }
        console.say("\(image.shown) bore \(earlier) signature(s) by this certificate already")
        console.hint("--skip-signed leaves alone what it has signed before, saying the same")
    }

    /// One line for each image.
    func showTable(on console: Console) {
        let width = images.map(\.name.count).max() ?? 0
        for image in images {
            let name = image.name + String(repeating: " ", count: width - image.name.count)
            console.print("\(name)  \(Self.row(image))")
        }
    }

    private static func row(_ image: Image) -> String {
        let state = State(image)
        return switch state {
        case .signed, .left: "signed \(image.count(.signed)), left \(image.count(.left))"
        case .wouldSign: "would sign \(image.count(.wouldSign)), left \(image.count(.left))"
        case .denied, .failed: "\(state.rawValue) after \(image.count(.signed))"
        case .notBegun: state.rawValue
        }
    }

    /// One sentence on all of them.
    var summary: String {
        let states = images.map(State.init)
        let parts = State.allCases.compactMap { state in
            let count = states.filter { $0 == state }.count
            return count > 0 ? "\(count) \(state.rawValue)" : nil
        }
        return "\(images.count) images: \(parts.joined(separator: ", "))"
    }

    var json: JSON {
        .object(JSONObject([("signer", .string(signer)), ("images", .array(images.map(Self.json)))]))
    }

    private static func json(_ image: Image) -> JSON {
        var object = JSONObject([("name", .string(image.name)), ("state", .string(State(image).rawValue))])
        object["artifact"] = image.artifact?.plain.json
        object["signatures"] = .array(image.results.map(json))
        object["error"] = image.failure.map { .string("\($0)") }
        return .object(object)
    }

    private static func json(_ result: ArtifactSigner.Result) -> JSON {
        var object = JSONObject([("artifact", result.artifact.plain.json)])
        object["signature"] = result.signature?.plain.json
        object["skipped"] = .bool(result.kind == .left)
        object["earlierSignatures"] = result.earlier.map { .integer(Int64($0)) }
        return .object(object)
    }
}

/// Says on a terminal how far a long run has come: from its third second on, and not more than once a second.
struct SigningProgress {
    private let total: Int
    private let console: Console
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?

    init(total: Int, _ console: Console) {
        self.total = total
        self.console = console
    }

    mutating func show(_ images: [SigningReport.Image]) {
        let now = ContinuousClock.now
        guard total > 1, console.isTerminal, now - start > .seconds(2), last.map({ now - $0 >= .seconds(1) }) ?? true
        else { return }
        last = now
        let failed = images.filter { $0.failure != nil }.count
        console.say("\(images.count - failed)/\(total) signed\(failed > 0 ? ", \(failed) failed" : "")")
    }
}
