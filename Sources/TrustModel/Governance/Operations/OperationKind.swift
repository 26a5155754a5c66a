/// What an operation of a change does.
package enum OperationKind: String, Codable, Sendable, Hashable, CaseIterable {
    case addAnchor = "add-anchor"
    case removeAnchor = "remove-anchor"
    case liftDenial = "lift-denial"
    case setCustody = "set-custody"
    case renewRole = "renew-role"
    case addTeam = "add-team"
    case setPolicy = "set-policy"
    case setFleetPolicy = "set-fleet-policy"
    case addException = "add-exception"
    case endException = "end-exception"
    case removeTeam = "remove-team"
    case addScope = "add-scope"
    case removeScope = "remove-scope"
    case setRule = "set-rule"
    case removeRule = "remove-rule"
    case grantRole = "grant-role"
    case revokeRole = "revoke-role"
    case setMode = "set-mode"
    case addFleetTeam = "add-fleet-team"
    case removeFleetTeam = "remove-fleet-team"
    case setFleetSettings = "set-fleet-settings"
    case setVendor = "set-vendor"
    case removeVendor = "remove-vendor"
    case removeVendorAnchor = "remove-vendor-anchor"
    case useVendor = "use-vendor"
    case stopVendor = "stop-vendor"
    case setAnchorLimit = "set-anchor-limit"
    case setGroupRole = "set-group-role"
    case removeGroupRole = "remove-group-role"
    case linkIdentity = "link-identity"

    /// The type that describes a kind; nil for those that `ChangeOperation` describes itself.
    package var governed: (any GovernedOperation.Type)? {
        switch self {
        case .addAnchor, .removeAnchor, .liftDenial, .setCustody, .renewRole: nil
        case .addTeam: AddTeam.self
        case .setPolicy: SetPolicy.self
        case .setFleetPolicy: SetFleetPolicy.self
        case .addException: AddException.self
        case .endException: EndException.self
        case .removeTeam: RemoveTeam.self
        case .addScope: AddScope.self
        case .removeScope: RemoveScope.self
        case .setRule: SetRule.self
        case .removeRule: RemoveRule.self
        case .grantRole: GrantRole.self
        case .revokeRole: RevokeRole.self
        case .setMode: SetMode.self
        case .addFleetTeam: AddFleetTeam.self
        case .removeFleetTeam: RemoveFleetTeam.self
        case .setFleetSettings: SetFleetSettings.self
        case .setVendor: SetVendor.self
        case .removeVendor: RemoveVendor.self
        case .removeVendorAnchor: RemoveVendorAnchor.self
        case .useVendor: UseVendor.self
        case .stopVendor: StopVendor.self
        case .setAnchorLimit: SetAnchorLimit.self
        case .setGroupRole: SetGroupRole.self
        case .removeGroupRole: RemoveGroupRole.self
        case .linkIdentity: LinkIdentity.self
        }
    }
}
