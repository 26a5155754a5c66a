import Codecs
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// The audit log, for those who may read it.
struct AuditController: Sendable {
    static let tag = "audit"

    let store: ApiStore
    let verifier: AuditVerifier

    static let filters: [Endpoint.QueryParameter] = [
        .init(name: "from", summary: "The first moment, such as 2026-11-20T08:30:00Z"),
        .init(name: "to", summary: "The first moment that is too late"),
        .init(name: "person", summary: "Number of the person who acted"),
        .init(name: "object", summary: "What it was done to, such as `C-12`"),
        .init(name: "action", summary: "What was done, such as `attempt.refused`"),
        .init(name: "team", summary: "Entries about one team"),
        .init(name: "fleet", summary: "Entries about one fleet"),
    ]

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/audit", "Audit events in the order of commits", tag: Self.tag, permission: .filtered,
                queries: Endpoint.pageQueries + [.init(name: "after", summary: "sequence number to go on from")]
                    + Self.filters
            ) { call in
                let page = try PageRequest(
                    after: try call.cursor() ?? call.naturalNumber("after").map(String.init),
                    limit: try call.pageLimit())
                return try await store.auditEvents(page, try Self.filter(call)).body(AuditEventBody.init)
            },
            .export(
                "/v1/audit/export", "Audit events as JSON lines, for verifying and keeping them elsewhere",
                tag: Self.tag,
                permission: .decidedInside("export of the part of the log that the caller's roles reach"),
                queries: Self.filters, answer: AuditEventBody.self
            ) { call in
                let session = try call.caller()
                let part = try ReadableAudit(exportedBy: session)
                let store = store.reading(as: Reader(session))
                let filter = try Self.filter(call)
                // What is written while the export runs is for the next one.
                let end = try await store.auditHead().sequence
                return { last in
                    let page = try PageRequest(after: String(last), limit: PageRequest.limitRange.upperBound)
                    return try await store.auditEvents(page, filter, upTo: end, within: part).items.map {
                        ($0.sequence, try AuditEventBody($0))
                    }
                }
            },
            .read(
                "/v1/audit/verification",
                "Whether the chain of audit events holds, alone and against what releases have signed", tag: Self.tag,
                permission: .takes(.readAudit(.everything)), cost: Endpoint.expensiveCost
            ) { _ in
                AuditVerification(try await verifier.verify())
            },
        ]
    }

    static func filter(_ call: Call) throws -> AuditFilter {
        AuditFilter(
            from: try call.date("from"), to: try call.date("to"),
            actor: try call.query("person").map { text in
                guard let id = Int64(text), id > 0, String(id) == text else {
                    throw ServerError(
                        .request, "person is \"\(text.prefix(20))\"",
                        hint: "the number that `roadstead person list` shows")
                }
                return "person:\(id)"
            }, object: try call.word("object", longest: 256), action: try call.word("action", longest: 100),
            team: try call.query("team", as: TeamName.self), fleet: try call.query("fleet", as: FleetName.self))
    }
}

extension Call {
    /// A moment in the query.
    func date(_ name: String) throws -> UTCDate? {
        guard let text = query(name) else { return nil }
        do { return try UTCDate(text) } catch {
            throw ServerError(
                .request, "\(name) is \"\(text.prefix(40))\"", hint: "a moment in UTC, such as 2026-11-20T08:30:00Z")
        }
    }

    /// A text in the query that is only compared.
    func word(_ name: String, longest: Int) throws -> String? {
        guard let text = query(name) else { return nil }
        guard (1...longest).contains(text.unicodeScalars.count), !text.utf8.contains(0) else {
            throw ServerError(.request, "\(name) is not a text of 1 to \(longest) characters")
        }
        return text
    }
}

extension AuditVerification {
    init(_ chain: AuditChain) {
        self.init(
            entries: chain.entries, head: Hex.encode(chain.head.hash), intact: chain.isIntact,
            firstBroken: chain.firstBroken, reason: chain.broken?.reason,
            countersigned: chain.countersigned.map {
                CountersignedHead(
                    sequence: $0.head.sequence, hash: Hex.encode($0.head.hash), fleet: $0.fleet, release: $0.release,
                    issued: $0.issued)
            })
    }
}

extension AuditEventBody {
    init(_ entry: AuditEntry) throws {
        self.init(
            sequence: entry.sequence, at: entry.at, actor: entry.actor, credential: entry.credential,
            action: entry.action, object: entry.object, team: entry.team, fleet: entry.fleet,
            detail: try JSON(parsing: entry.detail), requestID: entry.requestID,
            previous: Hex.encode(entry.previousHash), hash: Hex.encode(entry.hash))
    }
}
