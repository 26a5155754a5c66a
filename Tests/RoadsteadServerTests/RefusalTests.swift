import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PKI
import PostgresTesting
import RoadsteadWire
import SigningKeys
import Testing
import TrustModel

@testable import RoadsteadServer

/// What people send by mistake, each with the answer that helps.
@Suite(.postgres) struct Refusals {
    struct BadCertificate: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable (Certificate) throws -> String
        let says: String
    }

    static let badCertificates = [
        BadCertificate(
            testDescription: "malformed",
            make: { PEMBlock(label: "CERTIFICATE", bytes: Array($0.der.dropLast(9))).text }, says: "certificate"),
        BadCertificate(
            testDescription: "a key", make: { _ in try PrivateKey.generate(.ed25519).publicKey.pem },
            says: "a public key stands where a certificate belongs"),
        BadCertificate(
            testDescription: "a private key",
            make: { _ in PEMBlock(label: "PRIVATE KEY", bytes: [1, 2, 3]).text },
            says: "a private key stands where a certificate belongs"),
        BadCertificate(testDescription: "trailing rubbish", make: { $0.pem + "rubbish\n" }, says: "line"),
        BadCertificate(
            testDescription: "two", make: { $0.pem + $0.pem }, says: "2 certificates stand where one belongs"),
        BadCertificate(testDescription: "nothing", make: { _ in "" }, says: "empty"),
    ]

    @Test(arguments: badCertificates)
    func `what is no certificate is refused with the reason, and nothing is kept`(bad: BadCertificate) async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let text = try bad.make(try await TestAPI.root())
            let reply = try await api.send(
                .post, "/v1/changes", json: try JSON(encoding: TestAPI.addition(text)), as: alice)
            #expect((400..<500).contains(reply.status.code))
            #expect(try reply.decode(ProblemBody.self).detail.contains(bad.says))
            let changes: Page<ChangeBody> = try await api.ask(.get, "/v1/changes?team=acme", as: alice)
            #expect(changes.items.isEmpty)
        }
    }

    struct BadRequest: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let method: HTTPRequest.Method
        let path: String
        var body: String?
        let problem: String
        let status: Int
    }

    static let badRequests = [
        BadRequest(
            testDescription: "an over-long name", method: .post, path: "/v1/teams",
            body: #"{"name":"\#(String(repeating: "a", count: 40))"}"#, problem: "trust.name", status: 422),
        BadRequest(
            testDescription: "a reserved name", method: .post, path: "/v1/teams", body: #"{"name":"root"}"#,
            problem: "trust.name", status: 422),
        BadRequest(
            testDescription: "a member that nothing reads", method: .post, path: "/v1/teams",
            body: #"{"name":"x","colour":"red"}"#, problem: "codecs.unknown-member", status: 400),
        BadRequest(
            testDescription: "a name twice", method: .post, path: "/v1/teams", body: #"{"name":"x","name":"y"}"#,
            problem: "codecs.duplicate-key", status: 400),
        BadRequest(
            testDescription: "no JSON", method: .post, path: "/v1/teams", body: "{", problem: "codecs.syntax",
            status: 400),
        BadRequest(
            testDescription: "no body", method: .post, path: "/v1/teams", problem: "server.media-type", status: 415),
        BadRequest(
            testDescription: "a scope with a wildcard", method: .post, path: "/v1/teams/acme/scopes",
            body: #"{"scope":"registry.example.com/*"}"#, problem: "trust.scope", status: 422),
        BadRequest(
            testDescription: "a scope of another team", method: .post, path: "/v1/teams/other/scopes",
            body: #"{"scope":"registry.example.com/acme"}"#, problem: "store.conflict", status: 409),
        BadRequest(
            testDescription: "an unknown team", method: .get, path: "/v1/teams/nobody", problem: "store.not-found",
            status: 404),
        BadRequest(
            testDescription: "an unknown fleet", method: .get, path: "/v1/fleets/nowhere", problem: "store.not-found",
            status: 404),
        BadRequest(
            testDescription: "a release of an unknown fleet", method: .post, path: "/v1/fleets/nowhere/releases",
            problem: "store.not-found", status: 404),
        BadRequest(
            testDescription: "a number that is none", method: .get, path: "/v1/changes/x", problem: "server.not-found",
            status: 404),
        BadRequest(
            testDescription: "a page too large", method: .get, path: "/v1/teams?limit=1001", problem: "server.request",
            status: 400),
        BadRequest(
            testDescription: "a cursor of nothing", method: .get, path: "/v1/changes?cursor=x",
            problem: "store.invalid", status: 422),
        BadRequest(
            testDescription: "an unknown parameter", method: .get, path: "/v1/teams?colour=red",
            problem: "server.request", status: 400),
        BadRequest(
            testDescription: "another method", method: .delete, path: "/v1/teams", problem: "server.method-not-allowed",
            status: 405),
    ]

    @Test func `each bad request gets its problem and a way out`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            try await api.govern(
                .post, "/v1/teams", TeamRequest(name: try TeamName("other")), as: alice)
            for bad in Self.badRequests {
                var headers: HTTPFields = [.authorization: "Bearer \(alice)"]
                if bad.body != nil { headers[.contentType] = "application/json" }
                let answer = try await api.client.execute(
                    uri: bad.path, method: bad.method, headers: headers,
                    body: bad.body.map { ByteBuffer(string: $0) })
                #expect(answer.status.code == bad.status, "\(bad.testDescription)")
                #expect(answer.headers[.contentType] == "application/problem+json", "\(bad.testDescription)")
                let problem = try JSON(parsing: Array(answer.body.readableBytesView)).decode(ProblemBody.self)
                #expect(problem.type == bad.problem, "\(bad.testDescription)")
            }
        }
    }

    @Test func `a body larger than its path takes is refused`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let name = JSON.string(String(repeating: "a", count: 70_000))
            let reply = try await api.send(.post, "/v1/teams", json: ["name": name], as: alice)
            #expect(reply.status == .contentTooLarge)
        }
    }

    @Test func `a certificate that no rule allows is refused before anybody has to look`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let pem = try await TestAPI.root().pem
            let operation = OperationBody.addAnchor(
                AddAnchorBody(kind: .ca, store: try TrustStoreName("prod"), certificate: pem, origin: .thirdParty))
            let request = ChangeRequest(team: try TeamName("acme"), operations: [operation], justification: "theirs")
            let reply = try await api.send(.post, "/v1/changes", json: try JSON(encoding: request), as: alice)
            #expect(reply.problem == "store.refused-by-rule")
            let explained: RuleExplanation = try await api.ask(
                .post, "/v1/root-rules/explain",
                RuleExplainRequest(team: try TeamName("acme"), kind: .ca, origin: .thirdParty, certificate: pem),
                as: alice)
            #expect(!explained.allowed)
        }
    }

    @Test func `an edit names the version it is of, and voids approvals`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let request = try TestAPI.addition(try await TestAPI.root().pem)
            let change: ChangeBody = try await api.ask(.post, "/v1/changes", request, as: alice)
            let edit = ChangeEdit(operations: request.operations, justification: "better said")
            let json = try JSON(encoding: edit)
            let path = "/v1/changes/\(change.number)"
            let unnamed = try await api.send(.put, path, json: json, as: alice)
            #expect(unnamed.status == .preconditionRequired)
            let stale = try await api.send(.put, path, json: json, as: alice, headers: [.ifMatch: "\"7\""])
            #expect(stale.status == .preconditionFailed)
            let edited = try await api.send(.put, path, json: json, as: alice, headers: [.ifMatch: "\"1\""])
            #expect(edited.headers[.eTag] == "\"2\"")
            let bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            let late = try await api.send(
                .post, "\(path)/approve", json: ["digest": .string(change.digest)], as: bob)
            #expect(late.problem == "store.stale-approval")
        }
    }

    @Test func `the same request with the same key takes effect once`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let key: HTTPFields = [.idempotencyKey: "7c1f"]
            let first = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice, headers: key)
            let second = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice, headers: key)
            #expect(first.status == .created && second.status == .created && first.body == second.body)
            #expect(second.headers[.idempotentReplayed] == "true")
            let other = try await api.send(.post, "/v1/teams", json: ["name": "other"], as: alice, headers: key)
            #expect(other.problem == "store.idempotency")
            let without = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: alice)
            #expect(without.problem == "store.conflict")
        }
    }

    @Test func `a secret is never kept for a repetition`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let key: HTTPFields = [.idempotencyKey: "token-1"]
            let first = try await api.send(.post, "/v1/tokens", json: ["label": "ci"], as: alice, headers: key)
            #expect(first.status == .created)
            let second = try await api.send(.post, "/v1/tokens", json: ["label": "ci"], as: alice, headers: key)
            #expect(second.problem == "server.idempotency-key")
        }
    }
}
