import HTTPTypes
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Trust policies: what teams say of their images.
struct PolicyController: Sendable {
    private static let tag = "policies"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/teams/{team}/policy", "What a team says of its images", tag: Self.tag,
                permission: .team(Permission.readTeam)
            ) { call in
                PolicyBody(try await store.policy(of: try call.path("team")))
            },
            .write(
                method: .put, "/v1/teams/{team}/policy", "Proposes another policy of a team", tag: Self.tag,
                permission: .team(Permission.propose), status: .accepted, version: { $0.version }
            ) { (call: Call, body: PolicyRequest) in
                let statements = try body.statements.map { try TeamStatements($0) }
                let content = try ChangeContent(
                    team: try call.path("team"), operations: [.governed(SetPolicy(statements: statements))],
                    justification: body.justification, ticket: body.ticket)
                let change = try await store.propose(content, by: try call.caller().actor, now: call.now)
                return try await ChangeController(store: store).render(change)
            },
        ]
    }
}

extension PolicyBody {
    init(_ record: PolicyRecord) {
        self.init(
            team: record.team, standard: record.isStandard, statements: record.statements, change: record.change,
            set: record.set)
    }
}
