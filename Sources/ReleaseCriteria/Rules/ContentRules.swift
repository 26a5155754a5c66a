import Codecs

/// Which tests must have passed.
struct TestRule: StatementRule, Decodable {
    static let name = "tests"
    let attesters: [String]
    let threshold: Int
    let required: [String]
    let maximumAgeSeconds: Int64?

    var predicateTypes: Set<String> { [TestReport.type] }

    func judge(_ statement: Statement) throws(CriteriaError) -> (finished: UTCDate?, checks: [CriterionFinding]) {
        let report = try TestReport(statement)
        let missing = required.filter { !report.passed.contains($0) || report.failed.contains($0) }
        let checks = [
            CriterionFinding("tests.result", wanted: "PASSED", found: report.result, holds: report.result == "PASSED"),
            CriterionFinding(
                "tests.required", wanted: "passed: \(required.joined(separator: ", "))",
                found: missing.isEmpty ? "all of them" : "not passed: \(missing.joined(separator: ", "))",
                holds: missing.isEmpty),
        ]
        return (report.finished, checks)
    }
}

/// How recent a vulnerability scan must be, and how bad what it found may be.
struct ScanRule: StatementRule, Decodable {
    static let name = "scan"
    let attesters: [String]
    let threshold: Int
    let scanners: [String]?
    /// Nothing worse than this.
    let worstSeverity: Severity
    let maximumAgeSeconds: Int64?

    var predicateTypes: Set<String> { ScanReport.types }

    func judge(_ statement: Statement) throws(CriteriaError) -> (finished: UTCDate?, checks: [CriterionFinding]) {
        let report = try ScanReport(statement)
        let worst = report.vulnerabilities.max { $0.severity < $1.severity }
        var checks = [
            CriterionFinding(
                "scan.severity", wanted: "nothing worse than \(worstSeverity.rawValue)",
                found: worst.map { "\($0.severity.rawValue) (\($0.identifier))" } ?? "nothing",
                holds: (worst?.severity ?? .none) <= worstSeverity)
        ]
        if let scanners {
            checks.append(
                CriterionFinding(
                    "scan.scanner", wanted: scanners.joined(separator: " or "), found: report.scanner,
                    holds: scanners.contains(report.scanner)))
        }
        return (report.finished, checks)
    }
}

/// A statement of any other kind, with the values that its predicate must have.
struct AttestationRule: StatementRule, Decodable {
    static let name = "attestation"
    let predicateType: String
    let attesters: [String]
    let threshold: Int
    /// By dotted path.
    let fields: [String: JSON]?
    var maximumAgeSeconds: Int64? { nil }

    private enum CodingKeys: CodingKey { case predicateType, attesters, threshold, fields }

    var predicateTypes: Set<String> { [predicateType] }

    func judge(_ statement: Statement) throws(CriteriaError) -> (finished: UTCDate?, checks: [CriterionFinding]) {
        let checks = (fields ?? [:]).sorted { $0.key < $1.key }.map { path, wanted in
            let found = path.split(separator: ".").reduce(JSON.object(statement.predicate) as JSON?) { tree, name in
                tree?.objectOrNil?[String(name)]
            }
            return CriterionFinding(
                "attestation.\(path)", wanted: wanted.text, found: found?.text ?? "nothing", holds: found == wanted)
        }
        return (nil, checks)
    }
}
