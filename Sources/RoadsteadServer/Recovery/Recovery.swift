import Codecs
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TUF
import TrustModel

/// Brings a fleet back to what was published, after its database was restored from a backup.
struct Recovery: Sendable {
    let store: PublisherStore
    let keys: ServerKeys
    /// Published files to look at beside what hosts have shown: this server's, or a copy of another's.
    let directory: PublishedDirectory

    /// Finds out what was published and is not known here; changes nothing.
    ///
    /// - Throws: `ServerError(.recovery)` when nothing newer is found, or what is found cannot be taken in.
    func plan(_ fleet: FleetName) async throws -> RecoveryPlan {
        let state = try await store.state(of: fleet)
        let evidence = try await evidence(of: fleet)
        let watch = RestoreWatch(database: store.files)
        var findings: [RestoreWatch.Finding] = []
        for (one, onOwnDisk) in evidence {
            let found = try await watch.finding(one, of: fleet, state.content.id, onOwnDisk: onOwnDisk)
            if let found { findings.append(found) }
        }
        guard let newest = findings.max(by: { Self.rank($0.branch) < Self.rank($1.branch) })?.branch else {
            throw ServerError(
                .nothingNewer, "nothing that was published of fleet \(fleet) is newer than the database",
                hint: "give the published files of another server: --from DIR")
        }
        try await refuseForks(findings.map(\.branch), fleet)
        let branch = try await completed(newest, evidence.map(\.0), state)
        return RecoveryPlan(
            fleet: fleet, findings: findings.map(\.sentence), branch: branch,
            difference: try await difference(branch, state), state: state)
    }

    /// Takes in what a plan found, in one transaction.
    func apply(_ plan: RecoveryPlan, now: UTCDate) async throws {
        let done: Bool? = try await store.withPublishingLock(plan.fleet) {
            var intake = try plan.intake()
            if let timestamp = try await timestamp(plan, now: now) {
                intake.files.append(timestamp)
            } else if try await isTimestampTaken(plan) {
                throw ServerError(
                    .recovery, "this server does not hold the timestamp key that fleet \(plan.fleet) has now",
                    hint: "hold a ceremony that gives the fleet new online keys: roadstead ceremony open --rotate")
            } else {
                intake.files.append(NewFile(plan.branch.timestamp))
            }
            try await store.recover(intake, of: plan.fleet, now: now)
            return true
        }
        guard done == true else {
            throw ServerError(
                .unavailable, "another publisher is busy with fleet \(plan.fleet)", hint: "try again shortly")
        }
    }

    // MARK: Evidence

    private func evidence(of fleet: FleetName) async throws -> [(MetadataEvidence, onOwnDisk: Bool)] {
        var all: [(MetadataEvidence, onOwnDisk: Bool)] = []
        if let disk = directory.evidence(of: fleet) { all.append((disk, true)) }
        for record in try await store.hostEvidence(of: fleet) {
            let metadata = try HostMetadata(verifiedBytes: record.bytes)
            all.append((try MetadataEvidence(metadata, of: record.host), false))
        }
        return all
    }

    private static func rank(_ branch: PublishedBranch) -> (Int64, Int64, Int64) {
        (branch.newRoots.last?.version ?? 0, branch.snapshot.version, branch.timestamp.version)
    }

    /// Two histories cannot both go on: what one listed the other denies.
    private func refuseForks(_ branches: [PublishedBranch], _ fleet: FleetName) async throws {
        var seen: [String: [Int64: (String, String)]] = [:]
        for branch in branches {
            for version in branch.seen where version.role != "timestamp" {
                guard let digest = version.sha256 else { continue }
                if let other = seen[version.role]?[version.version], other.0 != digest {
                    throw Self.fork(fleet, "\(version.role) \(version.version)", "\(other.1) and \(branch.source)")
                }
                seen[version.role, default: [:]][version.version] = (digest, branch.source)
            }
            let known = try await store.files.known(branch.seen, of: fleet)
            if let other = Lead(of: branch.seen, over: known).forks.first(where: { $0.role != "timestamp" }) {
                throw Self.fork(fleet, "\(other.role) \(other.version)", "\(branch.source) and this database")
            }
        }
    }

    private static func fork(_ fleet: FleetName, _ what: String, _ who: String) -> ServerError {
        ServerError(
            .recovery, "fleet \(fleet) was published twice: \(what) differs between \(who)",
            hint:
                "restore the database from the newest backup of the history that the hosts follow; see docs/operating.md"
        )
    }

    /// The branch with every file that somebody has: a role that did not change since is in the database.
    private func completed(
        _ branch: PublishedBranch, _ evidence: [MetadataEvidence], _ state: FleetState
    ) async throws -> PublishedBranch {
        var whole = MetadataEvidence(
            source: branch.source, roots: evidence.flatMap(\.roots),
            files: ["timestamp": branch.timestamp.bytes, "snapshot": branch.snapshot.bytes])
        for (role, version) in branch.listed {
            let candidates = evidence.compactMap { $0.files[role] } + [state.current[role]?.bytes].compactMap(\.self)
            whole.files[role] =
                branch.roles[role]?.bytes
                ?? candidates.first { PublishedBranch.version(ofRole: $0) == version }
        }
        whole.targets = evidence.flatMap(\.targets)
        whole.targets += try await store.contents(whole.files.values.flatMap(PublishedBranch.targetDigests))
        let roots = try await store.files.roots(of: state.content.fleet) as [[UInt8]]
        let complete = try PublishedBranch(whole, roots: roots, fleet: state.content.id, trustsOwnRoots: true)
        guard complete.isWhole else {
            let missing = complete.missingRoots.map { "root \($0)" } + complete.missing
            throw ServerError(
                .recovery,
                "\(branch.source) is ahead of the database, and lacks \(missing.prefix(8).joined(separator: ", "))",
                hint: "give the published files of a server that has them: --from DIR")
        }
        return complete
    }

