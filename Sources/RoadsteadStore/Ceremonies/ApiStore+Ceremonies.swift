package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func ceremony(_ id: Int64) async throws -> CeremonyRecord {
        let record = try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) {
            try await $0.ceremony(id)
        }
        guard record.fleets.allSatisfy({ reader.fleets.contains($0.fleet) }) else {
            throw StoreError.noSuch("ceremony", id)
        }
        return record
    }

    /// The newest first; the cursor is the number of the last one seen.
    package func ceremonies(of fleet: FleetName?, _ page: PageRequest) async throws -> KeysetPage<CeremonyRecord> {
        let list = ListCeremonies(
            before: try page.numberAfter(), fleet: fleet, readable: reader.fleets, limit: page.fetched)
        return try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            var records: [CeremonyRecord] = []
            for row in try await transaction.fetchAll(list) { records.append(try await transaction.record(of: row)) }
            return KeysetPage(fetched: records, limit: page.limit) { "\($0.id)" }
        }
    }

    /// The roots that are served, from the last one that was made without its predecessor's keys.
    package func roots(of fleet: FleetName) async throws -> [PublishedFile] {
        try await pool.fetchAll(ListRoots(fleet: fleet))
    }

    /// Opens a ceremony. In each of its fleets the one before ends, unless its release is on its way.
    ///
    /// The keys that people are to hold are taken for this fleet and role here and now: one that serves anything else
    /// is refused before anybody signs.
    package func openCeremony(_ ceremony: NewCeremony, by actor: Actor, now: UTCDate) async throws -> CeremonyRecord {
        if let note = ceremony.note { try Texts.check(note, "note", maximum: 2_000) }
        guard !ceremony.fleets.isEmpty else { throw StoreError(.invalid, "a ceremony needs a fleet") }
        return try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let id = try await transaction.fetchOne(
                InsertCeremony(note: ceremony.note, by: actor.person, now: now, expires: ceremony.expires))
            var events: [(AuditAction, FleetName, JSON)] = []
            for part in ceremony.fleets.sorted(by: { $0.fleet.rawValue < $1.fleet.rawValue }) {
                let fleet = try await transaction.lockFleet(part.fleet)
                if let ended = try await Self.endCurrent(of: fleet, for: id, on: transaction) {
                    events.append((.ceremonyVoided, part.fleet, ["ceremony": .integer(ended), "by": .integer(id)]))
                }
                try await Self.insert(part, fleet: fleet, ceremony: id, on: transaction, now: now)
                events.append((.ceremonyOpened, part.fleet, part.auditDetail))
            }
            for (action, fleet, detail) in events {
                try await work.audit.record(action, "ceremony:\(id)", fleet: fleet, detail: detail)
            }
            return try await transaction.ceremony(id)
        }
    }

    /// Keeps signatures that the caller has verified. Drafts whose base has moved become void instead.
    package func addSignatures(
        _ signatures: [NewDraftSignature], to id: Int64, by actor: Actor, now: UTCDate
    ) async throws -> CeremonyRecord {
        let record = try await ceremony(id)
        let signed = Set(signatures.map(\.draft))
        let fleets = record.fleets.filter { $0.drafts.contains { signed.contains($0.id) } }
        guard signed.isSubset(of: fleets.flatMap(\.drafts).map(\.id)) else {
            throw StoreError(.invalid, "ceremony \(id) has no such draft")
        }
        return try await whileFollowing(fleets.map(\.fleet), id, actor, now) { work, _ in
            var added: [(FleetName, JSON)] = []
            for signature in signatures {
                let insert = InsertDraftSignature(signature: signature, by: actor.person, now: now)
                guard try await work.transaction.fetchOptional(insert) != nil,
                    let part = fleets.first(where: { $0.drafts.contains { $0.id == signature.draft } }),
                    let draft = part.drafts.first(where: { $0.id == signature.draft })
                else { continue }
                added.append((part.fleet, ["key": .string(signature.keyID), "role": .string(draft.role)]))
            }
            for (fleet, detail) in added {
                try await work.audit.record(.ceremonySigned, "ceremony:\(id)", fleet: fleet, detail: detail)
            }
            return try await work.transaction.ceremony(id)
        }
    }

    /// Keeps the signed files of one fleet for its next release, once the caller has found every quorum complete.
    ///
    /// - Parameter files: the signed bytes by draft; nothing of them is served before the release.
    package func closeCeremony(
        _ id: Int64, in fleet: FleetName, files: [Int64: [UInt8]], by actor: Actor, now: UTCDate
    ) async throws -> CeremonyRecord {
        try await whileFollowing([fleet], id, actor, now) { work, drafts in
            guard Set(files.keys) == Set(drafts.map(\.id)) else {
                throw StoreError(.invalid, "ceremony \(id) closes in fleet \"\(fleet)\" with every draft or not at all")
            }
            let transaction = work.transaction
            let row = try await transaction.requireFleet(fleet)
            var digests: [String: JSON] = [:]
            for draft in drafts {
                let file = NewFile(path: "", bytes: files[draft.id] ?? [])
                try await transaction.execute(InsertContent(sha256: file.sha256, bytes: file.bytes))
                try await transaction.execute(CloseMetadataDraft(id: draft.id, sha256: file.sha256))
                digests["\(draft.role) \(draft.version)"] = .string(file.sha256)
            }
            try await transaction.execute(CloseCeremonyFleet(ceremony: id, fleet: row.id, now: now))
            try await work.audit.record(
                .ceremonyClosed, "ceremony:\(id)", fleet: fleet,
                detail: .object(JSONObject(digests.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })))
            try await transaction.execute(SendPublishSignal())
            return try await transaction.ceremony(id)
        }
    }
}

