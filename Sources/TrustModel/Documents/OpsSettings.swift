/// `ops/settings.json`: what may change without a ceremony, because nothing in it can widen trust.
package struct OpsSettings: SignedDocument, Equatable {
    package static let documentName = "ops/settings.json"
    /// Whatever is signed counts for no less and no more.
    package static let secondsRange = 1...86_400

    package let schema: Int
    package let critical: [String]
    /// How often a host asks for something new.
    package let pollSeconds: Int
    /// How often a host reports when nothing has changed.
    package let reportSeconds: Int
    /// The repositories that are known, into which prefixes expand for enforcers that know only exact names.
    package let repositories: [RegistryScope]

    package init(pollSeconds: Int = 60, reportSeconds: Int = 300, repositories: [RegistryScope]) {
        schema = Self.currentSchema
        critical = []
        self.pollSeconds = pollSeconds
        self.reportSeconds = reportSeconds
        self.repositories = repositories
    }

    /// Reads a document as hosts obey it: times outside the range become its ends, so that the key of `ops` cannot stop
    /// a host from asking or reporting.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schema = try container.decode(Int.self, forKey: .schema)
        critical = try container.decode([String].self, forKey: .critical)
        pollSeconds = Self.clamped(try container.decode(Int.self, forKey: .pollSeconds))
        reportSeconds = Self.clamped(try container.decode(Int.self, forKey: .reportSeconds))
        repositories = try container.decode([RegistryScope].self, forKey: .repositories)
    }

    private enum CodingKeys: String, CodingKey { case schema, critical, pollSeconds, reportSeconds, repositories }

    /// A time within the range.
    package static func clamped(_ seconds: Int) -> Int {
        min(max(seconds, secondsRange.lowerBound), secondsRange.upperBound)
    }
}
