import PostgresKit
import TrustModel

extension Transaction {
    /// The closed ceremony whose result the fleet's next release takes in.
    func pendingCeremony(of fleet: FleetRow, keys: [String]) async throws -> PendingCeremony? {
        guard let part = try await fetchOptional(FetchClosedCeremony(fleet: fleet.id)), part.release == nil else {
            return nil
        }
        let drafts = try await fetchAll(ListClosedDrafts(ceremony: part.ceremony, fleet: fleet.id))
        return PendingCeremony(
            id: part.ceremony, root: drafts.first { $0.role == "root" }?.bytes, startsOver: part.startsOver,
            targetsOnline: part.targetsOnline, keyIDs: keys,
            versions: Dictionary(drafts.map { ($0.role, $0.version) }) { first, _ in first })
    }

    /// Why drafts no longer follow what the fleet has; nil when they do.
    func movedBase(of drafts: [MetadataDraftRecord], fleet: Int64) async throws -> String? {
        for draft in drafts {
            let newest = try await fetchOptional(FetchNewestFile(fleet: fleet, role: draft.role))
            guard newest != draft.baseSHA256 else { continue }
            return "the \(draft.role) that its version \(draft.version) was to follow is no longer the newest"
        }
        return nil
    }

    /// What the holders of the targets keys signed last; nil when they never did.
    func signedTargets(of fleet: FleetRow) async throws -> SignedTargetsRecord? {
        let signed = try await fetchAll(ListSignedDrafts(fleet: fleet.id))
        guard let targets = signed.first(where: { $0.role == "targets" }) else { return nil }
        let groups = signed.filter { $0.role != "targets" }
        return SignedTargetsRecord(
            bytes: targets.bytes, groups: Dictionary(groups.map { ($0.role, $0.bytes) }) { first, _ in first },
            files: try await fetchAll(ListDraftFiles(drafts: signed.map(\.id))).map(\.file))
    }
}
