package import Codecs

/// How bad a vulnerability is.
package enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
    case none, unknown, negligible, low, medium, high, critical

    package static func < (lhs: Severity, rhs: Severity) -> Bool { lhs.rank < rhs.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// A word in any capitals, or a CVSS score; what nobody can read is unknown, which ranks with the worst.
    init(reading text: String) {
        let word = text.lowercased()
        if word == "moderate" || word == "important" { self = word == "moderate" ? .medium : .high; return }
        if let known = Severity(rawValue: word), known != .unknown { self = known; return }
        guard let score = Double(text), score >= 0, score <= 10 else { self = .critical; return }
        self =
            switch score {
            case 0: .none
            case ..<4: .low
            case ..<7: .medium
            case ..<9: .high
            default: .critical
            }
    }
}

/// What a vulnerability scan found: in-toto's form, cosign's with Trivy's or Grype's result inside, or a plain list.
package struct ScanReport: Sendable {
    package struct Vulnerability: Sendable {
        package let identifier: String
        package let severity: Severity
    }

    package let scanner: String
    package let vulnerabilities: [Vulnerability]
    package let finished: UTCDate?

    package static let types: Set<String> = [
        "https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
    ]

    package init(_ statement: Statement) throws(CriteriaError) {
        do throws(CodecError) {
            let predicate = statement.predicate
            let scanner = try predicate.object("scanner", in: "predicate")
            self.scanner = try scanner.string("uri", in: "predicate.scanner")
            let metadata = predicate["metadata"]?.objectOrNil
            finished = try PredicateTime.read("scanFinishedOn", of: metadata)
            vulnerabilities = try Self.list(try scanner.require("result", in: "predicate.scanner"))
        } catch {
            throw CriteriaError(.predicate, "the vulnerability scan: \(error.reason)")
        }
    }

    /// A result of a form that is not known is refused: an empty list must have been written as one.
    private static func list(_ result: JSON) throws(CodecError) -> [Vulnerability] {
        if case .array(let entries) = result { return try entries.map { entry throws(CodecError) in try plain(entry) } }
        let object = try result.object("predicate.scanner.result")
        if let results = object["Results"] { return try trivy(results) }
        if let matches = object["matches"] { return try grype(matches) }
        if let list = object["vulnerabilities"] {
            return try list.array("result.vulnerabilities").map { entry throws(CodecError) in try plain(entry) }
        }
        throw CodecError(.value, "its result is in a form that is not known")
    }

    /// In-toto's own form, with one severity or one for each method: the worst counts.
    private static func plain(_ entry: JSON) throws(CodecError) -> Vulnerability {
        let object = try entry.object("a vulnerability")
        let severities: [Severity]
        switch try object.require("severity", in: "a vulnerability") {
        case .string(let word): severities = [Severity(reading: word)]
        case .array(let methods):
            var read: [Severity] = []
            for method in methods {
                read.append(try severity(try method.object("a severity").require("score", in: "a severity")))
            }
            severities = read
        default: throw CodecError(.type, "a vulnerability's severity is neither a word nor a list")
        }
        return Vulnerability(
            identifier: try object.string("id", in: "a vulnerability"), severity: severities.max() ?? .critical)
    }

    private static func severity(_ score: JSON) throws(CodecError) -> Severity {
        switch score {
        case .string(let text), .number(let text): Severity(reading: text)
        case .integer(let value): Severity(reading: String(value))
        default: throw CodecError(.type, "a severity's score is \(score.kind)")
        }
    }

    private static func trivy(_ results: JSON) throws(CodecError) -> [Vulnerability] {
        var found: [Vulnerability] = []
        for result in try results.array("Results") {
            guard let list = try result.object("Results[]")["Vulnerabilities"], list != .null else { continue }
            for entry in try list.array("Vulnerabilities") {
                let object = try entry.object("Vulnerabilities[]")
                found.append(
                    Vulnerability(
                        identifier: try object.string("VulnerabilityID", in: "Vulnerabilities[]"),
                        severity: Severity(reading: try object.string("Severity", in: "Vulnerabilities[]"))))
            }
        }
        return found
    }

    private static func grype(_ matches: JSON) throws(CodecError) -> [Vulnerability] {
        try matches.array("matches").map { match throws(CodecError) in
            let object = try match.object("matches[]").object("vulnerability", in: "matches[]")
            return Vulnerability(
                identifier: try object.string("id", in: "vulnerability"),
                severity: Severity(reading: try object.string("severity", in: "vulnerability")))
        }
    }
}
