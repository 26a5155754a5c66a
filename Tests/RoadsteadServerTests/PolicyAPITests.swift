import Codecs
import HTTPTypes
import PKI
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Policies, previews, guards and exceptions over HTTP.
@Suite(.postgres) struct PolicyAPITests {
    private static let statements: JSON = [
        [
            "name": "releases", "registryScopes": ["registry.example.com/acme/api"], "level": "strict",
            "stores": [["kind": "ca", "name": "prod"]],
            "trustedIdentities": ["x509.subject: C=US, ST=WA, O=acme"],
        ]
    ]
    private static let policy: JSON = ["statements": statements, "justification": "only releases"]

    /// Team acme in fleet demo with one root, which tina approved.
    private func scene(_ api: TestAPI) async throws -> (alice: String, tina: String) {
        let alice = try await api.bootstrap()
        try await api.makeTeam(as: alice)
        let tina = try await api.invite(
            "tina", [InvitedRole(role: .teamAdmin, team: try TeamName("acme"))], by: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
        return (alice, tina)
    }

    private func addRoot(_ api: TestAPI, _ alice: String, _ tina: String) async throws {
        let root = try await TestAPI.root()
        let change: ChangeBody = try await api.ask(
            .post, "/v1/changes", try TestAPI.addition(root.pem), as: alice)
        try await approve(change, api, as: tina)
    }

    private func approve(_ change: ChangeBody, _ api: TestAPI, as token: String) async throws {
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: token)
        _ = try await api.eventually {
            try await api.ask(.get, "/v1/changes/\(change.number)", as: token, answer: ChangeBody.self)
        } until: {
            $0.state == .published
        }
    }

    @Test func `a policy is proposed, shown, previewed, approved, and explains itself`() async throws {
        try await TestAPI.withServer { api in
            let (alice, tina) = try await scene(api)
            let empty = try await api.send(.put, "/v1/teams/acme/policy", json: Self.policy, as: alice)
            #expect(empty.status == .unprocessableContent && empty.problem == "store.refused-by-guard")
            try await addRoot(api, alice, tina)
            let reply = try await api.send(.put, "/v1/teams/acme/policy", json: Self.policy, as: alice)
            #expect(reply.status == .accepted)
            let change: ChangeBody = try reply.decode()
            let before: PolicyBody = try await api.ask(.get, "/v1/teams/acme/policy", as: alice)
            #expect(before.standard && before.statements.map(\.name) == ["acme"])
            let preview: PreviewBody = try await api.ask(.get, "/v1/changes/\(change.number)/preview", as: tina)
            #expect(preview.fleets.map(\.fleet.rawValue) == ["demo"])
            #expect(preview.fleets[0].files.map(\.path) == ["trustpolicy.json"])
            #expect(
                preview.fleets[0].files[0].difference.contains { $0.hasPrefix("+") && $0.contains("acme.releases") })
            try await approve(change, api, as: tina)
            let after: PolicyBody = try await api.ask(.get, "/v1/teams/acme/policy", as: alice)
            #expect(!after.standard && after.change == change.number)
            let found: ExplanationBody = try await api.ask(
                .get, "/v1/fleets/demo/policy/explain?scope=registry.example.com/acme/api", as: alice)
            #expect(found.statement == "releases" && found.stores.map(\.store) == ["ca:acme.prod"])
            let other: ExplanationBody = try await api.ask(
                .get, "/v1/fleets/demo/policy/explain?scope=registry.example.com/acme/web", as: alice)
            #expect(other.stores.isEmpty && other.reasons.contains { $0.contains("everything is refused") })
        }
    }

    @Test func `what nobody proposed yet is shown, and proposes nothing`() async throws {
        try await TestAPI.withServer { api in
            let (alice, tina) = try await scene(api)
            let body = try TestAPI.addition(try await TestAPI.root().pem)
            let preview: PreviewBody = try await api.ask(.post, "/v1/changes/preview", body, as: tina)
            #expect(preview.fleets[0].lines.contains { $0.contains("anchor added") })
            let changes: Page<ChangeBody> = try await api.ask(.get, "/v1/changes?team=acme", as: alice)
            #expect(changes.items.isEmpty)
            let outsider = try await api.invite("olga", [InvitedRole(role: .auditor)], by: alice)
            let refused = try await api.send(
                .post, "/v1/changes/preview", json: try JSON(encoding: body), as: outsider)
            #expect(refused.status == .forbidden)
        }
    }

    @Test func `a statement of another team's scope, or one that means nothing, is refused with the reason`()
        async throws
    {
        try await TestAPI.withServer { api in
            let (alice, _) = try await scene(api)
            for (member, value): (String, JSON) in [
                ("registryScopes", ["registry.example.com/acme-x"]), ("registryScopes", ["*"]), ("level", "lax"),
                ("stores", [["kind": "ca", "name": "missing"]]), ("trustedIdentities", []),
            ] {
                guard case .array(let items) = Self.statements, case .object(var statement) = items[0] else { return }
                statement[member] = value
                let reply = try await api.send(
                    .put, "/v1/teams/acme/policy",
                    json: ["statements": [.object(statement)], "justification": "why not"], as: alice)
                #expect((400..<500).contains(reply.status.code), "\(member) \(value.text): \(reply.status)")
            }
        }
    }

    @Test func `an exception is listed until it ends, and one officer ends it`() async throws {
        try await TestAPI.withServer { api in
            let (alice, _) = try await scene(api)
            let olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
            let digest = "sha256:" + String(repeating: "ab", count: 32)
            let operation: JSON = [
                "op": "add-exception", "fleet": "demo", "digest": .string(digest), "owner": "on-call",
            ]
            let request: JSON = ["operations": [operation], "justification": "the signer is away"]
            let reply = try await api.send(.post, "/v1/changes", json: request, as: alice)
            let change: ChangeBody = try reply.decode()
            #expect(change.state == .submitted && change.canApprove == ["olga"])
            try await approve(change, api, as: olga)
            let found: Page<ExceptionBody> = try await api.ask(.get, "/v1/exceptions?fleet=demo", as: alice)
            #expect(found.items.map(\.digest) == [digest] && found.items.map(\.owner) == ["on-call"])
            let first = try #require(found.items.first)
            let number = try #require(Int64(first.exception.dropFirst(2)))
            let end: JSON = ["op": "end-exception", "fleet": "demo", "exception": .integer(number)]
            let ended = try await api.send(
                .post, "/v1/changes", json: ["operations": [end], "justification": "signed"], as: olga)
            #expect(try ended.decode(ChangeBody.self).state == .published)
            let none: Page<ExceptionBody> = try await api.ask(.get, "/v1/exceptions", as: alice)
            #expect(none.items.isEmpty)
        }
    }
}
