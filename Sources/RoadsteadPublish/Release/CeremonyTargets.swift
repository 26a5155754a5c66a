import Codecs
import TUF
import TrustModel

/// The fleet's own role and its groups of teams as people have signed them, for a server that does not have their keys.
struct CeremonyTargets {
    let targets: UnverifiedMetadata<Targets>
    let groups: [RoleName: UnverifiedMetadata<Targets>]
    /// The files to publish with it.
    let files: [BuiltFile]

    var layout: TeamLayout {
        TeamLayout(targets.unverifiedContent, groups: groups.mapValues(\.unverifiedContent))
    }

    /// The newest that verifies under a root: what a ceremony has made, or else what is published.
    ///
    /// - Returns: with it, why the ceremony's result is not used, where there is one that should be.
    static func newest(
        _ state: PublishedState, _ published: PublishedRoles, under root: Root, fleet: FleetContent, now: UTCDate
    ) throws -> (CeremonyTargets, waiting: String?) {
        var refusal: String?
        if let signed = state.signedTargets {
            do {
                let targets = try UnverifiedMetadata<Targets>(signed.bytes, maximumBytes: PublishingLimits.targetsBytes)
                if let taken = try take(targets, signed, published, root, fleet, now) { return (taken, nil) }
            } catch let error as PublishError {
                refusal = error.reason
            } catch let error as TUFError {
                refusal = error.reason
            }
        }
        guard let targets = published.targets else {
            throw PublishError(
                .offlineKey, "the settings of fleet \(fleet.fleet) have to be signed with keys off this server",
                hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --role targets")
        }
        let kept = try verified(targets, [:], published, root, fleet, now, files: [])
        return (kept, refusal.map { "what the last ceremony has signed is not used: \($0)" })
    }

    /// Nil when nothing in it is newer than what is published.
    private static func take(
        _ targets: UnverifiedMetadata<Targets>, _ signed: SignedTargets, _ published: PublishedRoles, _ root: Root,
        _ fleet: FleetContent, _ now: UTCDate
    ) throws -> CeremonyTargets? {
        let version = targets.unverifiedContent.version
        let before = published.targets
        if let before, version <= before.unverifiedContent.version {
            guard version == before.unverifiedContent.version, targets.bytes == before.bytes, !signed.groups.isEmpty
            else { return nil }
        }
        if targets.bytes != before?.bytes {
            try FleetRoot.checkIssue(targets.unverifiedContent.stamp, of: "settings", at: now)
        }
        return try verified(targets, signed.groups, published, root, fleet, now, files: signed.files)
    }

    private static func verified(
        _ targets: UnverifiedMetadata<Targets>, _ groups: [String: [UInt8]], _ published: PublishedRoles, _ root: Root,
        _ fleet: FleetContent, _ now: UTCDate, files: [BuiltFile]
    ) throws -> CeremonyTargets {
        let content = try root.quorum(for: .targets).verify(targets).content
        guard content.stamp?.fleet == fleet.id.rawValue else {
            throw PublishError(.content, "the settings belong to another fleet than \(fleet.fleet)")
        }
        guard !content.isExpired(at: now) else {
            throw PublishError(
                .offlineKey, "the settings of fleet \(fleet.fleet) expired at \(content.expires)",
                hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --role targets")
        }
        var taken: [RoleName: UnverifiedMetadata<Targets>] = [:]
        for delegation in content.delegations?.roles ?? [] where TeamGroup.isName(delegation.name.text) {
            guard let quorum = content.delegations?.quorum(for: delegation) else { continue }
            taken[delegation.name] = try group(delegation.name, groups, published, quorum, now)
        }
        return CeremonyTargets(targets: targets, groups: taken, files: files)
    }

    /// The newest file of a group that its keys have signed.
    private static func group(
        _ name: RoleName, _ groups: [String: [UInt8]], _ published: PublishedRoles, _ quorum: Quorum, _ now: UTCDate
    ) throws -> UnverifiedMetadata<Targets> {
        let fresh = try groups[name.text].map {
            try UnverifiedMetadata<Targets>($0, maximumBytes: PublishingLimits.targetsBytes)
        }
        let listed = published.listedVersion(of: name) ?? 0
        let files = [fresh, published.delegated[name]].compactMap { $0 }
            .sorted { $0.unverifiedContent.version > $1.unverifiedContent.version }
        for file in files where file.unverifiedContent.version >= listed && (try? quorum.verify(file)) != nil {
            guard !file.unverifiedContent.isExpired(at: now) else { continue }
            return file
        }
        throw PublishError(.offlineKey, "the teams of group \(name) are not signed by the keys of the fleet's settings")
    }
}
