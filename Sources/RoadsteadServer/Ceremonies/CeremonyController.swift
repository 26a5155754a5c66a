import Codecs
import HTTPTypes
import Problems
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Ceremonies: the server drafts, people sign elsewhere, and the server never sees their private keys.
struct CeremonyController: Sendable {
    private static let tag = "ceremonies"
    /// Days that a draft waits for its signatures.
    private static let draftDays: Int64 = 7
    /// Most fleets in one ceremony.
    private static let maximumFleets = 100

    let store: ApiStore
    let publisher: Publisher

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/ceremonies", "Ceremonies, the newest first", tag: Self.tag, permission: .filtered,
                queries: Endpoint.pageQueries + [.init(name: "fleet", summary: "Those of one fleet")]
            ) { call in
                try await store.ceremonies(of: try call.query("fleet", as: FleetName.self), try call.page())
                    .body(CeremonySummaryBody.init)
            },
            .write(
                "/v1/ceremonies", "Opens a ceremony: drafts a fleet's root or targets for their keys' holders to sign",
                tag: Self.tag, permission: .takes(.administer), bodyLimit: 1 << 20
            ) { try await open($0, $1) },
            .read(
                "/v1/ceremonies/{id}", "A ceremony with the exact bytes that are signed", tag: Self.tag,
                permission: .filtered
            ) { call in
                try await body(of: try await store.ceremony(try call.number("id")))
            },
            .write(
                "/v1/ceremonies/{id}/signatures",
                "Adds signatures; the last one needed in a fleet closes it there and publishes", tag: Self.tag,
                permission: .takes(.administer),
                status: .ok, bodyLimit: 1 << 20
            ) { try await sign($0, $1) },
            .act(
                "/v1/ceremonies/{id}/close", "Closes where every signature is there, and publishes what is closed",
                tag: Self.tag, permission: .takes(.administer)
            ) { call in
                let session = try call.caller()
                let record = try await store.ceremony(try call.number("id"))
                return try await finish(record, record.fleets.map(\.fleet), session, call)
            },
        ]
    }

    private func open(_ call: Call, _ request: CeremonyRequest) async throws -> CeremonyBody {
        let session = try call.caller()
        let names = request.fleets.map(\.fleet)
        guard (1...Self.maximumFleets).contains(names.count), Set(names).count == names.count else {
            throw StoreError(
                .invalid, "a ceremony is for 1 to \(Self.maximumFleets) fleets, each named once")
        }
        for name in names { _ = try await store.fleet(name) }
        let drafter = CeremonyDrafter(publisher: publisher, now: call.now)
        var parts: [NewCeremonyFleet] = []
        for fleet in request.fleets { parts.append(try await drafter.draft(fleet)) }
        let record = try await store.openCeremony(
            NewCeremony(note: request.note, expires: call.now.adding(days: Self.draftDays), fleets: parts),
            by: session.actor, now: call.now)
        // Keys of roles that the server's own targets name need nobody's signature.
        return try await finish(record, parts.filter(\.drafts.isEmpty).map(\.fleet), session, call)
    }

    private func sign(_ call: Call, _ request: CeremonySignaturesRequest) async throws -> CeremonyBody {
        let session = try call.caller()
        var record = try await store.ceremony(try call.number("id"))
        let drafts = Set(request.signatures.map(\.draft))
        let touched = record.fleets.filter { $0.drafts.contains { drafts.contains($0.id) } }
        guard !drafts.isEmpty, drafts.isSubset(of: touched.flatMap(\.drafts).map(\.id)) else {
            throw StoreError(
                .invalid, "ceremony \(record.id) has no such draft",
                hint: "look at it again: roadstead ceremony show \(record.id)")
        }
        for part in touched {
            do {
                record = try await add(request.signatures, to: part, of: record.id, session, call)
            } catch let error as StoreError where error.code == .notOpen && touched.count > 1 {
                // What became of the one fleet stands in the answer; the others go on.
                record = try await store.ceremony(record.id)
            }
        }
        return try await finish(record, touched.map(\.fleet), session, call)
    }

    private func add(
        _ signatures: [DraftSignatureBody], to part: CeremonyFleetRecord, of id: Int64, _ session: Session, _ call: Call
    ) async throws -> CeremonyRecord {
        let signing = try await SigningPart(part, store: store)
        var added: [NewDraftSignature] = []
        for record in part.drafts {
            var draft = try signing.draft(record)
            for signature in signatures where signature.draft == record.id {
                if part.state == .open { try draft.add(signature.signature, by: signature.keyID) }
                added.append(
                    NewDraftSignature(
                        draft: record.id, keyID: signature.keyID,
                        signature: try Hex.decode(signature.signature.lowercased())))
            }
        }
        return try await store.addSignatures(added, to: id, by: session.actor, now: call.now)
    }

    /// Closes the ceremony in the fleets where nothing is missing, and publishes at once. A failure there is kept with
    /// the ceremony, which stays closed; the publisher goes on trying.
    private func finish(
        _ record: CeremonyRecord, _ fleets: [FleetName], _ session: Session, _ call: Call
    ) async throws -> CeremonyBody {
        var record = record
        for name in fleets {
            guard let part = record.fleet(name) else { continue }
            if part.state == .open { record = try await close(part, of: record, session, call) }
            guard record.fleet(name)?.state == .closed else { continue }
            do {
                try await publisher.publishNow(name, now: call.now)
            } catch {
                try await publisher.store.noteTrouble(
                    Publisher.reason(for: error), ceremony: record.id, in: name, now: call.now)
            }
            record = try await store.ceremony(record.id)
        }
        return try await body(of: record)
    }

    /// Two last signatures at a time both see a complete draft; the second finds it closed.
    private func close(
        _ part: CeremonyFleetRecord, of record: CeremonyRecord, _ session: Session, _ call: Call
    ) async throws -> CeremonyRecord {
        let signing = try await SigningPart(part, store: store)
        var files: [Int64: [UInt8]] = [:]
        for draft in part.drafts {
            let signed = try signing.draft(draft)
            guard signed.missing.isEmpty else { return record }
            files[draft.id] = try signed.close()
        }
        do {
            return try await store.closeCeremony(
                record.id, in: part.fleet, files: files, by: session.actor, now: call.now)
        } catch let error as StoreError where error.code == .notOpen {
            return try await store.ceremony(record.id)
        }
    }

    private func body(of record: CeremonyRecord) async throws -> CeremonyBody {
        var fleets: [CeremonyFleetBody] = []
        for part in record.fleets { fleets.append(try await SigningPart(part, store: store).body) }
        return CeremonyBody(
            id: record.id, note: record.note, created: record.created, expires: record.expires, fleets: fleets)
    }
}

extension CeremonySummaryBody {
    init(_ record: CeremonyRecord) {
        self.init(
            id: record.id, note: record.note, created: record.created, expires: record.expires,
            fleets: record.fleets.map { Fleet(fleet: $0.fleet, state: $0.state.rawValue, reason: $0.reason) })
    }
}
