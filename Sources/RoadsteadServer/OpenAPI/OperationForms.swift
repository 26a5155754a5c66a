import RoadsteadWire
import TrustModel

extension OperationKind {
    /// What decodes the members of an operation of this kind, for learning its schema.
    var form: any Decodable.Type {
        switch self {
        case .addAnchor: AddAnchorBody.self
        case .removeAnchor: RemoveAnchorForm.self
        case .liftDenial: LiftDenialForm.self
        case .setCustody: SetCustodyForm.self
        case .renewRole: RenewRoleForm.self
        default: governed ?? RenewRoleForm.self
        }
    }
}

private struct RemoveAnchorForm: Decodable { let anchor: Int64 }
private struct LiftDenialForm: Decodable { let denial: Int64 }
private struct RenewRoleForm: Decodable {}
private struct SetCustodyForm: Decodable {
    let custody: Custody
    let keys: [String]?
    let threshold: Int?
    let formerLost: Bool?
}
