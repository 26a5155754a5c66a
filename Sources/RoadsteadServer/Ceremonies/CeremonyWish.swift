import Codecs
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TUF
import TrustModel

/// What is asked of a ceremony, held against what the fleet has now.
struct CeremonyWish {
    let rootKeys: ProposedKeys
    let targets: RootDraft.TargetsKeys
    let targetsOnline: Bool
    let startsOver: Bool
    /// Roles whose keys the server makes anew.
    let fresh: Set<FleetRole>
    let needsRoot: Bool
    let needsTargets: Bool
    /// Whether the targets are signed again even if they say nothing new.
    let renewsTargets: Bool

    init(_ request: CeremonyFleetRequest, _ state: FleetState) throws {
        let present = try state.roots.last.map { try PresentRoot($0.bytes) }
        let rotated = try Self.roles(request.rotate ?? [])
        let asked = try Self.asked(request.roles ?? [])
        startsOver = try Self.startsOver(request, present)
        rootKeys = try Self.rootKeys(request, present)
        (targets, targetsOnline) = try Self.targets(request, present)
        try Self.check(rotated, asked, targetsOnline, request.fleet)
        let returns = targetsOnline && present?.targetsOnline == false
        fresh = rotated.union(returns ? [.targets] : [])
        let changesTargets = request.targets != nil || request.targetsOnline == true
        let needsRoot =
            present == nil || asked.contains("root") || request.root != nil || changesTargets || startsOver
            || !rotated.isDisjoint(with: [.timestamp, .snapshot, .targets]) || (asked.isEmpty && rotated.isEmpty)
        self.needsRoot = needsRoot
        renewsTargets = asked.contains("targets") || request.targets != nil
        needsTargets = renewsTargets || !rotated.isDisjoint(with: [.deny, .revocation, .ops])
    }

    private static func roles(_ names: [String]) throws -> Set<FleetRole> {
        Set(
            try names.map { name in
                guard let role = FleetRole(rawValue: name) else {
                    let known = FleetRole.allCases.map(\.rawValue).joined(separator: ", ")
                    throw StoreError(
                        .invalid, "the server makes no keys for \"\(name.prefix(40))\"", hint: "one of \(known)")
                }
                return role
            })
    }

    private static func asked(_ roles: [String]) throws -> Set<String> {
        if let other = roles.first(where: { !["root", "targets"].contains($0) }) {
            throw StoreError(.invalid, "no ceremony signs \"\(other.prefix(40))\"", hint: "root or targets")
        }
        return Set(roles)
    }

    /// Beginning anew is confirmed by the fleet's name, because every host has to enrol again.
    private static func startsOver(_ request: CeremonyFleetRequest, _ present: PresentRoot?) throws -> Bool {
        guard let confirmed = request.startOver else { return false }
        guard confirmed == request.fleet else {
            throw StoreError(
                .invalid, "\"\(confirmed)\" is not the name of the fleet that is to start over",
                hint: "give the name \(request.fleet)")
        }
        guard present != nil else {
            throw StoreError(
                .invalid, "fleet \"\(request.fleet)\" has no root yet to start over from", hint: "open a ceremony")
        }
        guard request.root != nil else {
            throw StoreError(.invalid, "starting over needs new root keys", hint: "give them with --key")
        }
        return true
    }

    private static func rootKeys(_ request: CeremonyFleetRequest, _ present: PresentRoot?) throws -> ProposedKeys {
        if let root = request.root { return ProposedKeys(keys: root.keys, threshold: root.threshold) }
        guard let present else {
            throw StoreError(
                .invalid, "fleet \"\(request.fleet)\" has no root keys yet", hint: "give them with --key")
        }
        return present.proposed(.root)
    }

    private static func targets(
        _ request: CeremonyFleetRequest, _ present: PresentRoot?
    ) throws -> (RootDraft.TargetsKeys, Bool) {
        if let targets = request.targets {
            guard present != nil else {
                throw StoreError(
                    .invalid, "fleet \"\(request.fleet)\" has no root yet whose holders could give the targets away",
                    hint: "make the root first, then move the targets off the server in a second ceremony")
            }
            guard request.targetsOnline != true else {
                throw StoreError(.invalid, "the targets cannot be both on the server and off it")
            }
            return (.offline(ProposedKeys(keys: targets.keys, threshold: targets.threshold)), false)
        }
        guard let present, !present.targetsOnline, request.targetsOnline != true else { return (.online, true) }
        return (.offline(present.proposed(.targets)), false)
    }

    private static func check(
        _ rotated: Set<FleetRole>, _ asked: Set<String>, _ targetsOnline: Bool, _ fleet: FleetName
    ) throws {
        if asked.contains("targets"), targetsOnline {
            throw StoreError(
                .invalid, "the server signs what fleet \"\(fleet)\" says by itself",
                hint: "--targets-key moves that to keys off the server")
        }
        if rotated.contains(.targets), !targetsOnline {
            throw StoreError(
                .invalid, "the targets keys of fleet \"\(fleet)\" are held by people",
                hint: "give the new ones with --targets-key")
        }
    }
}

/// The root that a fleet serves, read for what stays as it is.
private struct PresentRoot {
    let root: Root
    let targetsOnline: Bool

    init(_ bytes: [UInt8]) throws {
        root = try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes).unverifiedContent
        targetsOnline = try RootSummary(bytes).targetsOnline
    }

    func proposed(_ role: TopLevelRole) -> ProposedKeys {
        ProposedKeys(
            keys: root[role].keyIDs.compactMap { root.keys.key(listedAs: $0)?.json }, threshold: root[role].threshold)
    }
}
