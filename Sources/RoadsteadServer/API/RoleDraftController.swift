import Codecs
import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Drafts of the roles that teams sign themselves: shown as exact bytes, completed with signatures made elsewhere.
struct RoleDraftController: Sendable {
    private static let tag = "custody"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/changes/{number}/role-draft", "The draft that holds a change", tag: Self.tag, permission: .filtered
            ) { call in
                let number = try call.number("number")
                guard let record = try await store.roleDraft(ofChange: number) else {
                    throw StoreError(
                        .notFound, "no draft holds C-\(number)",
                        hint:
                            "for a team in a fleet that signs itself one is opened within seconds, unless what is signed already serves"
                    )
                }
                return try await body(of: record)
            },
            .read(
                "/v1/teams/{team}/role-drafts", "Drafts that wait for a team's signatures", tag: Self.tag,
                permission: .team(Permission.readTeam)
            ) { call in
                var bodies: [RoleDraftBody] = []
                for record in try await store.openRoleDrafts(of: try call.path("team")) {
                    bodies.append(try await body(of: record))
                }
                return Page(items: bodies, next: nil)
            },
            .read("/v1/role-drafts/{id}", "A team's next role", tag: Self.tag, permission: .filtered) { call in
                try await body(of: try await store.roleDraft(try call.number("id")))
            },
            .write(
                "/v1/role-drafts/{id}/signatures", "Adds the caller's own signature", tag: Self.tag,
                permission: .decidedInside("the draft's team, and who holds the key"), status: .ok
            ) { (call: Call, body: RoleSignatureRequest) in try await sign(call, body) },
        ]
    }

    private func sign(_ call: Call, _ request: RoleSignatureRequest) async throws -> RoleDraftBody {
        let session = try call.caller()
        var record = try await store.roleDraft(try call.number("id"))
        if record.state == .open {
            var draft = try TeamRoleDraft(record, base: nil)
            try draft.add(signature: request.signature, keyID: request.keyID)
        }
        record = try await store.addRoleSignature(
            try Hex.decode(request.signature.lowercased()), by: request.keyID, to: record.id, by: session.actor,
            now: call.now)
        return try await body(of: record)
    }

    private func body(of record: RoleDraftRecord) async throws -> RoleDraftBody {
        var base = try await store.newestRole(of: record.team)
        if let newest = base, newest.role.version >= record.version { base = nil }
        let draft = try TeamRoleDraft(record, base: base?.role, oldFiles: base?.files ?? [:])
        return RoleDraftBody(record, draft, base: base?.role, oldFiles: base?.files ?? [:])
    }
}

extension RoleDraftBody {
    init(
        _ record: RoleDraftRecord, _ draft: TeamRoleDraft, base: TeamRoleRecord?, oldFiles: [String: [UInt8]]
    ) {
        let signed = Set(record.signatures.map(\.keyID))
        let new = Set(record.quorum.keys.map(\.keyID))
        let parties = [record.quorum] + [record.former].compactMap(\.self)
        var keys: [RoleDraftKey] = []
        for party in parties {
            for key in party.keys where !keys.contains(where: { $0.keyID == key.keyID }) {
                keys.append(
                    RoleDraftKey(
                        keyID: key.keyID, holder: party.holders[key.keyID], isNew: new.contains(key.keyID),
                        isRetired: party.retired.contains(key.keyID), hasSigned: signed.contains(key.keyID)))
            }
        }
        self.init(
            id: record.id, team: record.team, epoch: record.quorum.epoch, version: record.version,
            toSign: Base64.encode(record.signedPart),
            files: Self.files(record.files), base: base.map { Base64.encode($0.bytes) }, oldFiles: Self.files(oldFiles),
            difference: draft.difference, keys: keys, missing: record.state == .open ? draft.missing : [],
            state: record.state.rawValue, note: record.note, opened: record.opened, expires: record.expires)
    }
    private static func files(_ files: [String: [UInt8]]) -> [RoleDraftFile] {
        files.sorted { $0.key < $1.key }.map { RoleDraftFile(path: $0.key, bytes: Base64.encode($0.value)) }
    }
}
