/// Where a change stands.
package enum ChangeState: String, Codable, Sendable, Hashable, CaseIterable {
    case draft, submitted, approved, published, rejected, withdrawn, expired

    /// Whether anything can still become of it.
    package var isOpen: Bool { self == .draft || self == .submitted || self == .approved }
}
