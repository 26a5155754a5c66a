import Codecs
import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Holds who is to sign against the keys that are registered.
    func plan(_ setting: CustodySetting) async throws -> ChangePlan.Step {
        let team = try requireTeam()
        let present = try await transaction.custody(of: team)
        guard
            present.custody != setting.custody || present.keys.map(\.key.keyID).sorted() != setting.keys
                || present.threshold != setting.threshold || (setting.formerLost && !present.formerLost)
        else {
            throw StoreError(
                .conflict, "team \(team.name) is in this custody already, with these keys and this threshold",
                hint: "roadstead team custody show \(team.name)")
        }
        var holders: [PersonID: String] = [:]
        var size = 0
        for keyID in setting.keys {
            let key = try await usable(keyID, of: team)
            size += key.key.keyObject.count + Self.roomPerKey
            if let other = holders.updateValue(keyID, forKey: key.holder) {
                throw StoreError(
                    .invalid,
                    "keys \(other.prefix(16)) and \(keyID.prefix(16)) are both held by \(key.holderName), "
                        + "who would sign twice", hint: "name one key of each person")
            }
        }
        guard size <= Self.maximumKeyBytes else {
            throw StoreError(
                .invalid,
                "the \(setting.keys.count) keys take \(size) bytes in the settings of every fleet with the team, at most "
                    + "\(Self.maximumKeyBytes) fit", hint: "name fewer keys, or smaller ones: Ed25519 or P-256")
        }
        return .setCustody(setting)
    }

    /// What the keys of one team may take in the fleet's targets, so that those of two hundred teams fit.
    private static let maximumKeyBytes = 4 << 10
    /// A key's id stands beside the key, and again with the role.
    private static let roomPerKey = 140

    private func usable(_ keyID: String, of team: TeamRow) async throws -> TeamKeyRecord {
        guard let key = try await transaction.fetchOptional(FetchTeamKey(keyID: keyID)), key.team == team.name else {
            throw StoreError(
                .notFound, "team \(team.name) has no key \(keyID.prefix(16))",
                hint: "its holder registers it: roadstead team keys add \(team.name) --key URI")
        }
        guard key.retired == nil else {
            throw StoreError(
                .conflict, "key \(keyID.prefix(16)) of \(key.holderName) was retired", hint: "name another key")
        }
        guard key.counts else {
            throw StoreError(
                .conflict,
                "\(key.holderName), who holds key \(keyID.prefix(16)), may hold none of team \(team.name) now",
                hint: "name the key of somebody who has a role there")
        }
        return key
    }

    func planRenewal() throws -> ChangePlan.Step {
        let team = try requireTeam()
        guard team.custody == .team else {
            throw StoreError(
                .invalid, "the server signs the role of team \(team.name), and renews it by itself",
                hint: "nothing needs to be done")
        }
        return .renewRole
    }

    /// Begins a new epoch; what was drafted for the keys before is void.
    func set(_ setting: CustodySetting, by change: Int64, audit: AuditWriter) async throws {
        let team = try requireTeam()
        let epoch = try await transaction.custody(of: team).epoch + 1
        try await transaction.execute(
            InsertCustody(team: team.id, epoch: epoch, setting: setting, change: change, now: now))
        for keyID in setting.keys {
            let insert = InsertCustodyKey(team: team.id, epoch: epoch, keyID: keyID)
            guard try await transaction.execute(insert) == 1 else {
                throw StoreError(
                    .conflict, "key \(keyID.prefix(16)) was retired, or its holder has no role any more",
                    hint: "name another key")
            }
        }
        try await transaction.voidDrafts(of: team, note: "other keys sign from now on", audit: audit)
        try await transaction.execute(SetTeamCustody(team: team.id, custody: setting.custody))
        try await audit.record(
            .custodySet, "\(team.name)/\(epoch)", team: team.name,
            detail: [
                "custody": .string(setting.custody.rawValue), "keys": .array(setting.keys.map { .string($0) }),
                "threshold": .integer(Int64(setting.threshold)), "formerLost": .bool(setting.formerLost),
            ])
    }

    func requestRenewal(by change: Int64, audit: AuditWriter) async throws {
        let team = try requireTeam()
        try await transaction.execute(RequestRenewal(change: change, team: team.id, now: now))
        try await audit.record(.renewalAsked, "C-\(change)", team: team.name)
    }
}
