import Codecs
import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// Who signs for a team, and the keys that its members hold.
struct CustodyController: Sendable {
    private static let tag = "custody"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/teams/{team}/custody", "Who signs a team's role", tag: Self.tag,
                permission: .team(Permission.readTeam)
            ) { call in
                let (record, online) = try await store.custody(of: try call.path("team"))
                return try CustodyBody(record, online: online)
            },
            .read(
                "/v1/teams/{team}/keys", "Keys of a team's members", tag: Self.tag,
                permission: .team(Permission.readTeam), queries: Endpoint.pageQueries
            ) { call in
                let keys = try await store.teamKeys(of: try call.path("team"))
                return try call.page(of: try keys.map { try TeamKeyBody($0) }) { $0.keyID }
            },
            .write(
                "/v1/teams/{team}/keys", "Registers the caller's own key", tag: Self.tag,
                permission: .team(Permission.holdKey)
            ) {
                (call: Call, body: TeamKeyRequest) in
                let session = try call.caller()
                let team: TeamName = try call.path("team")
                let key = try Self.proven(body, team: team, holder: session.person.subject)
                return try TeamKeyBody(
                    await store.registerTeamKey(
                        try PublicKeyRecord(key), of: team, by: session.actor, now: call.now))
            },
            .remove(
                "/v1/teams/{team}/keys/{id}", "Retires a key at once, for ever", tag: Self.tag,
                permission: .decidedInside("the holder of the key, or whoever may remove in the team")
            ) { call in
                _ = try await store.retireTeamKey(
                    try call.text("id"), of: try call.path("team"), by: try call.caller().actor, now: call.now)
            },
        ]
    }

    /// The key, in its one form and strong, of whose private half the holder has given proof.
    private static func proven(_ body: TeamKeyRequest, team: TeamName, holder: String) throws -> Key {
        let key = try Key(body.key)
        guard case .verifies(let material, let scheme) = key.use else {
            if case .unusable(let why) = key.use {
                throw ServerError(.unusableKey, "the key cannot sign: \(why)", hint: "use Ed25519, P-256, P-384 or RSA")
            }
            throw ServerError(.unusableKey, "the key cannot sign", hint: "use Ed25519, P-256, P-384 or RSA")
        }
        guard key.isCanonical else {
            throw ServerError(
                .unusableKey, "the key is written in another form than the one its id is computed from here",
                hint: "roadstead team keys add reads public keys in PEM form")
        }
        let statement = TeamKeyStatement.registration(team: team, keyID: key.id.text, holder: holder)
        guard let proof = try? Hex.decode(body.proof),
            material.isValid(signature: proof, over: statement, scheme: scheme)
        else {
            throw ServerError(
                .unusableKey, "the proof is no signature of key \(key.id.text.prefix(16)) over its registration",
                hint:
                    "sign \"roadstead-team-key-v1\", team, key id and your login name, a line each, with the key itself"
            )
        }
        return key
    }
}

extension TeamKeyBody {
    init(_ record: TeamKeyRecord) throws {
        self.init(
            keyID: record.key.keyID, key: try JSON(parsing: record.key.keyObject), team: record.team,
            holder: record.holderName, registered: record.registered, retired: record.retired)
    }
}

extension CustodyBody {
    init(_ record: CustodyRecord, online: [FleetName]) throws {
        self.init(
            team: record.team, custody: record.custody, epoch: record.epoch, threshold: record.threshold,
            keys: try record.keys.map { try TeamKeyBody($0) }, change: record.change, since: record.created,
            note: online.isEmpty ? nil : FleetKeys.onlineTargetsNote, onlineFleets: online)
    }
}