extension ApiStore {
    /// Runs an operation on open drafts whose bases have not moved. Where one has, the fleet's drafts become void,
    /// which is kept, and the operation is refused.
    private func whileFollowing(
        _ fleets: [FleetName], _ id: Int64, _ actor: Actor, _ now: UTCDate,
        _ body: (Work, [MetadataDraftRecord]) async throws -> CeremonyRecord
    ) async throws -> CeremonyRecord {
        let outcome: Result<CeremonyRecord, StoreError> = try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            for fleet in fleets.sorted(by: { $0.rawValue < $1.rawValue }) { _ = try await transaction.lockFleet(fleet) }
            let rows = try await transaction.fetchAll(LockCeremonyFleets(ceremony: id, fleets: fleets))
            let drafts = try await transaction.fetchAll(ListMetadataDrafts(ceremony: id))
            var refusals: [StoreError] = []
            for row in rows {
                try Self.requireOpen(row, now: now)
                let own = drafts.filter { $0.fleet == row.fleetRow }.map(\.draft)
                guard let reason = try await transaction.movedBase(of: own, fleet: row.fleetRow) else {
                    continue
                }
                try await transaction.execute(VoidCeremonyFleet(ceremony: id, fleet: row.fleetRow, reason: reason))
                try await work.audit.record(
                    .ceremonyVoided, "ceremony:\(id)", fleet: row.fleet, detail: ["reason": .string(reason)])
                refusals.append(
                    StoreError(
                        .notOpen, "ceremony \(id) is void in fleet \"\(row.fleet)\": \(reason)",
                        hint: "open another one: its drafts will follow what is published now"))
            }
            if let refusal = refusals.first { return .failure(refusal) }
            let open = Set(rows.map(\.fleetRow))
            return .success(try await body(work, drafts.filter { open.contains($0.fleet) }.map(\.draft)))
        }
        return try outcome.get()
    }

    private static func requireOpen(_ row: CeremonyFleetRow, now: UTCDate) throws {
        guard row.state == .open else {
            let why = row.reason.map { " (\($0))" } ?? ""
            throw StoreError(
                .notOpen, "ceremony \(row.ceremony) is \(row.state.rawValue) in fleet \"\(row.fleet)\"\(why)",
                hint: row.state == .void ? "open another one" : "nothing more is to be signed there")
        }
        guard now < row.expires else {
            throw StoreError(
                .expired, "ceremony \(row.ceremony) expired at \(row.expires)", hint: "open another one")
        }
    }

    private static func endCurrent(
        of fleet: FleetRow, for ceremony: Int64, on transaction: Transaction
    ) async throws -> Int64? {
        guard let current = try await transaction.fetchOptional(FetchCurrentCeremony(fleet: fleet.id)) else {
            return nil
        }
        let reason = "ceremony \(ceremony) was opened"
        let void = VoidCeremonyFleet(ceremony: current.ceremony, fleet: fleet.id, reason: reason)
        guard try await transaction.execute(void) == 1 else {
            throw StoreError(
                .conflict,
                "the release with what ceremony \(current.ceremony) signed for fleet \"\(fleet.name)\" is on its way",
                hint: "wait until it is published: roadstead ceremony show \(current.ceremony)")
        }
        return current.ceremony
    }

    private static func insert(
        _ part: NewCeremonyFleet, fleet: FleetRow, ceremony: Int64, on transaction: Transaction, now: UTCDate
    ) async throws {
        try await transaction.execute(
            InsertCeremonyFleet(
                ceremony: ceremony, fleet: fleet.id, startsOver: part.startsOver, targetsOnline: part.targetsOnline))
        for draft in part.drafts {
            guard
                try await transaction.fetchOptional(FetchNewestFile(fleet: fleet.id, role: draft.role))
                    == draft.baseSHA256
            else {
                throw StoreError(
                    .conflict, "fleet \"\(fleet.name)\" published another \(draft.role) while this was drafted",
                    hint: "open the ceremony again")
            }
            let id = try await transaction.fetchOne(
                InsertMetadataDraft(ceremony: ceremony, fleet: fleet.id, draft: draft))
            for file in draft.files {
                try await transaction.execute(InsertContent(sha256: file.sha256, bytes: file.bytes))
                try await transaction.execute(InsertDraftFile(draft: id, file: file))
            }
        }
        for key in part.heldKeys { try await hold(key, for: fleet, on: transaction, now: now) }
        for keyID in part.freshKeyIDs {
            let bind = InsertCeremonyKey(keyID: keyID, ceremony: ceremony, fleet: fleet.id)
            guard try await transaction.fetchOptional(bind) != nil else {
                throw StoreError(.invalid, "key \(keyID.prefix(16)) was not made for a ceremony of \"\(fleet.name)\"")
            }
        }
    }

    /// Takes a key for one role of one fleet, or refuses it, naming where it serves.
    private static func hold(
        _ key: NewCeremonyFleet.HeldKey, for fleet: FleetRow, on transaction: Transaction, now: UTCDate
    ) async throws {
        if let team = try await transaction.fetchOptional(FetchTeamOfKey(key: key.key)) {
            throw StoreError(
                .conflict, "key \(key.key.keyID.prefix(16)) is a key of team \"\(team)\" already",
                hint: "make another key: roadstead key generate")
        }
        let insert = InsertHeldKey(key: key, fleet: fleet.id, now: now)
        if try await transaction.fetchOptional(insert) != nil { return }
        let use = try await transaction.fetchOptional(FetchKeyUse(key: key.key))
        guard let use, use.fleet == fleet.id, use.role == key.role, !use.isServers else {
            throw StoreError(
                .conflict,
                "key \(key.key.keyID.prefix(16)) is \(use?.words ?? "something else") already, "
                    + "and a \(key.role) key serves one role of one fleet alone",
                hint: "make another key: roadstead key generate")
        }
    }
}

