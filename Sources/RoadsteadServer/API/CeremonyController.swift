import Codecs
import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import TrustModel

/// Root ceremonies: the server drafts, people sign elsewhere, and the server never sees a root's private key.
struct CeremonyController: Sendable {
    private static let tag = "ceremonies"
    /// Days that a draft waits for its signatures.
    private static let draftDays: Int64 = 7

    let store: ApiStore
    let publisher: Publisher

    var endpoints: [Endpoint] {
        [
            .write(
                "/v1/fleets/{fleet}/root-drafts", "Opens a ceremony for the fleet's next root", tag: Self.tag,
                bodyLimit: 256 * 1024
            ) { try await open($0, $1) },
            .read("/v1/root-drafts/{id}", "A root that waits for signatures", tag: Self.tag) { call in
                try await body(of: try await store.rootDraft(try call.number("id")))
            },
            .write(
                "/v1/root-drafts/{id}/signatures", "Adds a signature; the last one needed makes the root",
                tag: Self.tag, status: .ok
            ) { try await sign($0, $1) },
        ]
    }

    private func open(_ call: Call, _ request: RootDraftRequest) async throws -> RootDraftBody {
        let session = try call.caller()
        try session.require(.administer)
        let fleet = try await store.fleet(try call.path("fleet"))
        let keys = try await publisher.prepareKeys(of: fleet.name, now: call.now)
        let draft = try RootDraft(
            RootDraft.Request(
                fleet: fleet.id, profile: fleet.profile,
                rootKeys: ProposedKeys(keys: request.keys, threshold: request.threshold),
                online: keys.filter { $0.purpose.fleet != nil },
                used: keys.filter { $0.purpose.fleet == nil }.map { UsedKey(key: $0.key, holder: "\($0.purpose)") }),
            after: try await store.roots(of: fleet.name).last?.bytes, now: call.now)
        let record = try await store.openRootDraft(
            of: fleet.name, version: draft.version, signedPart: draft.toSign,
            expires: call.now.adding(days: Self.draftDays), by: session.actor, now: call.now)
        return RootDraftBody(record, draft)
    }

    private func sign(_ call: Call, _ request: RootSignatureRequest) async throws -> RootDraftBody {
        let session = try call.caller()
        try session.require(.administer)
        var record = try await store.rootDraft(try call.number("id"))
        guard record.state == .open else {
            throw StoreError(.notOpen, "ceremony \(record.id) is \(record.state.rawValue)", hint: "open another one")
        }
        var draft = try await draft(of: record)
        if !draft.signedBy.contains(request.keyID) {
            try draft.add(signature: request.signature, keyID: request.keyID)
            record = try await store.addRootSignature(
                draft: record.id, keyID: request.keyID, signature: try Hex.decode(request.signature),
                by: session.actor, now: call.now)
        }
        draft = try await self.draft(of: record)
        if draft.missing.isEmpty { record = try await close(record, draft, session, call) }
        return RootDraftBody(record, draft)
    }

    /// Two last signatures at a time both see a complete draft; the second finds it closed.
    private func close(
        _ record: RootDraftRecord, _ draft: RootDraft, _ session: Session, _ call: Call
    ) async throws -> RootDraftRecord {
        let file = try draft.close()
        do {
            _ = try await store.closeRootDraft(
                record.id, file: file.bytes, keys: try Self.rootKeys(in: file.bytes), by: session.actor, now: call.now)
        } catch let error as StoreError where error.code == .notOpen {}
        return try await store.rootDraft(record.id)
    }

    private func draft(of record: RootDraftRecord) async throws -> RootDraft {
        let base = try await store.roots(of: record.fleet).last { ($0.version ?? 0) < record.version }
        return try RootDraft(
            toSign: record.signedPart, after: base?.bytes,
            signatures: record.signatures.map { ($0.keyID, Hex.encode($0.signature)) })
    }

    private func body(of record: RootDraftRecord) async throws -> RootDraftBody {
        RootDraftBody(record, try await draft(of: record))
    }

    /// The keys that the finished root lists for its own role.
    private static func rootKeys(in root: [UInt8]) throws -> [PublicKeyRecord] {
        let signed = try JSON(parsing: root).object("root").object("signed", in: "root")
        let keys = try signed.object("keys", in: "root")
        let ids = try signed.object("roles", in: "root").object("root", in: "roles").array("keyids", in: "roles.root")
        return try ids.map { id in
            try PublicKeyRecord(Key(try keys.require(try id.string("keyid"), in: "keys")))
        }
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

extension RootDraftBody {
    init(_ record: RootDraftRecord, _ draft: RootDraft) {
        self.init(
            id: record.id, fleet: record.fleet, fleetID: record.fleetID, version: record.version,
            baseSHA256: draft.baseSHA256, toSign: Base64.encode(record.signedPart), difference: draft.difference,
            keyIDs: draft.keyIDs, signedBy: draft.signedBy, missing: draft.missing, state: record.state.rawValue)
    }
}
