package import Codecs

/// Says that a change adds trust for a short time, past the approvals that the rules ask for.
///
/// It substitutes who agrees, never how many below two people in all: the author, and a trust administrator or security
/// officer on everything. What it adds ends at `until`, on hosts without a network too, and a third person reviews it.
package struct BreakGlass: Sendable, Hashable, Codable {
    /// When what it adds ends by itself.
    package let until: UTCDate
    /// Why it cannot wait for the approvals that the rules ask for.
    package let reason: String

    package init(until: UTCDate, reason: String) {
        self.until = until
        self.reason = reason
    }

    /// How long after it takes effect it may end at most, and its review is due.
    package static let maximumDays: Int64 = 7
}

extension ChangeContent {
    /// - Throws: `TrustModelError(.document)` for break-glass of what cannot end by itself.
    static func check(_ breakGlass: BreakGlass?, of operations: [ChangeOperation]) throws(TrustModelError) {
        guard let breakGlass else { return }
        try check(breakGlass.reason, "reason of break-glass")
        for operation in operations {
            if case .addAnchor = operation { continue }
            throw TrustModelError(
                .document, "break-glass cannot \(operation.kind.rawValue)",
                hint: "it adds trust anchors, which end by themselves; propose the rest apart")
        }
    }

    /// When it ends unless something becomes of it: what break-glass adds is of no use after its own end.
    package func expiry(of state: ChangeState, from now: UTCDate) -> UTCDate {
        let expiry = ChangeRules.expiry(of: state, from: now)
        return breakGlass.map { min(expiry, max($0.until, now.adding(seconds: 1))) } ?? expiry
    }
}
