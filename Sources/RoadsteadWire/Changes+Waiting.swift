import Codecs
package import TrustModel

/// How many people must agree, and how many of them as security officers.
package struct ApprovalsBody: Codable, Sendable, Hashable {
    package let approvals: Int
    package let securityOfficers: Int
    /// How many of them by people who hold no role in the team that asks; absent for none.
    package let outsiders: Int?

    package init(_ needed: ApprovalsNeeded) {
        approvals = needed.count
        securityOfficers = needed.securityOfficers
        outsiders = needed.outsiders > 0 ? needed.outsiders : nil
    }

    /// Such as "2 approvals (1 security officer)".
    package var text: String {
        let needed = try? ApprovalsNeeded(
            count: approvals, securityOfficers: securityOfficers, outsiders: outsiders ?? 0)
        return needed.map { "\($0)" } ?? "no approval"
    }
}

extension ChangeBody {
    /// What it waits for, who can help and until when, in a sentence; nil for one that does not wait for approvals.
    package var waiting: String? {
        guard state == .submitted, let missing else { return nil }
        let able = canApprove.isEmpty ? "nobody yet" : canApprove.joined(separator: ", ")
        let expiry = expires.map { " Expires \($0.description.prefix(10))." } ?? ""
        return "accepted as change C-\(number); needs \(missing.text). Can approve: \(able).\(expiry)"
    }
}
