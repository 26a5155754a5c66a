import Codecs
import SigningKeys
import TUF
import TrustModel

/// What a release does about one team.
struct TeamDecision {
    /// The team's role as it is to be; nil when the team is held.
    let role: PlannedRole?
    /// Whose signatures hosts are told to believe; nil when the fleet leaves the team out.
    let speaker: TeamQuorum?
    /// Why the team is held.
    let held: HeldTeam?
}

/// Decides about one team, whatever the state of the others.
struct TeamPlanner {
    let team: TeamContent
    let keys: FleetKeys
    /// Who speaks for the team in what is published.
    let present: TeamQuorum?
    /// What the fleet has published of the team, and what the snapshot lists of it.
    let here: UnverifiedMetadata<Targets>?
    let listed: Int64
    /// The team's newest signed role with this content.
    let best: SignedTeamRole?
    let lifetimes: Lifetimes
    let now: UTCDate
    /// Gives the version under which the role is signed next.
    let nextVersion: () throws -> Int64

    private var name: TeamName { team.name }
    private var isHandingBack: Bool { keys.handingBack.contains(name) }

    /// Who should speak for the team by what was agreed.
    var desired: TeamQuorum? {
        switch team.custody {
        case .server: keys[name].flatMap { try? TeamQuorum($0.key) }
        case .team: keys.teamQuorums[name]
        }
    }

    /// The decision of a server that signs the delegation too: to who should speak for the team, or else to who does.
    func free() -> TeamDecision {
        // Until its members have signed the version that hands over, who speaks for it goes on doing so.
        let speakers = isHandingBack && present != nil ? [present] : [desired, present]
        return decide(speakers.compactMap { $0 }, otherwise: present)
    }

    /// The decision where people have signed the delegation.
    func fixed(_ speaker: TeamQuorum) -> TeamDecision { decide([speaker], otherwise: speaker) }

    private func decide(_ speakers: [TeamQuorum], otherwise: TeamQuorum?) -> TeamDecision {
        do {
            let bundle = try checkedBundle()
            switch team.custody {
            case .server where !isHandingBack: return try serve(bundle, speakers)
            case .server, .team: return try adopt(bundle, speakers)
            }
        } catch {
            let reason = (error as? PublishError)?.reason ?? (error as? TUFError)?.reason ?? "\(error)"
            let held = HeldTeam(team: name, reason: reason, isListed: otherwise != nil)
            return TeamDecision(role: otherwise.flatMap(keptAlive), speaker: otherwise, held: held)
        }
    }

    /// What is published of a team in the server's custody, signed again in time although the team is held, so that it
    /// does not expire.
    private func keptAlive(_ speaker: TeamQuorum) -> PlannedRole? {
        guard team.custody == .server, canSign(speaker), let here, here.unverifiedContent.version == listed,
            isSigned(here, by: speaker)
        else { return nil }
        var content = here.unverifiedContent
        let isDue = lifetimes.team.isDue(content.expires, at: now)
        if isDue {
            guard let version = try? nextVersion() else { return nil }
            content.header.version = version
            content.header.expires = lifetimes.team.expiry(from: now)
        }
        return PlannedRole(
            name: name.rawValue, content: content, kept: isDue ? nil : here.bytes, reason: isDue ? .renewed : nil,
            files: [], team: name, signers: isDue ? keys.held(name).filter(speaker.contains) : [],
            due: lifetimes.team.due(content.expires))
    }

    // MARK: Custody

    /// Keeps what fits, or signs anew: with the key that is to speak, and with each held key that does so far.
    private func serve(_ bundle: TargetBundle, _ speakers: [TeamQuorum]) throws -> TeamDecision {
        guard desired != nil else { throw held("there is no key for its role on this server") }
        guard let speaker = speakers.first(where: canSign) else {
            do { return try adopt(bundle, speakers) } catch {
                throw held("the fleet's settings name other keys for it than the one on this server")
            }
        }
        let candidate = candidate(bundle, lifetimes.team)
        // A content that no role was signed for gets one of its own, also where what is out says the same: above what
        // was signed for other fleets meanwhile, so that it can be promoted to them.
        let old = best == nil ? nil : newest(candidate)
        let reason = try reason(candidate, old, speaker)
        guard let reason else {
            let role = kept(old, bundle, due: lifetimes.team.due)
            return TeamDecision(role: role, speaker: speaker, held: nil)
        }
        let all = [speaker, present, desired].compactMap { $0 }
        let signers = keys.held(name).filter { key in all.contains { $0.contains(key) } }
        var content = candidate
        content.header.version = try nextVersion()
        try checkSize(content)
        let role = PlannedRole(
            name: name.rawValue, content: content, kept: nil, reason: reason, files: files(bundle), team: name,
            signers: signers, due: lifetimes.team.due(content.expires))
        return TeamDecision(role: role, speaker: speaker, held: nil)
    }

