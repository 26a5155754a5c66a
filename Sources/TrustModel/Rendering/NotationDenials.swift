/// Which denials a Notation configuration can hold: those that took away the anchors they name.
///
/// Notation has no list of denials. It rejects what a denial names only where no chain can lead to an anchor with it,
/// and where the statement rejects a chain that leads to none: one at `audit` only logs it.
struct NotationDenials: Sendable {
    private let denials: [DenyDocument.Denial]
    /// The stores that each denial took a self-signed anchor out of, by its identifier.
    private let removals: [String: Set<TrustStoreID>]

    init(_ trust: HostTrust) {
        denials = trust.denials
        var removals: [String: Set<TrustStoreID>] = [:]
        for store in trust.stores {
            for id in store.denied ?? [] { removals[id, default: []].insert(store.id) }
        }
        self.removals = removals
    }

    /// The first denial that reaches a statement and that Notation would not obey there.
    func unenforced(_ statement: HostTrust.Statement, stores: NotationStores) -> DenyDocument.Denial? {
        let hasSigners = statement.stores.contains { $0.kind != .tsa && !(stores.anchors[$0] ?? []).isEmpty }
        return denials.first { denial in
            guard denial.team == nil || denial.team == statement.team else { return false }
            let isLogged = !statement.holdsToAnchors && denial.subject != nil
            switch denial.subject {
            case _ where isLogged, .digest, .identity: return true
            // Where nothing is trusted nothing has to be denied.
            case .certificate, .issuerAndSerial: return hasSigners && removals[denial.id] == nil
            // A key may be certified more than once, so this holds only where an anchor with it is gone.
            case .key: return hasSigners && removals[denial.id, default: []].isDisjoint(with: statement.stores)
            // Of a kind that the merge has warned about.
            case nil: return false
            }
        }
    }
}
