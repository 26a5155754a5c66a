import Codecs
import SigningKeys

/// What a change would do and why: what its author writes and approvers read.
package struct ChangeContent: Sendable, Equatable, Codable {
    /// The team that it is about; absent for everything, where only denials can be lifted.
    package let team: TeamName?
    package let operations: [ChangeOperation]
    package let justification: String
    package let ticket: String?
    /// Absent for every change but those that cannot wait.
    package let breakGlass: BreakGlass?

    package static let operationRange = 1...1_000
    package static let maximumTextLength = 4_000

    /// - Throws: `TrustModelError(.document)` for no or too many operations, one twice, or a text that is empty or too long.
    package init(
        team: TeamName?, operations: [ChangeOperation], justification: String, ticket: String? = nil,
        breakGlass: BreakGlass? = nil
    ) throws(TrustModelError) {
        guard Self.operationRange.contains(operations.count) else {
            throw TrustModelError(
                .document, "a change has \(operations.count) operations",
                hint: "\(Self.operationRange.lowerBound) to \(Self.operationRange.upperBound)")
        }
        guard Set(operations).count == operations.count else {
            throw TrustModelError(.document, "a change has one operation twice", hint: "leave the second one out")
        }
        try Self.checkConcern(of: operations, team)
        try Self.check(justification, "justification")
        if let ticket { try Self.check(ticket, "ticket") }
        for case .addAnchor(let addition) in operations {
            try Self.check(addition.owner, "owner of an anchor")
            if let evidence = addition.evidence { try Self.check(evidence, "evidence of an anchor") }
        }
        try Self.check(breakGlass, of: operations)
        self.team = team
        self.operations = operations
        self.justification = justification
        self.ticket = ticket
        self.breakGlass = breakGlass
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            team: try container.decodeIfPresent(TeamName.self, forKey: .team),
            operations: try container.decode([ChangeOperation].self, forKey: .operations),
            justification: try container.decode(String.self, forKey: .justification),
            ticket: try container.decodeIfPresent(String.self, forKey: .ticket),
            breakGlass: try container.decodeIfPresent(BreakGlass.self, forKey: .breakGlass))
    }

    /// Whether anything in it widens trust.
    package var adds: Bool { operations.contains(where: \.adds) }

    package var canonicalBytes: [UInt8] {
        get throws { try JSON(encoding: self).canonicalBytes() }
    }

    /// What approvals bind to: this content, of this change, in this edit, made from this state of the team.
    ///
    /// - Returns: lower-case hexadecimal SHA-256.
    package func digest(number: Int64, version: Int64, baseVersion: Int64) throws -> String {
        let bound: JSON = [
            "change": .integer(number), "version": .integer(version), "base": .integer(baseVersion),
            "content": try JSON(encoding: self),
        ]
        return Hex.encode(HashAlgorithm.sha256.digest(of: try bound.canonicalBytes()))
    }

    static func check(_ text: String, _ what: String) throws(TrustModelError) {
        guard !text.allSatisfy(\.isWhitespace), text.utf8.count <= maximumTextLength, !text.utf8.contains(0) else {
            throw TrustModelError(
                .document, "the \(what) is empty or too long", hint: "1 to \(maximumTextLength) characters")
        }
    }
}
