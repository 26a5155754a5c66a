import Codecs
import PKI
import TestSigning
import Testing

@testable import TrustModel

@Suite struct HostTrustPolicyTests {
    private func trust(
        _ scopes: [String], root: Certificate, level: String = "strict", override: [String: String]? = nil
    ) throws -> HostTrust {
        let team = try TeamName("acme")
        let id = TrustStoreID(team: team, kind: .ca, name: try TrustStoreName("prod"))
        let statements = try scopes.map { scope in
            HostTrust.Statement(
                name: scope, team: team, scopes: [try RegistryScope(scope)], level: level, override: override,
                stores: [id], trustedIdentities: ["*"])
        }
        let store = HostTrust.Store(
            id: id, anchors: [Base64.encode(root.der)],
            constraints: [TeamPolicy.AnchorConstraint(anchor: root.sha256, until: SigningFixture.now)])
        return HostTrust(
            fleet: try FleetName("demo"), release: 1, issued: SigningFixture.now, statements: statements,
            stores: [store], denials: [], repositories: [])
    }

    @Test func `the longest scope that covers a repository wins`() async throws {
        let trust = try trust(
            ["r.example/acme", "r.example/acme/app", "r.example"], root: try await SigningFixture().root)
        let cases = [
            ("r.example/acme/app", "r.example/acme/app"), ("r.example/acme/app/x", "r.example/acme/app"),
            ("r.example/acme/other", "r.example/acme"), ("r.example/acme-x", "r.example"),
        ]
        for (repository, statement) in cases {
            #expect(try trust.policy(for: RegistryScope(repository), at: now)?.name == statement)
        }
        #expect(try trust.policy(for: RegistryScope("other.example/acme"), at: now) == nil)
    }

    @Test func `stores come with their anchors and what limits them`() async throws {
        let root = try await SigningFixture().root
        let policy = try #require(
            try trust(["r.example"], root: root).policy(for: RegistryScope("r.example/a"), at: now))
        #expect(policy.team?.rawValue == "acme")
        #expect(policy.stores.map(\.store.description) == ["ca:acme.prod"])
        #expect(policy.stores.first?.anchors.first?.certificate == root)
        #expect(policy.stores.first?.anchors.first?.constraint?.until == SigningFixture.now)
    }

    @Test func `a level that nobody knows is an error, not a default`() async throws {
        let trust = try trust(["r.example"], root: try await SigningFixture().root, level: "lenient")
        #expect(throws: TrustModelError(.policy, "")) { try trust.policy(for: RegistryScope("r.example/a"), at: now) }
    }

    @Test(arguments: [
        ["authenticity": "skip"], ["expiry": "skip"], ["authenticTimestamp": "skip"], ["integrity": "log"],
        ["revocation": "maybe"],
    ])
    func `an override that Notation refuses is refused here too`(_ override: [String: String]) async throws {
        let trust = try trust(["r.example"], root: try await SigningFixture().root, override: override)
        #expect(throws: TrustModelError(.policy, "")) { try trust.policy(for: RegistryScope("r.example/a"), at: now) }
    }

    @Test func `two statements with one scope are an error, not a choice`() async throws {
        let trust = try trust(["r.example", "r.example"], root: try await SigningFixture().root)
        #expect(throws: TrustModelError(.policy, "")) { try trust.policy(for: RegistryScope("r.example/a"), at: now) }
    }
}
