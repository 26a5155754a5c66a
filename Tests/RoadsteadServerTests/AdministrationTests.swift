import Codecs
import HTTPTypes
import HummingbirdTesting
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Administration over HTTP: in force at once while one founds alone, then by what two people agreed to.
@Suite(.postgres) struct AdministrationTests {
    @Test func `after founding a team is accepted as a change, and made when somebody else approves it`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let first = try await api.send(.post, "/v1/teams", json: ["name": "first"], as: alice)
            #expect(first.status == .created)
            let bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)

            let reply = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice)
            let change: ChangeBody = try reply.decode()
            #expect(reply.status == .accepted)
            #expect(reply.headers[.location] == "/v1/changes/\(change.number)")
            #expect(change.state == .submitted && change.canApprove == ["bob"] && change.founding == nil)
            #expect(change.effect == ["makes the team acme (acme)"])
            #expect(try await api.send(.get, "/v1/teams/acme", as: alice).status == .notFound)

            let own = try await api.send(
                .post, "/v1/changes/\(change.number)/approve",
                json: try JSON(encoding: DecisionRequest(digest: change.digest)), as: alice)
            #expect(own.status == .forbidden && own.problem == "store.own-proposal")
            let byBob = try await api.send(.post, "/v1/teams", json: ["name": "bobs"], as: bob)
            #expect(byBob.status == .forbidden)
            try await api.agree(on: change)
            let team: TeamBody = try await api.ask(.get, "/v1/teams/acme", as: alice)
            #expect(team.name.rawValue == "acme")
        }
    }

    @Test func `a change that waits is given again to a repeated request`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            _ = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            let key: HTTPFields = [.idempotencyKey: "one"]
            let first = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice, headers: key)
            let second = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice, headers: key)
            #expect(first.status == .accepted && second.status == .accepted)
            #expect(first.body == second.body)
        }
    }

    @Test func `an invitation works at once, and its roles when they are agreed to`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            _ = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            let invitation: InvitationBody = try await api.ask(
                .post, "/v1/invitations",
                InvitationRequest(name: "carol", displayName: "C", bindings: [InvitedRole(role: .auditor)]), as: alice)
            let change = try #require(invitation.change)
            #expect(change.state == .submitted)
            let accept = AcceptInvitationRequest(invitation: invitation.invitation, label: "laptop")
            let asAlice = try await api.send(
                .post, "/v1/invitations/accept", json: try JSON(encoding: accept), as: alice)
            #expect(asAlice.status == .badRequest)
            let issued: IssuedToken = try await api.ask(.post, "/v1/invitations/accept", accept)
            let before: WhoAmI = try await api.ask(.get, "/v1/whoami", as: issued.token)
            #expect(before.bindings.isEmpty)
            try await api.agree(on: change)
            let after: WhoAmI = try await api.ask(.get, "/v1/whoami", as: issued.token)
            #expect(after.bindings.map(\.role) == [.auditor])
        }
    }

    @Test func `a role is taken away and a person disabled by one, and the last administrator stays`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            let carol = try await api.invite("carol", [InvitedRole(role: .auditor)], by: alice)
            let bindings: Page<RoleBindingBody> = try await api.ask(.get, "/v1/role-bindings", as: alice)
            let audits = try #require(bindings.items.first { $0.person == "carol" }?.id)
            let rules = try #require(bindings.items.first { $0.person == "alice" }?.id)
            #expect(try await api.send(.delete, "/v1/role-bindings/\(audits)", as: bob).status == .forbidden)
            #expect(try await api.send(.delete, "/v1/role-bindings/\(audits)", as: alice).status == .noContent)
            #expect(try await api.send(.delete, "/v1/role-bindings/\(rules)", as: alice).status == .conflict)
            let people: Page<PersonBody> = try await api.ask(.get, "/v1/people", as: alice)
            let id = try #require(people.items.first { $0.name == "carol" }?.id)
            #expect(try await api.send(.delete, "/v1/people/\(id)", as: bob).status == .forbidden)
            #expect(try await api.send(.delete, "/v1/people/\(id)", as: alice).status == .noContent)
            #expect(try await api.send(.get, "/v1/whoami", as: carol).status == .unauthorized)
        }
    }

    @Test func `a fleet's settings are shown as they were agreed to`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            _ = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            let made: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("prod")), as: alice)
            #expect(made.settings == .standard)
            let settings = try FleetOptions(rejectAfterSeconds: 7_200, inexpressible: .reportUnenforced)
            try await api.govern(.put, "/v1/fleets/prod/settings", settings, as: alice)
            try await api.govern(.put, "/v1/fleets/prod/mode", FleetModeRequest(mode: .enforce), as: alice)
            let after: FleetBody = try await api.ask(.get, "/v1/fleets/prod", as: alice)
            #expect(after.settings == settings && after.mode == .enforce)
            let short = try await api.send(
                .put, "/v1/fleets/prod/settings", json: ["rejectAfterSeconds": 60], as: alice)
            #expect(short.status == .unprocessableContent)
        }
    }
}
