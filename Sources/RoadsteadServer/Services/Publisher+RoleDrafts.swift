import Codecs
import Logging
import Observability
import PKI
import RoadsteadPublish
import RoadsteadStore
import TUF
import TrustModel

/// Drafts of the roles that teams sign themselves: opened when a fleet's content asks for one, closed when its quorum
/// has signed. The server assembles; it signs only where it hands over to a team, or takes over from one.
extension Publisher {
    /// Sees to the drafts of every team of a fleet whose members sign; one team's trouble is its own.
    ///
    /// - Returns: whether a role was completed, so that the fleet's state is to be read again.
    func tendRoleDrafts(_ state: FleetState, _ keys: [ServerKey], now: UTCDate) async throws -> Bool {
        var isCompleted = false
        for content in state.signedByMembers {
            do {
                if try await tend(content, state, keys, now: now) { isCompleted = true }
            } catch {
                logger.error(
                    "a team's draft cannot be made",
                    metadata: [
                        LogKey.fleet.rawValue: "\(state.content.fleet)",
                        LogKey.reason.rawValue: "\(content.name): \(error)",
                    ])
            }
        }
        return isCompleted
    }

    /// Who speaks for the teams that sign themselves; a quorum that cannot be used leaves its own team held.
    static func quorums(of state: FleetState) -> [TeamName: TeamQuorum] {
        state.teamQuorums.compactMapValues { try? TeamQuorum($0) }
    }

    /// What a certificate is called in differences.
    @Sendable static func anchorLabel(_ der: [UInt8]) -> String {
        (try? Certificate(der: der)).map { "\($0.subject)" } ?? ReleaseDifference.digestLabel(der)
    }

    private func tend(
        _ content: TeamContent, _ state: FleetState, _ keys: [ServerKey], now: UTCDate
    ) async throws -> Bool {
        let fleet = state.content.fleet
        guard let drafting = try await store.drafting(of: content.name, for: fleet) else { return false }
        let quorum = try TeamQuorum(drafting.quorum)
        let best = state.teamRoles[content.name].map {
            SignedTeamRole(team: $0.team, version: $0.version, bytes: $0.bytes)
        }
        let listed = state.current[content.name.rawValue]?.version ?? 0
        // What hands over is signed by the members and the server, whatever they have signed before.
        let fits =
            !drafting.isHandingBack
            && best.map { $0.version >= listed && $0.says(content, signedBy: quorum) } ?? false
        if fits, !drafting.renewalAsked {
            if drafting.needed != nil { try await store.needNoRoleDraft(of: content.name, for: fleet, now: now) }
            return false
        }
        for record in drafting.open where record.quorum.epoch == drafting.quorum.epoch && now < record.expires {
            let draft = try TeamRoleDraft(record, base: drafting.newest)
            guard draft.says(content) else { continue }
            if draft.missing.isEmpty {
                let role = try draft.close()
                try await store.closeRoleDraft(
                    record.id,
                    role: TeamRoleRecord(
                        team: role.team, version: role.version, bytes: role.bytes, contentNumber: record.contentNumber),
                    now: now)
                return true
            }
            if drafting.needed != record.id {
                try await store.needRoleDraft(record.id, of: content.name, for: fleet, now: now)
            }
            return false
        }
        guard let number = state.contentNumbers[content.name] else { return false }
        let opened = try await open(content, number, drafting, quorum, keys, now: now)
        try await store.openRoleDraft(opened, for: fleet, now: now)
        return false
    }

    private func open(
        _ content: TeamContent, _ number: Int64, _ drafting: TeamDrafting, _ quorum: TeamQuorum, _ keys: [ServerKey],
        now: UTCDate
    ) async throws -> NewRoleDraft {
        let former = drafting.former.flatMap { $0.keys.isEmpty ? nil : $0 }
        var draft = try TeamRoleDraft(
            TeamRoleDraft.Request(
                content: content, version: drafting.nextVersion, quorum: quorum,
                former: try former.map { try TeamQuorum($0) },
                base: drafting.newest.map { SignedTeamRole(team: $0.team, version: $0.version, bytes: $0.bytes) }),
            now: now)
        var signatures: [(keyID: String, signature: [UInt8])] = []
        for key in keys where key.purpose == .team(content.name) {
            let isServers = [former, drafting.quorum].contains { party in
                party.map { $0.holders.isEmpty && $0.keys.map(\.keyID).contains(key.key.id.text) } ?? false
            }
            guard isServers else { continue }
            let before = draft.signatures.count
            try await draft.sign(with: try self.keys.open(key))
            signatures += draft.signatures.dropFirst(before)
        }
        return NewRoleDraft(
            team: content.name, epoch: drafting.quorum.epoch, formerEpoch: former?.epoch,
            contentNumber: number, version: drafting.nextVersion, signedPart: draft.toSign,
            files: Dictionary(draft.files.map { ($0.path, $0.bytes) }) { first, _ in first }, signatures: signatures)
    }
}

extension FleetState {
    /// The teams whose role their members sign, those among them that hand over to the server.
    var signedByMembers: [TeamContent] {
        content.teams.filter { $0.custody == .team || handingBack.contains($0.name) }
    }
}

extension TeamQuorum {
    init(_ party: RoleDraftRecord.Party) throws {
        try self.init(
            ProposedKeys(keys: try party.keys.map { try JSON(parsing: $0.keyObject) }, threshold: party.threshold))
    }

    init(_ record: TeamQuorumRecord) throws {
        try self.init(
            ProposedKeys(keys: try record.keys.map { try JSON(parsing: $0.keyObject) }, threshold: record.threshold))
    }
}

extension TeamRoleDraft {
    /// Takes a stored draft up; every signature is verified again.
    init(_ record: RoleDraftRecord, base: TeamRoleRecord?, oldFiles: [String: [UInt8]] = [:]) throws {
        try self.init(
            toSign: record.signedPart, team: record.team, quorum: try TeamQuorum(record.quorum),
            former: try record.former.map { try TeamQuorum($0) },
            signatures: record.signatures.map { ($0.keyID, Hex.encode($0.signature)) },
            files: record.files.map { BuiltFile(targetPath: $0.key, bytes: $0.value) },
            base: base?.bytes, oldFiles: oldFiles, anchorLabel: { Publisher.anchorLabel($0) })
    }
}
