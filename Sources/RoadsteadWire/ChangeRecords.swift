package import Codecs
package import TrustModel

/// `POST /v1/changes/{number}/comments`: says something about a change.
package struct CommentRequest: Codable, Sendable, Equatable {
    /// 1 to 4,000 characters.
    package let comment: String

    package init(comment: String) { self.comment = comment }
}

/// What somebody said about a change.
package struct CommentBody: Codable, Sendable, Equatable {
    package let id: Int64
    /// Login name.
    package let person: String
    package let comment: String
    package let at: UTCDate

    package init(id: Int64, person: String, comment: String, at: UTCDate) {
        self.id = id
        self.person = person
        self.comment = comment
        self.at = at
    }
}

/// One content that a change has had.
package struct ChangeEditBody: Codable, Sendable, Equatable {
    package let version: Int64
    package let digest: String
    package let at: UTCDate
    package let operations: [OperationBody]
    /// What it does, a line for each operation.
    package let effect: [String]
    package let justification: String
    package let ticket: String?
    package let breakGlass: BreakGlass?

    package init(
        version: Int64, digest: String, at: UTCDate, operations: [OperationBody], effect: [String],
        justification: String, ticket: String? = nil, breakGlass: BreakGlass? = nil
    ) {
        self.version = version
        self.digest = digest
        self.at = at
        self.operations = operations
        self.effect = effect
        self.justification = justification
        self.ticket = ticket
        self.breakGlass = breakGlass
    }

    /// How it differs from an earlier edit, a line each: what it does more begins with a plus, what less with a minus.
    package func difference(from old: ChangeEditBody) -> [String] {
        let (before, after) = (Set(old.operations), Set(operations))
        var lines = zip(old.operations, old.effect).filter { !after.contains($0.0) }.map { "- \($0.1)" }
        lines += zip(operations, effect).filter { !before.contains($0.0) }.map { "+ \($0.1)" }
        lines += Self.lines("justification", old.justification, justification)
        lines += Self.lines("ticket", old.ticket, ticket)
        lines += Self.lines("break-glass", old.breakGlass.map(Self.text), breakGlass.map(Self.text))
        return lines
    }

    private static func lines(_ what: String, _ old: String?, _ new: String?) -> [String] {
        guard old != new else { return [] }
        return [old.map { "- \(what): \($0)" }, new.map { "+ \(what): \($0)" }].compactMap(\.self)
    }

    private static func text(_ breakGlass: BreakGlass) -> String { "until \(breakGlass.until): \(breakGlass.reason)" }
}

/// `POST /v1/changes/{number}/review`: says that somebody looked at what went in by break-glass.
package struct BreakGlassReviewRequest: Codable, Sendable, Equatable {
    /// What was found: 1 to 4,000 characters.
    package let note: String

    package init(note: String) { self.note = note }
}

/// The review of what went in by break-glass; without a person it is still to be done.
package struct BreakGlassReviewBody: Codable, Sendable, Equatable {
    package let due: UTCDate
    /// Login name.
    package let person: String?
    package let note: String?
    package let at: UTCDate?

    package init(due: UTCDate, person: String? = nil, note: String? = nil, at: UTCDate? = nil) {
        self.due = due
        self.person = person
        self.note = note
        self.at = at
    }
}
