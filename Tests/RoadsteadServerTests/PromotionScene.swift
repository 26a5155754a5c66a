import Codecs
import HTTPTypes
import Migrations
import Observability
import PKI
import PostgresKit
import PostgresTesting
import PythonEnvironment
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Fleets that are promoted one to the other, with people, roots to add, and hosts that follow.
final class PromotionScene {
    let api: TestAPI
    let clock: TestClock
    let alice: String
    let bob: String
    let publisher: Publisher
    let python: StockClient
    private(set) var fleets: [FollowedFleet] = []
    private var roots: [String] = []

    init(_ api: TestAPI, _ clock: TestClock) async throws {
        self.api = api
        self.clock = clock
        alice = try await api.bootstrap()
        bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
        publisher = try Self.publisher(api)
        python = try StockClient()
        try await api.govern(
            .post, "/v1/root-rules",
            RootRuleBody(
                name: "any", team: nil, origin: .own, effect: .allow, approvals: 1, conditions: RuleConditions()),
            as: alice)
    }

    /// One more publisher, with connections of its own, as another replica has.
    static func publisher(_ api: TestAPI) throws -> Publisher {
        let database = try #require(TestDatabase.current)
        return Publisher(
            store: PublisherStore(pool: try database.pool(.publisher, connections: 4)),
            keys: ServerKeys(api.program.master),
            logger: TestAPI.quietLogger, metrics: MetricsRegistry())
    }

    // MARK: People's work

    func team(_ name: String) async throws {
        let team = try TeamName(name)
        try await api.govern(
            .post, "/v1/teams", TeamRequest(name: team), as: alice)
        try await api.govern(
            .post, "/v1/teams/\(name)/scopes", ScopeRequest(scope: try RegistryScope("registry.example.com/\(name)")),
            as: alice)
        let _: StoreBody = try await api.ask(
            .post, "/v1/teams/\(name)/stores", StoreRequest(kind: .ca, name: try TrustStoreName("prod")), as: alice)
    }

    func fleet(_ name: String, teams: [String] = []) async throws {
        let body: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName(name)), as: alice)
        for team in teams { try await add(team, to: name) }
        _ = try await api.makeRoot(of: name, as: alice)
        fleets.append(FollowedFleet(body.name, id: body.id, files: publisher.store.files))
    }

    func add(_ team: String, to fleet: String) async throws {
        try await api.govern(
            .post, "/v1/fleets/\(fleet)/teams", FleetTeamRequest(team: try TeamName(team)), as: alice)
    }

    func source(_ source: String?, of fleet: String) async throws {
        let _: FleetBody = try await api.ask(
            .put, "/v1/fleets/\(fleet)/source",
            FleetSourceRequest(promotesFrom: try source.map { try FleetName($0) }), as: alice)
    }

    /// Adds a new root, agreed by two people.
    @discardableResult
    func addRoot(to team: String) async throws -> Int64 {
        let operation = OperationBody.addAnchor(
            AddAnchorBody(
                kind: .ca, store: try TrustStoreName("prod"),
                certificate: try await TestAPI.root("root \(UInt64.random(in: 0 ... .max))").pem, origin: .own))
        let request = ChangeRequest(team: try TeamName(team), operations: [operation], justification: "needed")
        let change: ChangeBody = try await api.ask(.post, "/v1/changes", request, as: alice)
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: bob)
        return change.number
    }

    @discardableResult
    func promote(_ from: String, _ to: String, dryRun: Bool = false) async throws -> PromotionBody {
        try await api.ask(
            .post, "/v1/fleets/\(to)/promotions", PromotionRequest(from: try FleetName(from), dryRun: dryRun),
            as: alice)
    }

    @discardableResult
    func hotFix(_ fleet: String, _ change: Int64) async throws -> HotFixBody {
        try await api.ask(.post, "/v1/fleets/\(fleet)/hot-fixes", HotFixRequest(change: change), as: alice)
    }

    // MARK: What comes of it

    subscript(name: String) -> FollowedFleet {
        get throws { try #require(fleets.first { $0.name.rawValue == name }) }
    }

    /// Publishes what is ready in every fleet, and lets an old host of each refresh, one that was left behind where that
    /// is said, and a new one.
    func settle(_ what: String, leftBehind: Bool = true) async throws {
        for fleet in fleets {
            try await publisher.publishNow(fleet.name, now: clock.now())
            try await fleet.mirror()
            let teams = try await publisher.store.state(of: fleet.name).content.teams.map(\.name)
            fleet.forget("new")
            for host in ["old", "new"] + (leftBehind ? ["left behind"] : []) {
                try await fleet.follow(as: host, python, teams: teams, now: clock.now(), what)
            }
        }
    }

    /// The version of a team's role that a fleet lists.
    func version(_ fleet: String, _ team: String = "acme") throws -> Int64? { try self[fleet].version(of: team) }
}