    /// Takes what the team's members have signed, as it is.
    private func adopt(_ bundle: TargetBundle, _ speakers: [TeamQuorum]) throws -> TeamDecision {
        guard desired != nil || present != nil else { throw held("it has no keys of its own yet") }
        guard let role = newest(candidate(bundle, lifetimes.teamCustody)) else { throw held(unfit(bundle)) }
        guard !role.unverifiedContent.isExpired(at: now) else {
            throw held("its members' signed role expired at \(role.unverifiedContent.expires)")
        }
        for speaker in speakers where isSigned(role, by: speaker) {
            return TeamDecision(role: kept(role, bundle) { $0 }, speaker: speaker, held: nil)
        }
        throw held("too few of its members have signed version \(role.unverifiedContent.version)")
    }

    /// Why there is no role that says what the content says.
    private func unfit(_ bundle: TargetBundle) -> String {
        guard let best else { return "its members have not signed what it says now" }
        guard let signed = read(best) else { return "its signed role cannot be read" }
        guard signed.unverifiedContent.targets == bundle.listing else {
            return "its members have not signed what it says now"
        }
        return "its members have signed version \(best.version), and the fleet lists version \(listed) already"
    }

    private func canSign(_ speaker: TeamQuorum) -> Bool {
        let ours = keys.held(name).filter(speaker.contains)
        return Set(ours.map(\.key.id)).count >= speaker.threshold
    }

    // MARK: Roles

    /// The newest role that says what the candidate says and is no older than what the fleet lists.
    private func newest(_ candidate: Targets) -> UnverifiedMetadata<Targets>? {
        let known = [here, best.flatMap(read)].compactMap { $0 }.filter { role in
            var same = candidate
            same.header = role.unverifiedContent.header
            return same == role.unverifiedContent && role.unverifiedContent.version >= listed
        }
        // Of two with one version the published one stays.
        return known.first.map { first in
            known.dropFirst().reduce(first) {
                $1.unverifiedContent.version > $0.unverifiedContent.version ? $1 : $0
            }
        }
    }

    private func reason(
        _ candidate: Targets, _ old: UnverifiedMetadata<Targets>?, _ speaker: TeamQuorum
    ) throws -> SigningReason? {
        guard let old else { return here == nil && best == nil ? .new : .changed }
        guard isSigned(old, by: speaker) else { return .keys }
        return lifetimes.team.isDue(old.unverifiedContent.expires, at: now) ? .renewed : nil
    }

    private func isSigned(_ role: UnverifiedMetadata<Targets>, by speaker: TeamQuorum) -> Bool {
        (try? speaker.quorum(of: name.rawValue).verify(role)) != nil
    }

    private func read(_ role: SignedTeamRole) -> UnverifiedMetadata<Targets>? {
        let limit = PublishingLimits.targetsBytes
        guard let file = try? UnverifiedMetadata<Targets>(role.bytes, maximumBytes: limit),
            file.unverifiedContent.version == role.version
        else { return nil }
        return file
    }

    private func kept(
        _ role: UnverifiedMetadata<Targets>?, _ bundle: TargetBundle, due: (UTCDate) -> UTCDate
    ) -> PlannedRole? {
        role.map {
            PlannedRole(
                name: name.rawValue, content: $0.unverifiedContent, kept: $0.bytes, reason: nil, files: files(bundle),
                team: name, signers: [], due: due($0.unverifiedContent.expires))
        }
    }

    /// The same bytes go into every fleet, so nothing in them names one.
    private func candidate(_ bundle: TargetBundle, _ lifetime: Lifetime) -> Targets {
        Targets(header: MetadataHeader(version: 1, expires: lifetime.expiry(from: now)), targets: bundle.listing)
    }

    private func files(_ bundle: TargetBundle) -> [BuiltFile] {
        bundle.built(without: here?.unverifiedContent.targets ?? [:])
    }

    // MARK: Limits

    private func checkedBundle() throws -> TargetBundle {
        let bundle = try team.checkedBundle
        if let refusal = TeamTargets.refusal(ofLengths: bundle.files.map(\.file.length)) { throw held(refusal) }
        return bundle
    }

    private func checkSize(_ content: Targets) throws {
        let size = try MetadataDraft(content).toSign.count + Self.signatureRoom
        guard size <= PublishingLimits.targetsBytes else {
            throw held("its role would have \(size) bytes, at most \(PublishingLimits.targetsBytes) fit")
        }
    }

    /// Bytes that the signatures of a role take at most.
    private static let signatureRoom = 4 << 10

    private func held(_ reason: String) -> PublishError { PublishError(.content, reason) }
}
