import Codecs
import PKI
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// What the lines that say a change's effect have to look up.
struct ChangeEffects {
    var anchors: [Int64: AnchorRecord] = [:]
    /// The stores of the same team that hold an anchor's certificate too, by anchor.
    var otherStores: [Int64: [TrustStoreID]] = [:]
    var denials: [Int64: DenialRecord] = [:]
    /// The fleets that trust what a denial denies as soon as it is lifted, by denial.
    var trusting: [Int64: [FleetName]] = [:]
    /// The stores that follow a vendor.
    var vendorUses: [VendorName: VendorReach] = [:]
    /// Login names by key id.
    var holders: [String: String] = [:]
}

/// The stores that follow a vendor: those that the reader may see, and how many others.
struct VendorReach {
    let shown: [VendorUseRecord]
    let others: Int

    init(_ vendor: VendorRecord) {
        shown = vendor.uses
        others = max(0, vendor.useCount - vendor.uses.count)
    }
}

extension ChangeOperation {
    /// What it does, in a line for people.
    func effect(in team: TeamName?, _ known: ChangeEffects) -> String {
        switch self {
        case .addAnchor(let addition):
            let store =
                team.map { "\(TrustStoreID(team: $0, kind: addition.kind, name: addition.store))" } ?? "no store"
            let subject = (try? Certificate(der: addition.certificate)).map { "\($0.subject)" } ?? "a certificate"
            return "adds the \(addition.origin.title) anchor \(subject) to \(store)"
        case .removeAnchor(let id):
            guard let anchor = known.anchors[id] else { return "removes anchor \(id)" }
            let others = (known.otherStores[id] ?? []).map { "\($0)" }.joined(separator: ", ")
            return "removes the anchor \(anchor.subject) from \(anchor.store)"
                + (others.isEmpty ? "" : "; where a denial makes that hold at once, it ends in \(others) as well")
        case .liftDenial(let id):
            guard let denial = known.denials[id] else { return "lifts the denial D-\(id)" }
            let reach = denial.team.map { "in the scopes of team \($0)" } ?? "everywhere"
            return "lifts the denial D-\(id) of \(denial.subject.kind.rawValue) \(denial.published.value) \(reach): "
                + denial.reason + effect(of: known.trusting[id] ?? [])
        case .setCustody(let setting): return effect(of: setting, known)
        case .renewRole: return "has the team's role signed again, with the content that it has"
        case .governed(let step): return step.operation.summary + reach(of: step.operation, known)
        }
    }

    /// The teams and fleets to which a change of a vendor goes by itself.
    private func reach(of operation: any GovernedOperation, _ known: ChangeEffects) -> String {
        guard let vendor = operation.vendorThatStoresFollow, let reach = known.vendorUses[vendor] else { return "" }
        guard !reach.shown.isEmpty || reach.others > 0 else { return "; no team uses it" }
        var places = reach.shown.map { use in
            let fleets = use.fleets.map(\.rawValue).joined(separator: ", ")
            return "\(use.store)\(fleets.isEmpty ? "" : " (fleets \(fleets))")"
        }
        switch reach.others {
        case 0: break
        case 1: places.append("a store of another team")
        default: places.append("\(reach.others) stores of other teams")
        }
        return "; it reaches \(places.joined(separator: ", "))"
    }

    private func effect(of trusting: [FleetName]) -> String {
        guard !trusting.isEmpty else { return "" }
        let fleets = trusting.map { "\($0)" }.joined(separator: ", ")
        return "; it is trusted again at once in \(trusting.count == 1 ? "fleet" : "the fleets") \(fleets)"
    }

    private func effect(of setting: CustodySetting, _ known: ChangeEffects) -> String {
        let former = setting.formerLost ? "; the keys before are taken for lost" : ""
        guard setting.custody == .team else { return "lets the server sign the team's role\(former)" }
        let holders = setting.keys.map { "\(known.holders[$0] ?? "?") (\($0.prefix(16)))" }.joined(separator: ", ")
        return "lets \(setting.threshold) of \(setting.keys.count) keys sign the team's role: \(holders)\(former)"
    }
}

extension GovernedOperation {
    /// The vendor whose stores get what the operation does.
    var vendorThatStoresFollow: VendorName? {
        switch self {
        case let operation as SetVendor: operation.vendor
        case let operation as RemoveVendor: operation.vendor
        case let operation as RemoveVendorAnchor: operation.vendor
        default: nil
        }
    }
}
