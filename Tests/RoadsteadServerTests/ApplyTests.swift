import HTTPTypes
import ArgumentParser
import Codecs
import Declarations
import Files
import HummingbirdTesting
import PKI
import PostgresTesting
import RoadsteadCommand
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadRemote
@testable import RoadsteadServer

/// Files applied to a server over HTTP, as the command line does it.
@Suite(.postgres, .timeLimit(.minutes(2))) struct Applying {
    private func plan(_ text: String, _ client: APIClient, prune: Bool = false) async throws -> DeclarationPlan {
        let declared = try YAMLDocuments(text, name: "f.yaml").documents.map {
            try Declaration($0.tree, place: "f.yaml:\($0.line)")
        }
        let present = try await PresentState(of: client, for: declared)
        return try DeclarationPlan(declared, present: present, prunes: prune)
    }

    private func withClient(
        _ body: @Sendable (TestAPI, APIClient, _ alice: String) async throws -> Void
    ) async throws {
        try await TestAPI.withServer(.live) { api in
            let alice = try await api.bootstrap()
            let port = try #require(api.client.port)
            let client = try APIClient(server: "http://127.0.0.1:\(port)", token: alice)
            do {
                try await body(api, client, alice)
                await client.close()
            } catch {
                await client.close()
                throw error
            }
        }
    }

    @Test
    func `files are applied once, waiting changes are not proposed twice, and what is exported differs in nothing`()
        async throws
    {
        try await withClient { api, client, alice in
            let why = try ReasonOptions.parse(["--reason", "as agreed"])
            try await api.makeTeam(as: alice)
            let bob = try await api.invite("bob", [InvitedRole(role: .trustAdmin)], by: alice)
            let pem = try await TestAPI.root().pem.split(separator: "\n").map { "  \($0)\n" }.joined()
            let files = """
                kind: Team
                name: acme
                scopes: [registry.example.com/acme, registry.example.com/extra]
                stores: [ca/prod, ca/dev]
                ---
                kind: Rule
                name: acme-own
                team: acme
                origins: [own]
                effect: allow
                conditions: {keyTypes: [ec]}
                ---
                kind: Fleet
                name: demo
                teams: [acme]
                ---
                kind: Anchor
                team: acme
                store: ca/prod
                certificate: |
                \(pem)
                """
            let first = try await plan(files, client)
            #expect(first.summary == "5 to add, 1 to change, 0 to remove")
            let outcome = try await first.carryOut(why, client)
            #expect(outcome.waiting.count == 3, "administration, the fleet, the team's additions")
            #expect(outcome.held.isEmpty)

            let again = try await plan(files, client).carryOut(why, client)
            #expect(again.waiting.count == 3)
            #expect(again.waiting.allSatisfy { $0.contains("asks for this already") })
            let changes: [ChangeBody] = try await client.all("/v1/changes", [("state", "submitted")])
            #expect(changes.count == 3)
            for change in changes {
                let _: ChangeBody = try await api.ask(
                    .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: bob)
            }
            let last = try await api.eventually {
                try await plan(files, client)
            } until: {
                $0.differences.isEmpty
            }
            #expect(last.summary == "0 to add, 0 to change, 0 to remove")
            let settled = try await last.carryOut(why, client)
            #expect(settled.waiting.isEmpty)

            let present = try await PresentState(of: client, kinds: [.all])
            let exported = YAMLText.documents(try present.declarations.map { try $0.document })
            #expect(exported.contains("BEGIN CERTIFICATE"))
            let kept = try await plan(exported, client, prune: true)
            #expect(kept.differences == [], "\(exported)")
        }
    }
}
