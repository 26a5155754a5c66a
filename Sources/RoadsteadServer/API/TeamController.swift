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
            .read("/v1/teams", "Teams", tag: Self.tag, permission: .filtered, queries: Endpoint.pageQueries) { call in
                try await store.teams(try call.page()).body(TeamBody.init)
            },
            .govern("/v1/teams", "Makes a team", tag: Self.tag, permission: .takes(.administer)) {
                (call: Call, body: TeamRequest) in
                let team = AddTeam(team: body.name, displayName: body.displayName ?? body.name.rawValue)
                return try await store.govern([team], call) { TeamBody(try await store.team(body.name)) }
            },
            .governRemoval(
                "/v1/teams/{team}", "Removes a team; its name is never used again", tag: Self.tag,
                permission: .takes(.administer)
            ) { call in
                try await store.govern([RemoveTeam(team: try call.path("team"))], call)
            },
            .read("/v1/teams/{team}", "A team", tag: Self.tag, permission: .team(Permission.readTeam)) { call in
                TeamBody(try await store.team(try call.path("team")))
            },
            .govern(
                "/v1/teams/{team}/scopes", "Gives a registry scope to a team", tag: Self.tag,
                permission: .takes(.administer)
            ) {
                (call: Call, body: ScopeRequest) in
                let team: TeamName = try call.path("team")
                return try await store.govern([AddScope(team: team, scope: body.scope)], call) {
                    TeamBody(try await store.team(team))
                }
            },
            .governRemoval(
                "/v1/teams/{team}/scopes", "Takes a registry scope from a team", tag: Self.tag,
                permission: .takes(.administer), queries: [.init(name: "scope", summary: "the scope", isRequired: true)]
            ) { call in
                guard let scope = try call.query("scope", as: RegistryScope.self) else {
                    throw ServerError(.request, "no scope is named", hint: "?scope=registry.example.com/acme")
                }
                return try await store.govern([RemoveScope(team: try call.path("team"), scope: scope)], call)
            },
            .read(
                "/v1/teams/{team}/stores", "A team's trust stores", tag: Self.tag,
                permission: .team(Permission.readTeam), queries: Endpoint.pageQueries
            ) { call in
                let stores = try await store.team(try call.path("team")).stores
                return try call.page(of: stores.map(StoreBody.init)) { "\($0.kind.rawValue)/\($0.name)" }
            },
            .write(
                "/v1/teams/{team}/stores", "Makes a trust store", tag: Self.tag,
                permission: .team(Permission.createStore)
            ) {
                (call: Call, body: StoreRequest) in
                let id = TrustStoreID(team: try call.path("team"), kind: body.kind, name: body.name)
                return StoreBody(try await store.createStore(id, by: try call.caller().actor, now: call.now))
            },
            .read(
                "/v1/repositories", "Known repositories", tag: Self.tag, permission: .filtered,
                queries: Endpoint.pageQueries
            ) { call in
                try await store.repositories(try call.page()).body(RepositoryBody.init)
            },
            .write(
                "/v1/repositories", "Records a repository", tag: Self.tag,
                permission: .decidedInside("the team whose scope covers the repository")
            ) {
                (call: Call, body: RepositoryBody) in
                try await store.addRepository(body.repository, by: try call.caller().actor, now: call.now)
                return body
            },
            .remove(
                "/v1/repositories", "Forgets a repository", tag: Self.tag,
                permission: .decidedInside("the team whose scope covers the repository"),
                queries: [.init(name: "repository", summary: "the repository", isRequired: true)]
            ) { call in
                guard let name = try call.query("repository", as: RegistryScope.self) else {
                    throw ServerError(
                        .request, "no repository is named", hint: "?repository=registry.example.com/acme/app")
                }
                try await store.removeRepository(name, by: try call.caller().actor, now: call.now)
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