extension NewCeremonyFleet {
    fileprivate var auditDetail: JSON {
        let roles = drafts.map { JSON.string("\($0.role) \($0.version)") }
        return ["drafts": .array(roles), "startsOver": .bool(startsOver), "targetsOnline": .bool(targetsOnline)]
    }
}

extension Transaction {
    func ceremony(_ id: Int64) async throws -> CeremonyRecord {
        guard let row = try await fetchOptional(FetchCeremony(id: id)) else { throw StoreError.noSuch("ceremony", id) }
        return try await record(of: row)
    }

    func record(of row: CeremonyRow) async throws -> CeremonyRecord {
        let drafts = try await fetchAll(ListMetadataDrafts(ceremony: row.id))
        let signatures = Dictionary(
            grouping: try await fetchAll(ListDraftSignatures(ceremony: row.id)), by: \.draft)
        let files = Dictionary(
            grouping: try await fetchAll(ListDraftFiles(drafts: drafts.map(\.draft.id))), by: \.draft)
        let keys = try await fetchAll(ListCeremonyKeys(ceremony: row.id))
        return CeremonyRecord(
            id: row.id, note: row.note, created: row.created, expires: row.expires,
            fleets: try await fetchAll(ListCeremonyFleets(ceremony: row.id)).map { part in
                CeremonyFleetRecord(
                    fleet: part.fleet, fleetID: part.fleetID, profile: part.profile, state: part.state,
                    startsOver: part.startsOver, targetsOnline: part.targetsOnline, release: part.release,
                    reason: part.reason,
                    drafts: drafts.filter { $0.fleet == part.fleetRow }.map {
                        $0.draft.with(
                            (files[$0.draft.id] ?? []).map(\.file), (signatures[$0.draft.id] ?? []).map(\.signature))
                    },
                    keys: keys.filter { $0.fleet == part.fleetRow }.map(\.key))
            })
    }
}

extension MetadataDraftRecord {
    fileprivate func with(_ files: [NewFile], _ signatures: [Signature]) -> MetadataDraftRecord {
        MetadataDraftRecord(
            id: id, role: role, version: version, baseSHA256: baseSHA256, base: base, signedPart: signedPart,
            file: file, files: files, signatures: signatures)
    }
}
