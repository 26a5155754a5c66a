import Codecs
import Dispatch
import Files

/// A program that prints credentials, as a profile's `credential_process` names it.
/// [AWS SDKs and Tools Reference, "Process credential provider"]
struct AWSProcess: Sendable {
    private let words: [String]
    private let place: String

    static let deadline = Duration.seconds(60)
    static let maximumBytes = 65_536
    private static let members = [
        "Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId",
    ]

    init(_ command: String, profile: String) throws(CloudKeyError) {
        place = "the credential_process of the AWS profile \(profile)"
        guard let words = Self.words(command), !words.isEmpty else {
            throw CloudKeyError(.configuration, "\(place) has a quote that does not end, or names no program")
        }
        self.words = words
    }

    /// The words of a command line, as a shell splits them; nothing is expanded, and no shell runs.
    static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var characters = text[...]
        while let character = characters.popFirst() {
            switch (quote, character) {
            case (nil, " "), (nil, "\t"):
                if let word { words.append(word) }
                word = nil
            case (nil, "\""), (nil, "'"):
                quote = character
                word = word ?? ""
            case (let open?, _) where open == character: quote = nil
            case (nil, "\\"), ("\"", "\\"):
                guard let next = characters.popFirst() else { return nil }
                word = (word ?? "") + (quote == nil || "\"\\".contains(next) ? "\(next)" : "\\\(next)")
            default: word = (word ?? "") + "\(character)"
            }
        }
        guard quote == nil else { return nil }
        return words + (word.map { [$0] } ?? [])
    }

    func credentials() async throws -> Lease<AWSCredentials>.Held {
        let outcome = try await run()
        guard outcome.status == 0 else {
            throw CloudKeyError(
                .credentials, "\(place) ended with status \(outcome.status)", hint: "its own words stand above")
        }
        do {
            let limits = JSONLimits(bytes: Self.maximumBytes, depth: 4)
            let answer = try JSON(parsing: outcome.output, limits: limits).object("the answer")
            if let other = answer.names.first(where: { !Self.members.contains($0) }) {
                throw CloudKeyError(.answer, "\(place) prints the member \(quoted(other)), which is not known")
            }
            guard try answer.require("Version", in: "the answer").integerOrNil == 1 else {
                throw CloudKeyError(.answer, "\(place) prints another Version than 1")
            }
            let expiration = try answer["Expiration"]?.string("Expiration")
            let expires = expiration.flatMap(ServiceDate.iso)
            guard expiration == nil || expires != nil else {
                throw CloudKeyError(
                    .answer, "\(place) prints an Expiration that is no time such as 2026-01-02T03:04:05Z")
            }
            let keys = try AWSCredentials(
                id: try answer.string("AccessKeyId", in: "the answer"),
                secret: try answer.string("SecretAccessKey", in: "the answer"),
                session: try answer["SessionToken"]?.string("SessionToken"), source: place)
            return Lease.Held(keys, expires: expires)
        } catch let error as CodecError {
            throw CloudKeyError(.answer, "\(place) prints something that is no credentials: \(error.reason)")
        }
    }

    private func run() async throws -> ChildProcess.Outcome {
        try await withCheckedThrowingContinuation { continuation in
            // It waits in system calls, which no thread of the cooperative pool may.
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try ChildProcess.run(
                            words, input: [], limit: Self.maximumBytes, deadline: Self.deadline)
                    }.mapError { CloudKeyError(.configuration, "\(place) \($0)") })
            }
        }
    }
}
