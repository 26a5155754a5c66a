import Codecs
import SigningKeys

/// How many people beside the author must have approved the change. Reviews of several statements count together; a
/// rejection by anybody outweighs all of them, however old it is, and so does a trusted statement that cannot be read.
struct ReviewRule: Sendable, Decodable {
    let attesters: [String]
    let reviewers: Int
    let maximumAgeSeconds: Int64?

    func findings(_ evidence: Evidence, at now: UTCDate) -> [CriterionFinding] {
        var (authors, approved, rejected): (Set<String>, Set<String>, Set<String>) = ([], [], [])
        var unreadable: [CriterionFinding] = []
        for item in evidence.items where item.statement.predicateType == ReviewReport.type {
            guard item.vouchers.contains(where: { attesters.contains($0.attester.name) }) else { continue }
            do throws(CriteriaError) {
                let report = try ReviewReport(item.statement)
                authors.formUnion(report.authors)
                rejected.formUnion(report.rejectedBy)
                if isFresh(report, now) { approved.formUnion(report.approvedBy) }
            } catch {
                unreadable.append(
                    CriterionFinding(
                        "reviews.form", wanted: "a predicate that can be read", found: error.reason, holds: false))
            }
        }
        let counted = approved.subtracting(authors).subtracting(rejected).sorted()
        return unreadable + [
            CriterionFinding(
                "reviews.reviewers", wanted: "\(reviewers) beside the author",
                found: counted.isEmpty ? "none" : counted.joined(separator: ", "), holds: counted.count >= reviewers),
            CriterionFinding(
                "reviews.rejected", wanted: "nobody",
                found: rejected.isEmpty ? "nobody" : rejected.sorted().joined(separator: ", "),
                holds: rejected.isEmpty),
        ]
    }

    private func isFresh(_ report: ReviewReport, _ now: UTCDate) -> Bool {
        guard let finished = report.finished else { return maximumAgeSeconds == nil }
        return finished <= now.adding(seconds: clockLeewaySeconds)
            && (maximumAgeSeconds.map { now <= finished.adding(seconds: $0) } ?? true)
    }
}

/// Which people must have allowed this very signature, each with a statement that is good once.
struct ApprovalRule: Sendable, Decodable {
    let people: [String]
    let threshold: Int
    let maximumAgeSeconds: Int64?

    /// Approvals that are good at this moment, whether they were used is for the record of uses to say.
    func approvals(_ evidence: Evidence, key: String, at now: UTCDate) -> [Approval] {
        var approvals: [Approval] = []
        for item in evidence.items where item.statement.predicateType == ApprovalStatement.type {
            guard let approval = try? ApprovalStatement(item.statement), approval.key == key,
                approval.approved <= now.adding(seconds: clockLeewaySeconds), now < approval.expires,
                maximumAgeSeconds.map({ now <= approval.approved.adding(seconds: $0) }) ?? true
            else { continue }
            for voucher in item.vouchers where people.contains(voucher.attester.name) {
                let identifier = "\(item.identifier):\(Hex.encode(voucher.key.fingerprint))"
                approvals.append(Approval(identifier: identifier, person: voucher.attester.person))
            }
        }
        return approvals
    }

    func finding(_ approvals: [Approval], _ record: some UseRecord) -> CriterionFinding {
        let fresh = Set(approvals.filter { !record.isSpent($0.identifier) }.map(\.person)).sorted()
        let used = approvals.contains { record.isSpent($0.identifier) } ? " (others were used before)" : ""
        return CriterionFinding(
            "approvals", wanted: "\(threshold) of \(people.joined(separator: ", "))",
            found: (fresh.isEmpty ? "none" : fresh.joined(separator: ", ")) + used, holds: fresh.count >= threshold)
    }
}

/// One person's approval of one signature.
struct Approval: Sendable {
    let identifier: String
    let person: String
}
