import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Migrations
import PKI
import PostgresKit
import PostgresTesting
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// Somebody who calls: every role, and every kind of token of somebody who may do nearly everything.
enum PermissionCaller: String, CaseIterable, Sendable {
    case admin, officer, teamOfficer, teamAdmin, teamMember, operatorOfAll, fleetOperator, auditor, teamAuditor
    case fleetAuditor, nobody
    /// Tokens of the administrator's.
    case readOnly, limited, machine
}

/// One side of the wall: the team and the fleet that the scoped callers' roles are bound to, or the others.
struct PermissionPlace: Sendable {
    let team: String
    let fleet: String
    var anchor: Int64 = 0
    /// A change that waits for approval, of somebody who is none of the callers.
    var change: Int64 = 0
    /// The change whose content a draft holds.
    var signedChange: Int64 = 0
    var draft: Int64 = 0
    var denial: Int64 = 0
    var ceremony: Int64 = 0
    /// More than there are callers: some are removed.
    var hosts: [Int64] = []
    var key = ""
    let root: Certificate

    var denied: String { String(repeating: team == "acme" ? "aa" : "bb", count: 32) }
    var repository: String { "registry.example.com/\(team)/app" }
}

/// A server with two teams in two fleets, something of every kind in each, and a token for every caller.
struct PermissionScene: Sendable {
    let api: TestAPI
    private(set) var tokens: [PermissionCaller: String] = [:]
    private(set) var own: PermissionPlace
    private(set) var foreign: PermissionPlace

    static func make(_ api: TestAPI) async throws -> PermissionScene {
        let alice = try await api.bootstrap()
        var scene = PermissionScene(
            api: api, own: PermissionPlace(team: "acme", fleet: "prod", root: try await TestAPI.root("acme root")),
            foreign: PermissionPlace(team: "beta", fleet: "lab", root: try await TestAPI.root("beta root")))
        scene.tokens[.admin] = alice
        for place in [\PermissionScene.own, \.foreign] { try await scene.build(place, as: alice) }
        for place in [\PermissionScene.own, \.foreign] { try await scene.fill(place, as: alice) }
        try await scene.makeTokens(of: alice)
        try await scene.invite(by: alice)
        return scene
    }