    private func difference(_ branch: PublishedBranch, _ state: FleetState) async throws -> RecoveryDifference {
        var here: [String: [UInt8]] = [:]
        for (_, file) in state.current where file.role != "timestamp" && file.role != "snapshot" {
            for (name, path) in PublishedBranch.targetPaths(ofRole: file.bytes) {
                here[name] = try await store.files.file(path, of: state.content.fleet)?.bytes
            }
        }
        let published = here
        let teams = state.content.teams.map(\.name)
        let outside = branch.roles.keys.compactMap { TeamName(rawValue: $0) }
        return RecoveryDifference(
            outside: try RecoveryDifference.Side(
                teams: outside, names: branch.targetNames, file: branch.target),
            here: try RecoveryDifference.Side(
                teams: teams,
                names: { team in published.keys.filter { $0.hasPrefix("\(team)/") }.sorted() },
                file: { published[$0] }), denied: state.content.denials)
    }

    // MARK: Timestamp

    /// A timestamp above every one that was seen, signed here; nil when the key is not held.
    private func timestamp(_ plan: RecoveryPlan, now: UTCDate) async throws -> NewFile? {
        let id = plan.state.content.id
        let held = plan.state.keys.first { $0.place == .role("timestamp", of: id) }
        guard let held, let root = plan.branch.newRoots.last?.bytes ?? plan.state.roots.last?.bytes else { return nil }
        let highest = max(plan.state.counters["timestamp"] ?? 0, plan.branch.timestamp.version)
        let bytes = try await RecoveredTimestamp.sign(
            over: plan.branch, of: id, plan.state.content.profile, after: highest,
            by: try keys.open(try ServerKey(held)), root: root, now: now)
        return bytes.map {
            NewFile(path: "metadata/timestamp.json", bytes: $0, role: "timestamp", version: highest + 1)
        }
    }

    private func isTimestampTaken(_ plan: RecoveryPlan) async throws -> Bool {
        plan.state.counters["timestamp"] ?? 0 >= plan.branch.timestamp.version
    }
}

/// What `recover` would do to one fleet.
struct RecoveryPlan: Sendable {
    let fleet: FleetName
    /// Who has what.
    let findings: [String]
    let branch: PublishedBranch
    let difference: RecoveryDifference
    let state: FleetState

    /// What is taken in of it, without the timestamp.
    func intake() throws -> RecoveryIntake {
        var intake = RecoveryIntake(release: branch.snapshot.version, digest: branch.snapshot.seen.sha256 ?? "")
        intake.denials = try difference.denials.map { denial in
            guard let subject = denial.subject else {
                throw ServerError(
                    .recovery, "denial \(denial.id) is of a kind that this version does not know", hint: "update it")
            }
            return RecoveryIntake.Denial(
                subject: subject, team: denial.team, reason: "\(denial.reason) (denied since \(denial.issued))")
        }
        intake.denials += difference.removed.map { anchor in
            RecoveryIntake.Denial(
                subject: .certificate(sha256: anchor.sha256), team: anchor.team,
                reason: "was removed from \(anchor.store) before the database was restored")
        }
        intake.teamsGone = difference.teamsGone
        intake.rootVersion = branch.newRoots.last?.version
        let metadata = branch.newRoots + branch.roles.values.sorted { $0.role < $1.role } + [branch.snapshot]
        intake.files =
            branch.targets.map { NewFile(path: $0.path, bytes: $0.bytes) } + metadata.map { NewFile($0) }
        let teams = Set(state.content.teams.map(\.name))
        intake.teamRoles = branch.roles.values.compactMap { role -> TeamRoleRecord? in
            guard let team = TeamName(rawValue: role.role), teams.contains(team) else { return nil }
            return TeamRoleRecord(team: team, version: role.version, bytes: role.bytes, contentNumber: nil)
        }
        intake.seen = branch.seen.map {
            RecoveryIntake.Seen(role: $0.role, version: $0.version, sha256: $0.sha256)
        }
        intake.difference = lines
        return intake
    }

    /// What would be done, for people: denials first.
    var lines: [String] {
        difference.denials.map { "denies again \($0.kind) \($0.value)\(Self.reach($0.team)): \($0.reason)" }
            + difference.removed.map {
                "denies \($0.sha256) in the scopes of \($0.team): it was removed from \($0.store) since"
            } + difference.teamsGone.map { "takes team \($0) out of the fleet again" }
            + difference.moved.map { "to do again: remove \($0.sha256) from \($0.store) of \($0.team)" }
            + difference.lost.map { "lost, to be proposed again: \($0.sha256) in \($0.store) of \($0.team)" }
            + difference.lifted.map { "was lifted since and holds again: \($0.kind) \($0.value)\(Self.reach($0.team))" }
            + difference.notes
            + ["goes on from release \(branch.snapshot.version), published as \(branch.source) has it"]
    }

    private static func reach(_ team: TeamName?) -> String { team.map { " in the scopes of \($0)" } ?? " everywhere" }
}

extension NewFile {
    init(_ file: PublishedBranch.SeenFile) {
        self.init(path: file.path, bytes: file.bytes, role: file.role, version: file.version)
    }
}
