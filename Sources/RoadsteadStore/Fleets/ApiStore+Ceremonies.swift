package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Every root of a fleet in order, the one that hosts were pinned to first.
    package func roots(of fleet: FleetName) async throws -> [PublishedFile] {
        try await pool.fetchAll(ListRoots(fleet: fleet))
    }

    /// Opens a ceremony for the next root; one that is open ends.
    ///
    /// - Parameter signedPart: the canonical bytes that the holders of root keys sign, checked by the caller.
    package func openRootDraft(
        of name: FleetName, version: Int64, signedPart: [UInt8], expires: UTCDate, by actor: Actor, now: UTCDate
    ) async throws -> RootDraftRecord {
        try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            guard version == fleet.rootVersion + 1 else {
                throw StoreError(
                    .conflict, "the next root of fleet \"\(name)\" is version \(fleet.rootVersion + 1), not \(version)",
                    hint: "open the ceremony again")
            }
            try await transaction.execute(VoidRootDrafts(fleet: fleet.id))
            let id = try await transaction.fetchOne(
                InsertRootDraft(
                    fleet: fleet.id, version: version, signedPart: signedPart, by: actor.person, now: now,
                    expires: expires))
            try await work.audit.record(
                .rootDraftOpened, "draft:\(id)", fleet: name, detail: ["version": .integer(version)])
            return try await transaction.draft(id)
        }
    }

    package func rootDraft(_ id: Int64) async throws -> RootDraftRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { try await $0.draft(id) }
    }

    /// Keeps a signature that the caller has verified.
    package func addRootSignature(
        draft id: Int64, keyID: String, signature: [UInt8], by actor: Actor, now: UTCDate
    ) async throws -> RootDraftRecord {
        try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let draft = try await Self.lockOpen(id, on: transaction, now: now)
            let insert = InsertRootSignature(
                draft: id, keyID: keyID, signature: signature, by: actor.person, now: now)
            if try await transaction.fetchOptional(insert) != nil {
                try await work.audit.record(
                    .rootSigned, "draft:\(id)", fleet: draft.fleet, detail: ["key": .string(keyID)])
            }
            return try await transaction.draft(id)
        }
    }

    /// Makes a root of a draft whose quorums the caller has found complete: the file is served from now on.
    ///
    /// - Parameter keys: the root's keys; one that serves anything else is refused.
    package func closeRootDraft(
        _ id: Int64, file bytes: [UInt8], keys: [PublicKeyRecord], by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let draft = try await Self.lockOpen(id, on: transaction, now: now)
            let fleet = try await transaction.lockFleet(draft.fleet)
            guard try await transaction.execute(AdvanceRoot(fleet: fleet.id, version: draft.version)) == 1 else {
                throw StoreError(
                    .fence, "fleet \"\(draft.fleet)\" has another root than the draft follows",
                    hint: "open the ceremony again")
            }
            for key in keys { try await Self.keep(key, of: fleet.id, on: transaction, now: now) }
            let file = NewFile(
                path: "metadata/\(draft.version).root.json", bytes: bytes, role: "root", version: draft.version)
            try await transaction.store([file], fleet: fleet.id, release: 0, now: now)
            try await transaction.execute(CloseRootDraft(id: id))
            try await work.audit.record(
                .rootClosed, "draft:\(id)", fleet: draft.fleet,
                detail: ["version": .integer(draft.version), "sha256": .string(file.sha256)])
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: try await transaction.requireFleet(draft.fleet))
        }
    }

    private static func lockOpen(_ id: Int64, on transaction: Transaction, now: UTCDate) async throws -> RootDraftRow {
        guard let draft = try await transaction.fetchOptional(LockRootDraft(id: id)) else {
            throw StoreError.noSuch("ceremony", id)
        }
        guard draft.state == .open else {
            throw StoreError(.notOpen, "ceremony \(id) is \(draft.state.rawValue)", hint: "open another one")
        }
        guard now < draft.expires else {
            throw StoreError(.expired, "ceremony \(id) expired at \(draft.expires)", hint: "open another one")
        }
        return draft
    }

    private static func keep(
        _ key: PublicKeyRecord, of fleet: Int64, on transaction: Transaction, now: UTCDate
    ) async throws {
        guard try await transaction.fetchOptional(InsertRootKey(key: key, fleet: fleet, now: now)) == nil else {
            return
        }
        guard let use = try await transaction.fetchOptional(FetchKeyUse(key: key)),
            use.fleet == fleet, use.role == "root"
        else {
            let words = try await transaction.fetchOptional(FetchKeyUse(key: key))?.words ?? "something else"
            throw StoreError(
                .conflict, "key \(key.keyID.prefix(16)) is \(words), and a root key serves one fleet's root alone",
                hint: "make another key")
        }
    }
}

extension Transaction {
    func draft(_ id: Int64) async throws -> RootDraftRecord {
        guard let draft = try await fetchOptional(FetchRootDraft(id: id)) else {
            throw StoreError.noSuch("ceremony", id)
        }
        return RootDraftRecord(
            id: draft.id, fleet: draft.fleet, fleetID: draft.fleetID, version: draft.version,
            signedPart: draft.signedPart, state: draft.state, created: draft.created, expires: draft.expires,
            signatures: try await fetchAll(ListRootSignatures(draft: id)))
    }
}
