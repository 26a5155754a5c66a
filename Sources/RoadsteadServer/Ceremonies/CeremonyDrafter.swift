import Codecs
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// Draws up what a ceremony signs in one fleet. The server sees public keys and signatures of the people's keys,
/// nothing else; keys that it is to hold itself are made here, sealed, and wait for the ceremony's end.
struct CeremonyDrafter {
    let publisher: Publisher
    let now: UTCDate

    func draft(_ request: CeremonyFleetRequest) async throws -> NewCeremonyFleet {
        let state = try await publisher.stateForCeremony(of: request.fleet)
        let wish = try CeremonyWish(request, state)
        let fresh = try await publisher.makeKeys(wish.fresh, for: state, now: now)
        let held = try await publisher.prepareKeys(
            of: request.fleet, targetsOnline: wish.targetsOnline, besides: wish.fresh, now: now)
        let keys = CeremonyKeys(held: held, fresh: fresh, targetsOnline: wish.targetsOnline)
        let root = try wish.needsRoot ? rootDraft(wish, state, keys) : nil
        let targets = try await targetsDrafts(wish, state, keys, root)
        let drafts = [root.map(NewMetadataDraft.init)].compactMap { $0 } + targets.map(NewMetadataDraft.init)
        return NewCeremonyFleet(
            fleet: request.fleet, startsOver: wish.startsOver, targetsOnline: wish.targetsOnline,
            drafts: drafts.map { $0.following(state) }, heldKeys: try root.map(HeldKeys.init)?.keys ?? [],
            freshKeyIDs: fresh.map(\.keyID))
    }

    private func rootDraft(_ wish: CeremonyWish, _ state: FleetState, _ keys: CeremonyKeys) throws -> RootDraft {
        try RootDraft(
            RootDraft.Request(
                fleet: state.content.id, profile: state.content.profile, rootKeys: wish.rootKeys,
                targets: wish.targets, online: keys.all.filter { $0.purpose.fleet != nil }, used: keys.used,
                startsOver: wish.startsOver),
            after: state.roots.last?.bytes, now: now)
    }

    /// What the holders of the targets keys sign; nothing while the server signs it itself.
    private func targetsDrafts(
        _ wish: CeremonyWish, _ state: FleetState, _ keys: CeremonyKeys, _ root: RootDraft?
    ) async throws -> [TargetsDraft] {
        guard !wish.targetsOnline, wish.needsTargets else { return [] }
        let published = PublishedState(state)
        let paths = try TargetsDraft.oldTargetPaths(after: published)
        let drafts = try TargetsDraft.drafts(
            content: state.content, after: published, keys: try publisher.open(keys.all, of: state), now: now,
            root: root?.toSign, renewing: wish.renewsTargets, oldFiles: try await publisher.files(paths, of: state))
        guard !drafts.isEmpty || root != nil else {
            throw StoreError(
                .conflict, "nothing waits to be signed for fleet \"\(state.content.fleet)\"",
                hint: "to renew it all the same, open a ceremony without --role")
        }
        return drafts
    }
}

/// The server's keys as they will be once the ceremony is over.
struct CeremonyKeys {
    let all: [ServerKey]
    /// Keys that already serve, which nobody may propose for root or targets.
    let used: [UsedKey]

    init(held: [ServerKey], fresh: [ServerKey], targetsOnline: Bool) {
        let replaced = Set(fresh.map(\.purpose))
        all = (held.filter { !replaced.contains($0.purpose) } + fresh).filter { key in
            targetsOnline || key.purpose.role != FleetRole.targets.rawValue || key.purpose.fleet == nil
        }
        used = held.map { UsedKey(key: $0.key, holder: "\($0.purpose)") }
    }
}

/// The keys that people hold by a root.
private struct HeldKeys {
    let keys: [NewCeremonyFleet.HeldKey]

    init(_ draft: RootDraft) throws {
        let root = try MetadataDraft<Root>(toSign: draft.toSign).content
        let roles: [TopLevelRole] = draft.targetsOnline ? [.root] : [.root, .targets]
        keys = try roles.flatMap { role in
            try root[role].keyIDs.compactMap { root.keys.key(listedAs: $0) }.map {
                NewCeremonyFleet.HeldKey(role: role.rawValue, key: try PublicKeyRecord($0))
            }
        }
    }
}

extension NewMetadataDraft {
    fileprivate init(_ draft: RootDraft) {
        self.init(role: "root", version: draft.version, baseSHA256: nil, signedPart: draft.toSign)
    }

    fileprivate init(_ draft: TargetsDraft) {
        self.init(
            role: draft.role, version: draft.version, baseSHA256: nil, signedPart: draft.toSign,
            files: draft.files.map { NewFile(path: $0.path, bytes: $0.bytes) })
    }

    /// The same, bound to the file of its role that is published now.
    fileprivate func following(_ state: FleetState) -> NewMetadataDraft {
        let base = role == "root" ? state.roots.last?.sha256 : state.current[role]?.sha256
        return NewMetadataDraft(
            role: role, version: version, baseSHA256: base, signedPart: signedPart, files: files)
    }
}

extension PublicKeyRecord {
    init(_ key: Key) throws {
        guard let material = key.material else {
            throw ServerError(.request, "key \(key.id) has a type that cannot be used here")
        }
        self.init(keyID: key.id.text, publicKey: material.spki, keyObject: key.json.sorted.bytes)
    }
}
