/// Takes a vendor away, and its anchors from every team that uses it.
package struct RemoveVendor: GovernedOperation {
    package static let kind = OperationKind.removeVendor
    package static let concern = ChangeConcern.vendors

    package let vendor: VendorName

    package init(vendor: VendorName) { self.vendor = vendor }

    package var adds: Bool { false }
    package func proposal(in team: TeamName?) -> [Permission] { [.removeVendor] }
    package func approval(in team: TeamName?) -> Permission { .removeVendor }
    package func alone(in team: TeamName?) -> Permission? { .removeVendor }
    package var summary: String { "removes the vendor \(vendor), and its anchors from every team that uses it" }
}

/// Takes one anchor from a vendor and from every team that uses it.
package struct RemoveVendorAnchor: GovernedOperation {
    package static let kind = OperationKind.removeVendorAnchor
    package static let concern = ChangeConcern.vendors

    package let vendor: VendorName
    /// SHA-256 of the certificate, lower-case hexadecimal.
    package let fingerprint: String

    package init(vendor: VendorName, fingerprint: String) {
        self.vendor = vendor
        self.fingerprint = fingerprint
    }

    package var adds: Bool { false }
    package func proposal(in team: TeamName?) -> [Permission] { [.removeVendor] }
    package func approval(in team: TeamName?) -> Permission { .removeVendor }
    package func alone(in team: TeamName?) -> Permission? { .removeVendor }
    package var summary: String {
        "removes the anchor \(fingerprint.prefix(64)) of the vendor \(vendor) from every team that uses it"
    }
}
