/// `ops/settings.json`: what may change without a ceremony, because nothing in it can widen trust.
package struct OpsSettings: SignedDocument, Equatable {
    package static let documentName = "ops/settings.json"
    package static let pollSecondsRange = 1...86_400

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
}
