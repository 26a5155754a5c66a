import Codecs
package import TrustModel

/// How many people must agree, and how many of them as security officers.
package struct ApprovalsBody: Codable, Sendable, Hashable {
    package let approvals: Int
    package let securityOfficers: Int

    package init(_ needed: ApprovalsNeeded) {
        approvals = needed.count
        securityOfficers = needed.securityOfficers
    }

    /// Such as "2 approvals (1 security officer)".
    package var text: String {
        (try? ApprovalsNeeded(count: approvals, securityOfficers: securityOfficers)).map { "\($0)" } ?? "no approval"
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
