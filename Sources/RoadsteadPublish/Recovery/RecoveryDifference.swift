package import Codecs
import SigningKeys
import TUF
package import TrustModel

/// What a branch says that the database does not, and the other way round: denials first.
package struct RecoveryDifference: Sendable {
    /// An anchor of a team's store.
    package struct Anchor: Sendable, Equatable {
        package let team: TeamName
        /// `ca.prod`, as the store's file is named.
        package let store: String
        package let certificate: [UInt8]
        package var sha256: String { Hex.encode(HashAlgorithm.sha256.digest(of: certificate)) }
    }

    /// Denials that are in force outside and unknown here: they come back.
    package private(set) var denials: [DenyDocument.Denial] = []
    /// Anchors that were removed from all of a team's stores: they are denied in the team's scopes.
    package private(set) var removed: [Anchor] = []
    /// Anchors that were removed from one store and stand in another.
    package private(set) var moved: [Anchor] = []
    /// Teams that had left the fleet: they leave it again.
    package private(set) var teamsGone: [TeamName] = []
    /// Anchors that were added since: nothing adds them again but a change of its own.
    package private(set) var lost: [Anchor] = []
    /// Denials that were lifted since; they hold until they are lifted again.
    package private(set) var lifted: [DenyDocument.Denial] = []
    /// What else people have to look at.
    package private(set) var notes: [String] = []

    /// What was published of a fleet, from one side: the target files of each role.
    package struct Side: Sendable {
        package var denials: [DenyDocument.Denial] = []
        package var settings: FleetSettings?
        /// Certificates by team and store.
        package var anchors: [TeamName: [String: [[UInt8]]]] = [:]

        package init() {}

        /// - Parameter file: the bytes of a target file; nil when there is none.
        package init(teams: [TeamName], names: (String) throws -> [String], file: (String) throws -> [UInt8]?) throws {
            if let bytes = try file(DenyDocument.documentName) {
                denials = try DenyDocument(verifiedBytes: bytes).denials
            }
            settings = try file(FleetSettings.documentName).map { try FleetSettings(verifiedBytes: $0) }
            for team in teams {
                var stores: [String: [[UInt8]]] = [:]
                for name in try names(team.rawValue) where name.hasSuffix(".pem") {
                    let store = String(name.dropFirst(team.rawValue.utf8.count + 1).dropLast(4))
                    guard let bytes = try file(name) else { continue }
                    stores[store] = bytes.isEmpty ? [] : try PEM.decode(bytes).map(\.bytes)
                }
                anchors[team] = stores
            }
        }
    }

    /// - Parameters:
    ///   - outside: what was published, as the branch shows it.
    ///   - here: what the database says was published.
    ///   - denied: the denials in force in the database.
    package init(outside: Side, here: Side, denied: [DenyDocument.Denial]) {
        let known = Set(denied.map(Self.meaning))
        denials = outside.denials.filter { !known.contains(Self.meaning($0)) }
        let published = Set(here.denials.map(Self.meaning))
        let now = Set(outside.denials.map(Self.meaning))
        lifted = denied.filter { published.contains(Self.meaning($0)) && !now.contains(Self.meaning($0)) }
        compareTeams(outside, here)
        for (team, stores) in here.anchors.sorted(by: { $0.key < $1.key }) where !teamsGone.contains(team) {
            compare(team, here: stores, outside: outside.anchors[team] ?? [:])
        }
        for (team, stores) in outside.anchors.sorted(by: { $0.key < $1.key }) where here.anchors[team] == nil {
            for (store, certificates) in stores { lost += certificates.map { anchor(team, store, $0) } }
        }
    }

    private mutating func compareTeams(_ outside: Side, _ here: Side) {
        guard let outside = outside.settings, let here = here.settings else { return }
        let then = Dictionary(outside.teams.map { ($0.name, $0) }) { first, _ in first }
        for team in here.teams {
            guard let other = then[team.name] else {
                teamsGone.append(team.name)
                continue
            }
            let narrowed = Set(team.scopes).subtracting(other.scopes).sorted()
            if !narrowed.isEmpty {
                notes.append(
                    "team \(team.name) had lost \(narrowed.map(\.rawValue).joined(separator: ", ")): take it away again"
                )
            }
            if team.custody != other.custody {
                notes.append("team \(team.name) was in custody \(other.custody.rawValue): propose that again")
            }
        }
        let known = Set(here.teams.map(\.name))
        for team in outside.teams where !known.contains(team.name) {
            notes.append("team \(team.name) had joined the fleet: add it again")
        }
        if outside.enforcers != here.enforcers { notes.append("the fleet's modes had changed: set them again") }
    }

    private mutating func compare(_ team: TeamName, here: [String: [[UInt8]]], outside: [String: [[UInt8]]]) {
        let anywhere = Set(outside.values.flatMap(\.self))
        for (store, certificates) in here.sorted(by: { $0.key < $1.key }) {
            let still = Set(outside[store] ?? [])
            for certificate in certificates where !still.contains(certificate) {
                let gone = anchor(team, store, certificate)
                if anywhere.contains(certificate) { moved.append(gone) } else { removed.append(gone) }
            }
        }
        for (store, certificates) in outside.sorted(by: { $0.key < $1.key }) {
            let known = Set(here[store] ?? [])
            lost += certificates.filter { !known.contains($0) }.map { anchor(team, store, $0) }
        }
    }

    private func anchor(_ team: TeamName, _ store: String, _ certificate: [UInt8]) -> Anchor {
        Anchor(team: team, store: store, certificate: certificate)
    }

    /// What makes two denials the same: what they deny and how far, not their number.
    private static func meaning(_ denial: DenyDocument.Denial) -> [String?] {
        [denial.kind, denial.value, denial.issuer, denial.team?.rawValue]
    }
}

/// The fleet's timestamp, signed anew over the snapshot that a branch shows.
package enum RecoveredTimestamp {
    /// - Parameter highest: the highest version that was seen anywhere.
    /// - Returns: nil when the root in force does not give the role to this key.
    package static func sign(
        over branch: PublishedBranch, of fleet: FleetID, _ profile: FleetProfile, after highest: Int64, by key: RoleKey,
        root: [UInt8], now: UTCDate
    ) async throws -> [UInt8]? {
        let limit = MetadataLimits().rootBytes
        let root = try SignedMetadata(selfSigned: try UnverifiedMetadata<Root>(root, maximumBytes: limit)).content
        guard root.timestamp.keyIDs.contains(key.key.id), root.timestamp.threshold == 1 else { return nil }
        let issued = max(now, branch.issued ?? now)
        let content = Timestamp(
            header: MetadataHeader(
                version: highest + 1, expires: profile.lifetimes.timestamp.expiry(from: now),
                stamp: FleetStamp(fleet: fleet.rawValue, issued: issued)),
            snapshot: MetaFile(version: branch.snapshot.version, content: branch.snapshot.bytes))
        var draft = try MetadataDraft(content)
        try await draft.sign(with: key.signer, as: key.key)
        return draft.bytes
    }
}
