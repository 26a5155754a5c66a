import Codecs
import Migrations
import PKI
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// What changes would do to hosts is looked at before others are asked, and again before it is published.
@Suite(.postgres) struct GuardTests {
    @Test func `a statement by a store that holds nothing is refused, with the way out`() async throws {
        let scene = try await TwoFleets.withCertificates()
        await expect(.refusedByGuard) { _ = try await scene.propose(policy: [try statement()]) }
        try await scene.add(try await root())
        try await scene.agree(try await scene.propose(policy: [try statement()]))
        #expect(try await scene.statements(of: scene.prod)?.count == 1)
    }

    @Test func `what was proposed in order and is in order no more is not published`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let certificate = try await root()
        try await scene.add(certificate)
        let change = try await scene.propose(policy: [try statement()])
        try await scene.remove(certificate)
        try await scene.world.approve(change, by: scene.bob)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: start)
        guard case .rejected(change.change.number, let reason) = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(reason.contains("ca:acme.prod holds no anchor"))
        #expect(try await scene.world.api.policy(of: scene.team).isStandard)
    }

    @Test func `a removal is never refused, only shown`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let certificate = try await root()
        try await scene.add(certificate)
        try await scene.agree(try await scene.propose(policy: [try statement()]))
        let anchor = try #require(try await scene.world.activeAnchors(of: scene.team).first)
        let content = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        let effects = try await scene.world.publisher.rehearse(content, by: scene.bob.actor, now: start)
        #expect(effects.map(\.fleet) == [scene.canary, scene.prod])
        #expect(effects[0].findings.contains { $0.kind == .emptyStore })
        #expect(effects[0].lines.contains { $0.contains("empty now, its scopes reject") })
        try await scene.remove(certificate)
        #expect(try await scene.anchors(of: scene.prod) == [])
    }

    @Test func `a rehearsal shows the very files of hosts, and leaves nothing behind`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let certificate = try await root()
        let content = try scene.world.addition(of: certificate, to: scene.team)
        let before = try await counts(scene)
        let effects = try await scene.world.publisher.rehearse(content, by: scene.world.admin.actor, now: start)
        let again = try await scene.world.publisher.rehearse(content, by: scene.world.admin.actor, now: start)
        #expect(try await counts(scene) == before)
        #expect(effects.map(\.fleet) == [scene.canary, scene.prod])
        #expect(effects.map(\.files) == again.map(\.files) && effects.map(\.lines) == again.map(\.lines))
        let sha256 = try Certificate(der: certificate).sha256
        #expect(effects[0].files.map(\.path).contains("truststore/x509/ca/acme.prod/\(sha256).pem"))
        #expect(effects[0].files[0].difference.first == "--- /dev/null")
        #expect(effects[0].files[0].difference.contains("+-----BEGIN CERTIFICATE-----"))
        #expect(effects[0].lines.contains { $0.hasPrefix("store ca:acme.prod: anchor added: ") })
    }

    @Test func `a rehearsal that is not undone is refused`() async throws {
        let scene = try await TwoFleets.withCertificates()
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner(
                "SELECT begin_rehearsal(NULL, (SELECT min(id) FROM person), (SELECT min(id) FROM credential), '{}', NULL, now())"
            )
        }
        await #expect(throws: (any Error).self) {
            try await scene.world.database.withConnection(as: .api) {
                try await $0.run(script: "SELECT begin_rehearsal(NULL, 1, 1, '{}', NULL, now())")
            }
        }
    }

    @Test func `an anchor that expires soon is warned of, and still added`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let certificate = try await root(days: 20)
        let content = try scene.world.addition(of: certificate, to: scene.team)
        let effects = try await scene.world.publisher.rehearse(content, by: scene.world.admin.actor, now: start)
        #expect(effects[0].findings.map(\.kind) == [.expiring])
        try await scene.add(certificate)
        #expect(try await scene.anchors(of: scene.prod) == [certificate])
    }

    @Test func `a scope that a statement names is not taken from its team`() async throws {
        let scene = try await TwoFleets.withCertificates()
        try await scene.add(try await root())
        try await scene.agree(try await scene.propose(policy: [try statement()]))
        let scope = try RegistryScope("registry.example.com/acme")
        await expect(.refusedByGuard) {
            try await scene.world.removeScope(
                scope, from: scene.team, by: scene.world.admin.actor, now: start)
        }
        #expect(try await scene.world.api.team(scene.team).scopes == [scope])
    }

    @Test func `images fall to another team only where somebody says so`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let world = scene.world
        let outer = try await world.team("outer")
        try await world.addScope(
            try RegistryScope("registry.example.com"), to: outer, by: world.admin.actor, now: start)
        try await world.addTeam(outer, to: scene.prod, by: world.admin.actor, now: start)
        let scope = try RegistryScope("registry.example.com/acme")
        try await world.addScope(
            try RegistryScope("other.example.com"), to: scene.team, by: world.admin.actor, now: start)
        await expect(.refusedByGuard) {
            try await world.removeScope(scope, from: scene.team, by: world.admin.actor, now: start)
        }
        try await world.govern(
            [RemoveScope(team: scene.team, scope: scope, acceptHandover: true)], by: world.admin.actor)
        #expect(try await world.api.team(scene.team).scopes.map(\.rawValue) == ["other.example.com"])
    }

    @Test func `a longer scope is given to another team without that`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let other = try await scene.world.team("other")
        try await scene.world.addTeam(other, to: scene.prod, by: scene.world.admin.actor, now: start)
        try await scene.world.addScope(
            try RegistryScope("registry.example.com/acme/app"), to: other, by: scene.world.admin.actor, now: start)
        #expect(try await scene.world.api.team(other).scopes.count == 2)
    }

    private func statement(level: String = "strict") throws -> TeamPolicy.Statement {
        TeamPolicy.Statement(
            name: "images", registryScopes: [try RegistryScope("registry.example.com/acme")], level: level,
            stores: [TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))],
            trustedIdentities: ["*"])
    }

    private func counts(_ scene: TwoFleets) async throws -> [Int] {
        [
            try await scene.world.count("SELECT count(*) AS n FROM change"),
            try await scene.world.count("SELECT count(*) AS n FROM anchor"),
            try await scene.world.count("SELECT count(*) AS n FROM team_content"),
            try await scene.world.count("SELECT count(*) AS n FROM audit_event"),
        ]
    }
}

func root(_ name: String = "Acme Root", days: Int64 = 3_650) async throws -> [UInt8] {
    try await CertificateBuilder.root(
        subject: try DistinguishedName("CN=\(name),O=Acme,ST=WA,C=US"), signer: try PrivateKey.generate(.ec(.p256)),
        validity: .init(from: start.adding(days: -1), days: days)
    ).der
}

extension TwoFleets {
    /// The same with certificates that are read, and with the guards.
    static func withCertificates() async throws -> TwoFleets {
        let scene = try await make()
        let database = scene.world.database
        let publisher = PublisherStore(pool: try database.pool(.publisher))
        let api = ApiStore(pool: try database.pool(.api, connections: 12)) {
            try await publisher.guardAgainst($0, by: $1, now: $2)
        }
        return TwoFleets(
            world: World(
                database: database, api: api.reading(as: Reader(scene.world.admin)), publisher: publisher,
                hosts: scene.world.hosts,
                admin: scene.world.admin), team: scene.team, bob: scene.bob, canary: scene.canary, prod: scene.prod)
    }
}
