import Foundation
import HTTPTypes
import HummingbirdTesting
import PKI
import PostgresTesting
import PythonEnvironment
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// The API tried against its own document by schemathesis: what the document allows, what it does not, and the edges of
/// both, with a fixed seed.
@Suite(.postgres, .timeLimit(.minutes(5))) struct DocumentTrials {
    enum Caller: String, CaseIterable, Sendable { case administrator, member, nobody }

    /// What would end the trial's own sign-in, and what waits for a minute by design.
    private static let leftOut = ["deleteTokensId", "deleteRoleBindingsId"]
    /// Take credentials in the body, so that every guess counts as a failed sign-in.
    private static let credentialsInBody = ["postBootstrap", "postInvitationsAccept"]

    @Test(arguments: Caller.allCases)
    func `the API does what its document says, and nothing else`(caller: Caller) async throws {
        let requirements = "Tests/Support/schemathesis/requirements.txt"
        guard let python = try PythonEnvironment.python(of: "schemathesis", requirements: requirements) else { return }
        try await TestAPI.withServer(.live, limits: Self.noLimits) { api in
            let administrator = try await Self.fill(api)
            let token: String? =
                switch caller {
                case .administrator: administrator
                case .member:
                    try await api.invite(
                        "mia", [InvitedRole(role: .teamMember, team: try TeamName("acme"))], by: administrator)
                case .nobody: nil
                }
            let port = try #require(api.client.port)
            let (status, output) = try await Self.trial(
                python, port, token, scratch: URL(fileURLWithPath: api.state))
            #expect(
                status == 0,
                """
                As \(caller.rawValue) the API does not do what /openapi.json says. For each failure below mend whichever \
                is wrong: an undocumented status in Endpoint.problems, a form in SchemaProbe or ParameterForm, an \
                answer in the controller; a server error is a bug of the server.
                \(output)
                """)
        }
    }

    private static let noLimits: [ConfigurationKey: String] = [
        .limitCredential: "10000000", .limitAddress: "10000000", .limitFailures: "10000000",
    ]

    /// Something behind every kind of address: a team with a store, a rule and an anchor, a fleet, a denial.
    private static func fill(_ api: TestAPI) async throws -> String {
        let alice = try await api.bootstrap()
        try await api.makeTeam(as: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes", TestAPI.addition(try await TestAPI.root().pem), as: alice)
        let _: DenialBody = try await api.ask(
            .post, "/v1/denials",
            DenialRequest(kind: .certificate, value: String(repeating: "a", count: 64), reason: "stolen"), as: alice)
        return alice
    }

    private static func trial(_ python: URL, _ port: Int, _ token: String?, scratch: URL) async throws -> (
        Int32, String
    ) {
        let place = PythonEnvironment.root.appendingPathComponent("Tests/Support/schemathesis")
        var arguments = [
            "-c", "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())",
            "--config-file", place.appendingPathComponent("schemathesis.toml").path,
            "run", "http://127.0.0.1:\(port)/openapi.json", "--seed", "1", "--max-examples", "5", "--no-color",
            "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--generation-database", "none",
            "--exclude-path", "/fleets/{fleet}/hint",
        ]
        for name in leftOut + (token == nil ? [] : credentialsInBody) { arguments += ["--exclude-operation-id", name] }
        if let token { arguments += ["--header", "Authorization: Bearer \(token)"] }
        let command = arguments
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try PythonEnvironment.start(python.path, command, directory: scratch) })
            }
        }
    }
}
