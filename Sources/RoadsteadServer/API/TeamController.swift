import HTTPTypes
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Teams and what they own: registry scopes, trust stores, repositories.
struct TeamController: Sendable {
    private static let tag = "teams"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read("/v1/teams", "Teams", tag: Self.tag, queries: Endpoint.pageQueries) { call in
                try await store.teams(try call.page()).body(TeamBody.init)
            },
            .write("/v1/teams", "Makes a team", tag: Self.tag) { (call: Call, body: TeamRequest) in
                TeamBody(
                    try await store.createTeam(
                        body.name, displayName: body.displayName ?? body.name.rawValue, by: try call.caller().actor,
                        now: call.now))
            },
            .read("/v1/teams/{team}", "A team", tag: Self.tag) { call in
                TeamBody(try await store.team(try call.path("team")))
            },
            .write("/v1/teams/{team}/scopes", "Gives a registry scope to a team", tag: Self.tag) {
                (call: Call, body: ScopeRequest) in
                TeamBody(
                    try await store.addScope(
                        body.scope, to: try call.path("team"), by: try call.caller().actor, now: call.now))
            },
            .remove(
                "/v1/teams/{team}/scopes", "Takes a registry scope from a team", tag: Self.tag,
                queries: [.init(name: "scope", summary: "the scope", isRequired: true)]
            ) { call in
                guard let scope = try call.query("scope", as: RegistryScope.self) else {
                    throw ServerError(.request, "no scope is named", hint: "?scope=registry.example.com/acme")
                }
                _ = try await store.removeScope(
                    scope, from: try call.path("team"), by: try call.caller().actor, now: call.now)
            },
            .read(
                "/v1/teams/{team}/stores", "A team's trust stores", tag: Self.tag, queries: Endpoint.pageQueries
            ) { call in
                let stores = try await store.team(try call.path("team")).stores
                return try call.page(of: stores.map(StoreBody.init)) { "\($0.kind.rawValue)/\($0.name)" }
            },
            .write("/v1/teams/{team}/stores", "Makes a trust store", tag: Self.tag) {
                (call: Call, body: StoreRequest) in
                let id = TrustStoreID(team: try call.path("team"), kind: body.kind, name: body.name)
                return StoreBody(try await store.createStore(id, by: try call.caller().actor, now: call.now))
            },
            .read("/v1/repositories", "Known repositories", tag: Self.tag, queries: Endpoint.pageQueries) { call in
                try await store.repositories(try call.page()).body(RepositoryBody.init)
            },
            .write("/v1/repositories", "Records a repository", tag: Self.tag) {
                (call: Call, body: RepositoryBody) in
                try await store.addRepository(body.repository, by: try call.caller().actor, now: call.now)
                return body
            },
        ]
    }
}

extension TeamBody {
    init(_ record: TeamRecord) {
        self.init(
            name: record.name, displayName: record.displayName, custody: record.custody, scopes: record.scopes,
            stores: record.stores.map(StoreBody.init), created: record.created,
            custodyNote: record.targetsOnline ? FleetKeys.onlineTargetsNote : nil)
    }
}

extension StoreBody {
    init(_ record: StoreRecord) {
        self.init(team: record.id.team, kind: record.id.kind, name: record.id.name, anchors: record.anchors)
    }
}
