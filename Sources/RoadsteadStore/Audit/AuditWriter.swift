import Codecs
import PostgresKit
import TrustModel

/// Whoever did what an audit event tells.
enum AuditActor: Sendable {
    case person(Actor)
    case host(Int64)
    case publisher
    case server(requestID: String?)

    var text: String {
        switch self {
        case .person(let actor): "person:\(actor.person)"
        case .host(let id): "host:\(id)"
        case .publisher: "publisher"
        case .server: "server"
        }
    }

    var credential: Int64? { if case .person(let actor) = self { actor.credential } else { nil } }

    var requestID: String? {
        switch self {
        case .person(let actor): actor.requestID
        case .server(let requestID): requestID
        default: nil
        }
    }
}

/// Writes audit events into the transaction that they tell of. Each write holds the chain's head until the commit,
/// so it comes last.
struct AuditWriter: Sendable {
    let transaction: Transaction
    let actor: AuditActor
    let now: UTCDate
    /// What is undone is not told.
    var isRehearsal = false

    /// - Parameter detail: what was done, never a secret; personal data by number only.
    func record(
        _ action: AuditAction, _ object: some CustomStringConvertible, team: TeamName? = nil, fleet: FleetName? = nil,
        detail: JSON = [:]
    ) async throws {
        if isRehearsal { return }
        let text = String(decoding: try detail.canonicalBytes(), as: UTF8.self)
        _ = try await transaction.fetchOne(
            AppendAuditEvent(
                at: now, actor: actor.text, credential: actor.credential, requestID: actor.requestID,
                action: action.rawValue, team: team?.rawValue, fleet: fleet?.rawValue, object: "\(object)",
                detail: text))
    }
}
