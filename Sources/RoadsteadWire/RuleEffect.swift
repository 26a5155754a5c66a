/// What a root rule does with what it matches.
package enum RuleEffect: String, Codable, Sendable, Hashable { case allow, deny }
