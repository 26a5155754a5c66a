import Codecs

/// A criterion that a statement about the artifact must meet, vouched for by enough trusted people.
protocol StatementRule: Sendable {
    /// The word before the dot in findings.
    static var name: String { get }
    var predicateTypes: Set<String> { get }
    /// Names of those who may vouch.
    var attesters: [String] { get }
    /// How many different people must vouch for statements that hold; an attester is one unless it says whose it is.
    var threshold: Int { get }
    /// Whole seconds that the statement may be old; nil for any age.
    var maximumAgeSeconds: Int64? { get }

    /// When the statement's work was done, and every check of its content.
    func judge(_ statement: Statement) throws(CriteriaError) -> (finished: UTCDate?, checks: [CriterionFinding])
}

/// How far the clocks of those who attest may be ahead.
let clockLeewaySeconds: Int64 = 300

extension StatementRule {
    /// Everything that this criterion finds; the first statement that holds whole is shown, else the best one.
    func findings(_ evidence: Evidence, at now: UTCDate) -> [CriterionFinding] {
        var (shown, best): ([CriterionFinding], Int) = ([], -1)
        var voices: [(person: String, name: String)] = []
        for item in evidence.items where predicateTypes.contains(item.statement.predicateType) {
            let trusted = item.vouchers.filter { attesters.contains($0.attester.name) }
            guard !trusted.isEmpty else { continue }
            let checks = checks(item.statement, at: now)
            let held = checks.count { $0.holds }
            let isWhole = held == checks.count
            let score = isWhole ? Int.max : held
            if score > best { (shown, best) = (checks, score) }
            guard isWhole else { continue }
            for attester in trusted.map(\.attester) where !voices.contains(where: { $0.person == attester.person }) {
                voices.append((attester.person, attester.name))
            }
        }
        let found = voices.isEmpty ? "none" : voices.map(\.name).joined(separator: ", ")
        return shown + [
            CriterionFinding(
                "\(Self.name).attesters", wanted: "\(threshold) of \(attesters.joined(separator: ", "))",
                found: best < 0 ? "no statement of this kind that they signed about this artifact" : found,
                holds: voices.count >= threshold)
        ]
    }

    private func checks(_ statement: Statement, at now: UTCDate) -> [CriterionFinding] {
        do throws(CriteriaError) {
            let (finished, checks) = try judge(statement)
            return checks + age(finished, at: now)
        } catch {
            return [
                CriterionFinding(
                    "\(Self.name).form", wanted: "a predicate that can be read", found: error.reason, holds: false)
            ]
        }
    }

    /// A statement from the future is refused at any age.
    private func age(_ finished: UTCDate?, at now: UTCDate) -> [CriterionFinding] {
        guard maximumAgeSeconds != nil || finished != nil else { return [] }
        let wanted = maximumAgeSeconds.map { "not older than \($0) s" } ?? "not from the future"
        guard let finished else {
            return [CriterionFinding("\(Self.name).age", wanted: wanted, found: "no time", holds: false)]
        }
        let isPast = finished <= now.adding(seconds: clockLeewaySeconds)
        let isFresh = maximumAgeSeconds.map { now <= finished.adding(seconds: $0) } ?? true
        return [
            CriterionFinding("\(Self.name).age", wanted: wanted, found: "\(finished)", holds: isPast && isFresh)
        ]
    }
}
