/// The lifetimes of a fleet's metadata, as one choice.
package enum FleetProfile: String, Codable, Sendable, Hashable, CaseIterable {
    case standard, high, airgap
}
