import Codecs
import Testing
import TrustModel

@Suite struct TeamStatementsTests {
    private static let app = "registry.example.com/acme/app"

    private func statement(
        _ name: String = "images", scopes: [String] = [app], level: String = "strict",
        override: [String: String]? = nil, stores: [(TrustStoreKind, String)] = [(.ca, "prod")],
        identities: [String] = ["*"]
    ) throws -> TeamPolicy.Statement {
        TeamPolicy.Statement(
            name: name, registryScopes: try scopes.map { try RegistryScope($0) }, level: level, override: override,
            stores: try stores.map { TeamPolicy.StoreReference(kind: $0.0, name: try TrustStoreName($0.1)) },
            trustedIdentities: identities)
    }

    private func refused(_ code: TrustModelError.Code = .policy, _ statements: TeamPolicy.Statement...) {
        #expect(throws: TrustModelError(code, "")) { try TeamStatements(statements) }
    }

    @Test func `what Notation would choke on is refused, one statement at a time`() throws {
        _ = try TeamStatements([try statement()])
        refused(.policy, try statement(""))
        refused(.policy, try statement("with space"))
        refused(.policy, try statement(scopes: []))
        refused(.policy, try statement(scopes: [Self.app, Self.app]))
        refused(.policy, try statement(level: "lax"))
        refused(.policy, try statement(override: ["integrity": "log"]))
        refused(.policy, try statement(override: ["authenticity": "skip"]))
        refused(.policy, try statement(override: ["colour": "log"]))
        refused(.policy, try statement(stores: []))
        refused(.policy, try statement(stores: [(.tsa, "times")]))
        refused(.policy, try statement(stores: [(.ca, "prod"), (.ca, "prod")]))
        refused(.policy, try statement(identities: []))
        refused(.policy, try statement(identities: ["*", "x509.subject: C=US, ST=WA, O=Acme"]))
        refused(.policy, try statement(identities: ["x509.subject: CN=acme"]))
        refused(.policy, try statement(identities: ["acme"]))
        refused(
            .policy,
            try statement(identities: ["x509.subject: C=US, ST=WA, O=Acme", "x509.subject: C=US, ST=WA, O=Acme, CN=a"]))
    }

    @Test func `an identity of a kind that never matches is refused, though Notation would take it`() throws {
        refused(.policy, try statement(identities: ["x509.sujbect: C=US, ST=WA, O=Acme"]))
    }

    @Test func `what skips verification names no trust`() throws {
        _ = try TeamStatements([try statement(level: "skip", stores: [], identities: [])])
        refused(.policy, try statement(level: "skip"))
        refused(.policy, try statement(level: "skip", stores: []))
        refused(.policy, try statement(level: "skip", override: ["revocation": "log"], stores: [], identities: []))
    }

    @Test func `names and scopes stand once in all statements`() throws {
        refused(.policy, try statement(), try statement(scopes: ["registry.example.com/acme/web"]))
        refused(.policy, try statement("one"), try statement("two"))
        _ = try TeamStatements([try statement("one"), try statement("two", scopes: ["registry.example.com/acme"])])
    }

    @Test func `there are at most 100 statements of 32 KiB, and at least one`() throws {
        #expect(throws: TrustModelError(.policy, "")) { try TeamStatements([]) }
        let many = try (0...100).map { try statement("s\($0)", scopes: ["registry.example.com/acme/\($0)"]) }
        #expect(throws: TrustModelError(.policy, "")) { try TeamStatements(many) }
        _ = try TeamStatements(many.dropLast())
        let long = try (0..<40).map { index in
            try statement("s\(index)", scopes: (0..<20).map { "registry.example.com/acme/\(index)/a-long-name-\($0)" })
        }
        #expect(throws: TrustModelError(.policy, "")) { try TeamStatements(long) }
    }

    @Test func `a team speaks for its own scopes by its own stores, and not under its own name`() throws {
        let (acme, other) = (try team(), try team("other"))
        let stores: Set = [TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))]
        let statements = try TeamStatements([try statement()])
        #expect(statements.refusal(of: acme, stores: stores) { _ in acme } == nil)
        #expect(statements.refusal(of: acme, stores: []) { _ in acme }?.code == .store)
        #expect(statements.refusal(of: acme, stores: stores) { _ in other }?.code == .foreignScope)
        #expect(statements.refusal(of: acme, stores: stores) { _ in nil }?.code == .foreignScope)
        let named = try TeamStatements([try statement("acme")])
        #expect(named.refusal(of: acme, stores: stores) { _ in acme }?.code == .policy)
    }

    @Test func `the operation is written and read again as the same, and reads nothing that means nothing`() throws {
        let acme = try team()
        for operation in [SetPolicy(statements: nil), SetPolicy(statements: try TeamStatements([try statement()]))] {
            let content = try ChangeContent(team: acme, operations: [.governed(operation)], justification: "because")
            #expect(content.adds && content.approval == .approveAdditions(acme) && content.proposal == [.propose(acme)])
            #expect(content.alone == nil)
            let text = try JSON(encoding: content)
            #expect(try text.decode(ChangeContent.self) == content)
        }
        let bad: JSON = ["op": "set-policy", "statements": []]
        #expect(throws: (any Error).self) { try bad.decode(ChangeOperation.self) }
        #expect(throws: TrustModelError(.document, "")) {
            try ChangeContent(team: nil, operations: [.governed(SetPolicy(statements: nil))], justification: "because")
        }
    }
}
