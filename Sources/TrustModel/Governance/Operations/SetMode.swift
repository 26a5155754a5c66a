/// Sets the mode of one enforcer, or of all, which ends what was set for single ones.
package struct SetMode: FleetOperation {
    package static let kind = OperationKind.setMode

    package let fleet: FleetName
    package let mode: EnforcementMode
    package let enforcer: EnforcerKind?

    package init(fleet: FleetName, mode: EnforcementMode, enforcer: EnforcerKind? = nil) {
        self.fleet = fleet
        self.mode = mode
        self.enforcer = enforcer
    }

    package var summary: String {
        "sets \(enforcer?.rawValue ?? "every enforcer") of fleet \(fleet) to \(mode.rawValue)"
    }
}
