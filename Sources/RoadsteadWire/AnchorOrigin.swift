/// Whose root an anchor is.
package enum AnchorOrigin: String, Codable, Sendable, Hashable, CaseIterable {
    case own
    case thirdParty = "third-party"
}

/// What a root rule does with what it matches.
package enum RuleEffect: String, Codable, Sendable, Hashable { case allow, deny }

/// Where a change stands.
package enum ChangeState: String, Codable, Sendable, Hashable, CaseIterable {
    case draft, submitted, approved, published, rejected, withdrawn, expired
}
