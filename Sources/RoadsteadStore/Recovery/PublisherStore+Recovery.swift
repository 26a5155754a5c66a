package import Codecs
import PostgresKit
package import TrustModel

/// What is taken in of a fleet that was published further than the database knows. The caller has verified all of it.
package struct RecoveryIntake: Sendable {
    package struct Denial: Sendable {
        package let subject: DenialSubject
        /// The team whose scopes it holds for; one that is not known here makes it hold everywhere.
        package let team: TeamName?
        package let reason: String

        package init(subject: DenialSubject, team: TeamName?, reason: String) {
            self.subject = subject
            self.team = team
            self.reason = reason
        }
    }

    package struct Seen: Sendable {
        package let role: String
        package let version: Int64
        package let sha256: String?

        package init(role: String, version: Int64, sha256: String?) {
            self.role = role
            self.version = version
            self.sha256 = sha256
        }
    }

    package var denials: [Denial] = []
    package var teamsGone: [TeamName] = []
    /// Roots, other metadata and target files, the timestamp last.
    package var files: [NewFile] = []
    package var teamRoles: [TeamRoleRecord] = []
    /// The release that the files make, and the digest of its snapshot.
    package var release: Int64
    package var digest: String
    package var rootVersion: Int64?
    /// Every version that was seen outside: none is given out again.
    package var seen: [Seen] = []
    package var difference: [String] = []

    package init(release: Int64, digest: String) {
        self.release = release
        self.digest = digest
    }
}

extension PublisherStore {
    /// What hosts have shown of a fleet and is not settled, the newest first.
    package func hostEvidence(of name: FleetName) async throws -> [HostEvidenceRecord] {
        try await pool.withTransaction(access: .readOnly) { transaction in
            try await transaction.fetchAll(ListHostEvidence(fleet: try await transaction.requireFleet(name).id))
        }
    }

    /// Contents that the database has of some digests.
    package func contents(_ sha256s: [String]) async throws -> [[UInt8]] {
        try await pool.fetchAll(ListContents(sha256s: sha256s))
    }

    /// Takes in what was published and lost, and lets the fleet be published again: all of it or nothing.
    ///
    /// No trust is added: denials come in, teams leave, signed files come back as they were.
    package func recover(_ intake: RecoveryIntake, of name: FleetName, now: UTCDate) async throws {
        try await fenced(name) { transaction in
            let fleet = try await transaction.lockFleet(name)
            let author = try await transaction.recoveryAuthor(now)
            for denial in intake.denials {
                let team = try await transaction.fetchOptional(FindTeamOfFleet(team: denial.team))
                _ = try await transaction.fetchOptional(
                    InsertDenial(
                        subject: denial.subject, team: team, reason: denial.reason, author: author, change: nil,
                        now: now))
            }
            for team in intake.teamsGone {
                guard let id = try await transaction.fetchOptional(FindTeamOfFleet(team: team)) else { continue }
                try await transaction.execute(DeleteFleetTeam(fleet: fleet.id, team: id))
            }
            try await transaction.takeIn(intake, fleet, now)
            try await transaction.execute(SettleHostEvidence(fleet: fleet.id, now: now))
            try await transaction.execute(EndHalt(fleet: fleet.id, now: now))
            try await Self.audit(transaction, now).record(
                .fleetRecovered, name, fleet: name,
                detail: [
                    "release": .integer(intake.release),
                    "denials": .integer(Int64(intake.denials.count)),
                    "teamsGone": .array(intake.teamsGone.map { .string($0.rawValue) }),
                ])
        }
    }

    /// Lets a fleet be published again of which nothing newer was found.
    package func endHalt(of name: FleetName, now: UTCDate) async throws {
        try await pool.withTransaction { transaction in
            let fleet = try await transaction.lockFleet(name)
            try await transaction.execute(SettleHostEvidence(fleet: fleet.id, now: now))
            guard try await transaction.execute(EndHalt(fleet: fleet.id, now: now)) == 1 else { return }
            try await Self.audit(transaction, now).record(.fleetRecovered, name, fleet: name)
        }
    }
}

extension Transaction {
    /// Denials that come back need an author: a person without credential and role, made when first needed.
    fileprivate func recoveryAuthor(_ now: UTCDate) async throws -> PersonID {
        if let id = try await fetchOptional(InsertRecoveryAuthor(now: now)) { return id }
        return try await fetchOne(FindRecoveryAuthor())
    }

    fileprivate func takeIn(_ intake: RecoveryIntake, _ fleet: FleetRow, _ now: UTCDate) async throws {
        let last = try await fetchAll(ListReleases(fleet: fleet.name, before: 0, limit: 1)).first
        if let last, last.state == .signed {
            try await execute(PublishRelease(fleet: fleet.id, number: last.number, now: now))
        }
        if intake.release > last?.number ?? 0 {
            try await execute(
                InsertRecoveredRelease(
                    fleet: fleet.id, number: intake.release, previousDigest: last?.digest, digest: intake.digest,
                    difference: try StoredJSON.text(intake.difference), now: now))
        }
        for role in intake.teamRoles {
            let content = NewFile(path: "", bytes: role.bytes)
            try await execute(InsertContent(sha256: content.sha256, bytes: role.bytes))
            try await execute(InsertRecoveredTeamRole(role: role, sha256: content.sha256, now: now))
        }
        try await store(intake.files.filter { $0.role == "root" }, fleet: fleet.id, release: 0, now: now)
        try await store(
            intake.files.filter { $0.role != "root" }, fleet: fleet.id, release: intake.release, now: now)
        try await execute(
            AdvanceRecoveredFleet(fleet: fleet.id, release: intake.release, root: intake.rootVersion ?? 0))
        try await execute(InsertRecoveredVersions(fleet: fleet.id, seen: intake.seen, now: now))
    }
}
