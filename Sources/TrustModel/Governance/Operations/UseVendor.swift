/// Puts a registered vendor's anchors into a store of the team, now and whenever the vendor's anchors change.
package struct UseVendor: GovernedOperation {
    package static let kind = OperationKind.useVendor
    package static let concern = ChangeConcern.anchors

    package let vendor: VendorName
    package let store: TeamPolicy.StoreReference

    package init(vendor: VendorName, store: TeamPolicy.StoreReference) {
        self.vendor = vendor
        self.store = store
    }

    package func proposal(in team: TeamName?) -> [Permission] { team.map { [.propose($0)] } ?? [.administer] }
    package func approval(in team: TeamName?) -> Permission {
        team.map { .approveAdditions($0) } ?? .approveAdministration
    }
    package var summary: String {
        "uses the vendor \(vendor) in the store \(store.kind.rawValue)/\(store.name), whichever anchors it has"
    }
}

/// Takes a vendor's anchors out of a store of the team.
package struct StopVendor: GovernedOperation {
    package static let kind = OperationKind.stopVendor
    package static let concern = ChangeConcern.anchors

    package let vendor: VendorName
    package let store: TeamPolicy.StoreReference

    package init(vendor: VendorName, store: TeamPolicy.StoreReference) {
        self.vendor = vendor
        self.store = store
    }

    package var adds: Bool { false }
    package func proposal(in team: TeamName?) -> [Permission] { team.map { [.proposeRemoval($0)] } ?? [.administer] }
    package func approval(in team: TeamName?) -> Permission { team.map { .remove($0) } ?? .approveAdministration }
    package func alone(in team: TeamName?) -> Permission? { team.map { .remove($0) } }
    package var summary: String {
        "stops using the vendor \(vendor) in the store \(store.kind.rawValue)/\(store.name), and removes its anchors there"
    }
}