    func token(_ caller: PermissionCaller) throws -> String { try #require(tokens[caller]) }

    // MARK: Places

    private mutating func build(
        _ path: WritableKeyPath<PermissionScene, PermissionPlace>, as alice: String
    ) async throws {
        let place = self[keyPath: path]
        let (team, fleet) = (try TeamName(place.team), try FleetName(place.fleet))
        let _: TeamBody = try await api.ask(.post, "/v1/teams", TeamRequest(name: team), as: alice)
        let _: TeamBody = try await api.ask(
            .post, "/v1/teams/\(team)/scopes",
            ScopeRequest(scope: try RegistryScope("registry.example.com/\(team)")), as: alice)
        let _: StoreBody = try await api.ask(
            .post, "/v1/teams/\(team)/stores", StoreRequest(kind: .ca, name: try TrustStoreName("prod")), as: alice)
        let _: RootRuleBody = try await api.ask(
            .post, "/v1/root-rules",
            RootRuleBody(
                name: "\(team)-own", team: team, origin: .own, effect: .allow, approvals: 1,
                conditions: RuleConditions()), as: alice)
        let _: RepositoryBody = try await api.ask(
            .post, "/v1/repositories", RepositoryBody(repository: try RegistryScope(place.repository)), as: alice)
        let _: FleetBody = try await api.ask(.post, "/v1/fleets", FleetRequest(name: fleet), as: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets/\(fleet)/teams", FleetTeamRequest(team: team), as: alice)
        let denial: DenialBody = try await api.ask(
            .post, "/v1/denials",
            DenialRequest(kind: .certificate, value: place.denied, team: team, reason: "stolen"), as: alice)
        self[keyPath: path].denial = denial.id
    }

    /// An anchor, a draft that the team's member signs, and a change that waits.
    private mutating func fill(
        _ path: WritableKeyPath<PermissionScene, PermissionPlace>, as alice: String
    ) async throws {
        let place = self[keyPath: path]
        let team = try TeamName(place.team)
        let author = try await api.invite(
            "author-\(team)", [InvitedRole(role: .teamAdmin, team: team)], by: alice)
        let key = try PrivateKey.generate(.ed25519)
        let registered = try await api.register(key, of: "author-\(team)", as: author, team: place.team)
        let anchor = try await propose([Self.addition(place.root)], in: team, as: alice)
        try await approve(anchor, as: author)
        let signed = try await propose(
            [.other(.setCustody(try CustodySetting(.team, keys: [registered.keyID], threshold: 1)))], in: team,
            as: author)
        try await approve(signed, as: alice)
        _ = try await api.eventually { () -> ChangeBody in
            try await api.ask(.get, "/v1/changes/\(signed.number)", as: alice)
        } until: {
            $0.state == .published
        }
        _ = try await api.makeRoot(of: place.fleet, as: alice)
        let draft = try await api.eventually {
            try await api.send(.get, "/v1/changes/\(signed.number)/role-draft", as: alice)
        } until: {
            $0.status == .ok
        }
        let waiting = try await propose(
            [Self.addition(try await TestAPI.root("\(team) next"))], in: team, as: author)
        let anchors: Page<AnchorBody> = try await api.ask(.get, "/v1/anchors?team=\(team)", as: alice)
        let ceremonies: Page<CeremonySummaryBody> = try await api.ask(
            .get, "/v1/ceremonies?fleet=\(place.fleet)", as: alice)
        self[keyPath: path].anchor = try #require(anchors.items.first).id
        self[keyPath: path].ceremony = try #require(ceremonies.items.first).id
        self[keyPath: path].key = registered.keyID
        self[keyPath: path].signedChange = signed.number
        self[keyPath: path].draft = try draft.decode(RoleDraftBody.self).id
        self[keyPath: path].change = waiting.number
        self[keyPath: path].hosts = try await Self.insertHosts(in: place.fleet)
    }

    static func addition(_ root: Certificate, store: String = "prod") throws -> OperationBody {
        .addAnchor(
            AddAnchorBody(kind: .ca, store: try TrustStoreName(store), certificate: root.pem, origin: .own))
    }

    private func propose(_ operations: [OperationBody], in team: TeamName, as token: String) async throws -> ChangeBody
    {
        try await api.ask(
            .post, "/v1/changes",
            ChangeRequest(team: team, operations: operations, justification: "needed"), as: token)
    }

    private func approve(_ change: ChangeBody, as token: String) async throws {
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: token)
    }

    /// Hosts as rows, and a stop of the fleet's publishing: what comes of them is told elsewhere.
    private static func insertHosts(in fleet: String) async throws -> [Int64] {
        let database = try #require(TestDatabase.current)
        return try await database.withConnection(as: .owner) { connection in
            try await connection.run(
                script: """
                    INSERT INTO join_token (token_sha256, fleet_id, labels, uses_left, created_by, created_at, expires_at)
                        SELECT sha256('\(fleet)'), id, '{}', 0, (SELECT min(id) FROM person), now(), now() + interval '1 day'
                        FROM fleet WHERE name = '\(fleet)';
                    INSERT INTO host (fleet_id, name, public_key, labels, join_token_id, enrolled_at)
                        SELECT f.id, f.name || '-' || i, sha256(convert_to(f.name || i, 'UTF8')), '{}', j.id, now()
                        FROM fleet f JOIN join_token j ON j.fleet_id = f.id, generate_series(1, 40) i
                        WHERE f.name = '\(fleet)';
                    INSERT INTO host_state (host_id) SELECT h.id FROM host h JOIN fleet f ON f.id = h.fleet_id
                        WHERE f.name = '\(fleet)';
                    INSERT INTO publishing_halt (fleet_id, source, reason, noticed_at)
                        SELECT id, 'disk', 'a test', now() FROM fleet WHERE name = '\(fleet)';
                    """)
            return try await connection.rows(
                running: "SELECT h.id FROM host h JOIN fleet f ON f.id = h.fleet_id WHERE f.name = $1 ORDER BY h.id",
                [.text(fleet)]
            ).map { try $0.value("id") }
        }
    }

    // MARK: Callers

    private mutating func makeTokens(of alice: String) async throws {
        let readOnly: IssuedToken = try await api.ask(
            .post, "/v1/tokens", TokenRequest(label: "reader", access: .read), as: alice)
        let limited: IssuedToken = try await api.ask(
            .post, "/v1/tokens", TokenRequest(label: "acme only", team: try TeamName("acme")), as: alice)
        tokens[.readOnly] = readOnly.token
        tokens[.limited] = limited.token
        tokens[.machine] = try await machineToken(of: alice)
    }

    private func machineToken(of alice: String) async throws -> String {
        let store = ApiStore(pool: try #require(TestDatabase.current).pool(.api))
        let (now, token) = (SystemClock.now(), TokenText.generate(.api))
        let shown = try #require(TokenText(alice, .api))
        let session = try await store.authenticate(tokenSHA256: shown.sha256, requestID: "r", now: now)
        _ = try await store.issueCredential(
            NewCredential(
                tokenSHA256: token.sha256, label: "robot", limits: TokenLimits(access: .write, holder: .machine),
                expires: now.adding(days: 30)), by: session.actor, now: now)
        return token.text
    }

    /// The officer last: from then on administration takes two.
    private mutating func invite(by alice: String) async throws {
        let (team, fleet) = (try TeamName(own.team), try FleetName(own.fleet))
        let roles: [(PermissionCaller, InvitedRole)] = [
            (.teamOfficer, InvitedRole(role: .securityOfficer, team: team)),
            (.teamAdmin, InvitedRole(role: .teamAdmin, team: team)),
            (.teamMember, InvitedRole(role: .teamMember, team: team)),
            (.operatorOfAll, InvitedRole(role: .fleetOperator)),
            (.fleetOperator, InvitedRole(role: .fleetOperator, fleet: fleet)),
            (.teamAuditor, InvitedRole(role: .auditor, team: team)),
            (.fleetAuditor, InvitedRole(role: .auditor, fleet: fleet)), (.auditor, InvitedRole(role: .auditor)),
            (.nobody, InvitedRole(role: .teamMember, team: team)), (.officer, InvitedRole(role: .securityOfficer)),
        ]
        for (caller, role) in roles {
            tokens[caller] = try await api.invite(caller.rawValue.lowercased(), [role], by: alice)
        }
        try await #require(TestDatabase.current).withConnection(as: .owner) {
            try await $0.run(
                script: """
                    UPDATE role_binding SET revoked_at = now(), revoked_by = person_id
                    WHERE person_id = (SELECT id FROM person WHERE subject = 'nobody')
                    """)
        }
    }
}
