import Codecs
import Files
import HTTPTypes
import Hummingbird
import PostgresTesting
import RoadsteadWire
import SigningKeys
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct SignIn {
    @Test(arguments: [nil, "", "rst_unknown", "rsb_unknown", "Bearer"])
    func `a credential that does not count is refused without saying why`(token: String?) async throws {
        try await TestAPI.withServer { api in
            let reply = try await api.send(.get, "/v1/whoami", as: token)
            #expect(reply.status == .unauthorized)
            #expect(reply.headers[.wwwAuthenticate] == "Bearer")
            let problem = try reply.decode(ProblemBody.self)
            #expect(problem.detail == Gate.refusal.reason && problem.hint != nil)
        }
    }

    @Test func `an expired token is refused`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let alice = try await api.bootstrap()
            let token: IssuedToken = try await api.ask(
                .post, "/v1/tokens", TokenRequest(label: "short", expiresInDays: 1), as: alice)
            let fresh = try await api.send(.get, "/v1/whoami", as: token.token)
            #expect(fresh.status == .ok)
            clock.advance(seconds: 86_401)
            let old = try await api.send(.get, "/v1/whoami", as: token.token)
            #expect(old.status == .unauthorized)
            let other = try await api.send(.get, "/v1/whoami", as: alice)
            #expect(other.status == .ok)
        }
    }

    @Test func `a revoked token is refused at once`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let token: IssuedToken = try await api.ask(.post, "/v1/tokens", TokenRequest(label: "ci"), as: alice)
            let removed = try await api.send(.delete, "/v1/tokens/\(token.tokenID)", as: alice)
            #expect(removed.status == .noContent)
            let reply = try await api.send(.get, "/v1/whoami", as: token.token)
            #expect(reply.status == .unauthorized)
        }
    }

    @Test func `a token for reading changes nothing`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let token: IssuedToken = try await api.ask(
                .post, "/v1/tokens", TokenRequest(label: "read", access: .read), as: alice)
            let read = try await api.send(.get, "/v1/teams", as: token.token)
            #expect(read.status == .ok)
            let write = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: token.token)
            #expect(write.problem == "store.forbidden")
        }
    }

    @Test func `the bootstrap token is a 0600 file, works once, and is gone afterwards`() async throws {
        try await TestAPI.withServer { api in
            let path = api.program.configuration.bootstrapTokenPath
            #expect(try Files.status(path).mode == 0o600)
            let text = String(decoding: try Files.readSecret(path), as: UTF8.self).dropLast()
            _ = try await api.bootstrap()
            #expect(!Files.exists(path))
            let again = try await api.send(
                .post, "/v1/bootstrap", json: ["name": "mallory", "displayName": "Mallory"], as: String(text))
            #expect((400..<500).contains(again.status.code))
            let parts = try ServerParts(api.program)
            let issued = try await BootstrapToken.issue(parts.api, path: path, now: SystemClock.now())
            #expect(issued == nil && !Files.exists(path))
        }
    }

    @Test func `the bootstrap token is good for one hour`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            clock.advance(seconds: 3_601)
            await #expect(throws: TestAPI.UnexpectedReply.self) { try await api.bootstrap() }
        }
    }

    @Test func `an invitation works once`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let invitation: InvitationBody = try await api.ask(
                .post, "/v1/invitations",
                InvitationRequest(name: "bob", displayName: "Bob", bindings: [InvitedRole(role: .auditor)]), as: alice)
            let accept = try JSON(
                encoding: AcceptInvitationRequest(invitation: invitation.invitation, label: "laptop"))
            let first = try await api.send(.post, "/v1/invitations/accept", json: accept)
            #expect(first.status == .created)
            let second = try await api.send(.post, "/v1/invitations/accept", json: accept)
            #expect((400..<500).contains(second.status.code))
        }
    }

    @Test func `a wrong join token enrols nobody`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let fleet: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            let key = try PrivateKey.generate(.ed25519)
            let token = TokenText.generate(.join)
            let statement = HostStatement.enrolment(
                fleetID: fleet.id, hostName: "web-1", tokenSHA256: Hex.encode(token.sha256))
            let request = EnrollRequest(
                token: token.text, fleet: fleet.name, hostName: "web-1", publicKey: key.publicKey.pem,
                proof: Base64.encode(try await key.signature(over: statement, scheme: .ed25519)))
            let reply = try await api.send(.post, "/v1/enroll", json: try JSON(encoding: request))
            #expect(reply.status == .unauthorized)
            let hosts: Page<HostBody> = try await api.ask(.get, "/v1/hosts", as: alice)
            #expect(hosts.items.isEmpty)
        }
    }
}
