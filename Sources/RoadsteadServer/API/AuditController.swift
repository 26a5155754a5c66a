import Codecs
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// The audit log, for those who may read it.
struct AuditController: Sendable {
    private static let tag = "audit"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/audit", "Audit events in the order of commits", tag: Self.tag, permission: .filtered,
                queries: Endpoint.pageQueries + [.init(name: "after", summary: "sequence number to go on from")]
            ) { call in
                let after = try call.cursor() ?? call.naturalNumber("after").map(String.init)
                let page = try PageRequest(after: after, limit: try call.pageLimit())
                return try await store.auditEvents(page).body(AuditEventBody.init)
            },
            .read(
                "/v1/audit/verification", "Whether the chain of audit events holds", tag: Self.tag,
                permission: .takes(.readAudit(.everything)), cost: Endpoint.expensiveCost
            ) { call in
                let chain = try await store.verifyAudit()
                return AuditVerification(
                    entries: chain.entries, head: chain.head, intact: chain.isIntact, firstBroken: chain.firstBroken)
            },
        ]
    }
}

extension AuditEventBody {
    init(_ entry: AuditEntry) throws {
        self.init(
            sequence: entry.sequence, at: entry.at, actor: entry.actor, action: entry.action, object: entry.object,
            detail: try JSON(parsing: entry.detail), requestID: entry.requestID,
            previous: Hex.encode(entry.previousHash), hash: Hex.encode(entry.hash))
    }
}
