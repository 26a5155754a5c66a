import Codecs

/// Where and from what the artifact must have been built.
struct ProvenanceRule: StatementRule, Decodable {
    static let name = "provenance"
    let attesters: [String]
    let threshold: Int
    let builders: [String]
    let repositories: [String]
    let refs: [String]?
    let buildTypes: [String]?
    /// Values of external parameters, by dotted path.
    let parameters: [String: JSON]?
    let maximumAgeSeconds: Int64?

    var predicateTypes: Set<String> { [Provenance.versionOne, Provenance.versionZeroTwo] }

    func judge(_ statement: Statement) throws(CriteriaError) -> (finished: UTCDate?, checks: [CriterionFinding]) {
        let provenance = try Provenance(statement)
        let trusted = Set(repositories.map(Provenance.plain))
        var checks = [
            finding("builder", builders, [provenance.builder]) { builders.contains($0) },
            finding("repository", repositories, provenance.repositories) { trusted.contains($0) },
        ]
        if let refs { checks.append(finding("ref", refs, provenance.refs) { ref in Self.matches(ref, refs) }) }
        if let buildTypes {
            checks.append(finding("buildType", buildTypes, [provenance.buildType]) { buildTypes.contains($0) })
        }
        for (path, wanted) in (parameters ?? [:]).sorted(by: { $0.key < $1.key }) {
            let found = path.split(separator: ".").reduce(provenance.parameters as JSON?) { tree, name in
                tree?.objectOrNil?[String(name)]
            }
            checks.append(
                CriterionFinding(
                    "provenance.parameter.\(path)", wanted: wanted.text, found: found?.text ?? "nothing",
                    holds: found == wanted))
        }
        return (provenance.finished, checks)
    }

    /// Holds where something was found and all of it fits.
    private func finding(
        _ name: String, _ wanted: [String], _ found: Set<String>, fits: (String) -> Bool
    ) -> CriterionFinding {
        CriterionFinding(
            "provenance.\(name)", wanted: wanted.joined(separator: " or "),
            found: found.isEmpty ? "nothing" : found.sorted().joined(separator: ", "),
            holds: !found.isEmpty && found.allSatisfy(fits))
    }

    /// A pattern is a whole ref, or the beginning of one before its last character `*`.
    private static func matches(_ ref: String, _ patterns: [String]) -> Bool {
        patterns.contains { $0.hasSuffix("*") ? ref.hasPrefix($0.dropLast()) : ref == $0 }
    }
}
