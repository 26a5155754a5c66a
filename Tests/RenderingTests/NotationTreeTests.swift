import Codecs
import PKI
import SigningKeys
import Testing
import TrustModel

@Suite struct NotationTreeTests {
    private let repository = "reg.example.com/acme"

    @Test func `the tree has both policy names with equal bytes and one file per anchor`() async throws {
        let root = try await makeRoot("a")
        let trust = try merge([TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root]])]).trust
        let tree = NotationTree(trust, now: now)
        #expect(
            tree.files.map(\.path) == [
                "trustpolicy.json", "trustpolicy.oci.json", "truststore/x509/ca/acme.prod/\(root.sha256).pem",
            ])
        #expect(tree.files[0].bytes == tree.files[1].bytes)
        #expect(tree.files[2].bytes == Array(root.pem.utf8))
        #expect(
            tree.directories == [
                "truststore", "truststore/x509", "truststore/x509/ca", "truststore/x509/ca/acme.prod",
                "truststore/x509/ca/roadstead-rejected",
            ])
        #expect(tree.warnings.isEmpty)
    }

    @Test func `the policy says exactly what the team says`() async throws {
        let root = try await makeRoot("a")
        var team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root]])
        team.identities = ["x509.subject: C=US, ST=WA, O=Example"]
        team.level = "permissive"
        let statement = try #require(try policy(NotationTree(merge([team]).trust, now: now)).statements.first)
        #expect(statement.name == "acme.images")
        #expect(statement.registryScopes == [repository])
        #expect(statement.level == .permissive)
        #expect(statement.trustStores.map(\.description) == ["ca:acme.prod"])
        #expect(statement.trustedIdentities == [try TrustedIdentity("x509.subject: C=US, ST=WA, O=Example")])
    }

    @Test func `prefixes become the known repositories and the longest owner wins`() async throws {
        let root = try await makeRoot("a")
        let teams = [
            TeamFixture(name: "outer", scopes: ["reg.example.com"], stores: ["s": [root]]),
            TeamFixture(name: "inner", scopes: ["reg.example.com/in"], stores: ["s": [root]]),
        ]
        let known = ["reg.example.com/a/b", "reg.example.com/in/x", "reg.example.com/inx", "other.example.com/y"]
        let tree = NotationTree(try merge(teams, repositories: known).trust, now: now)
        let scopes = Dictionary(
            try policy(tree).statements.map { ($0.name, $0.registryScopes) }, uniquingKeysWith: { $1 })
        #expect(scopes["outer.images"] == ["reg.example.com/a/b", "reg.example.com/inx"])
        #expect(scopes["inner.images"] == ["reg.example.com/in", "reg.example.com/in/x"])
        #expect(scopes.count == 2)
        #expect(tree.repositoryCount == 4)
    }

    @Test func `a registry without known repositories is reported, for Notation takes no prefixes`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: ["reg.example.com"], stores: ["s": [root]])
        let tree = NotationTree(try merge([team]).trust, now: now)
        #expect(tree.warnings.map(\.kind) == [.notEnforced])
        #expect(try policy(tree).statements.map(\.registryScopes) == [["*"]])
    }

    @Test func `an empty store is an empty directory, so that its scopes reject`() throws {
        let team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": []])
        let tree = NotationTree(try merge([team]).trust, now: now)
        #expect(tree.directories.contains("truststore/x509/ca/acme.prod"))
        #expect(tree.files.count == 2)
        #expect(try policy(tree).statement(for: repository)?.trustStores.map(\.description) == ["ca:acme.prod"])
    }

    @Test func `a store emptied by a denial does not stop the other store of its statement`() async throws {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        let team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [kept], "staging": [denied]])
        let trust = try merge([team], denials: [try denial(.certificate(sha256: denied.sha256))]).trust
        let tree = NotationTree(trust, now: now)
        #expect(try policy(tree).statement(for: repository)?.trustStores.map(\.description) == ["ca:acme.prod"])
        #expect(tree.directories.contains("truststore/x509/ca/acme.staging"))
        // What the evaluator takes its anchors from is the same.
        let anchors = try trust.policy(for: scope(repository), at: now)?.stores.flatMap(\.anchors).map(\.certificate)
        #expect(anchors == [kept])
    }

    @Test func `a statement whose stores are all empty keeps them and rejects`() async throws {
        let team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [], "staging": []])
        let trust = try merge([team]).trust
        let stores = try policy(NotationTree(trust, now: now)).statement(for: repository)?.trustStores
        #expect(stores?.map(\.description) == ["ca:acme.prod", "ca:acme.staging"])
        #expect(try trust.policy(for: scope(repository), at: now)?.stores.allSatisfy(\.anchors.isEmpty) == true)
    }

    @Test func `an empty store that is the last of its kind stays`() async throws {
        let root = try await makeRoot("a")
        let team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root]])
        let merged = try merge([team]).trust
        let stamps = try store("acme", "stamps", .tsa)
        let statement = try #require(merged.statements.first)
        let trust = HostTrust(
            fleet: merged.fleet, release: 1, issued: now,
            statements: [
                .init(
                    name: statement.name, team: statement.team, scopes: statement.scopes, level: "strict",
                    override: nil, stores: statement.stores + [stamps], trustedIdentities: ["*"])
            ],
            stores: merged.stores + [.init(id: stamps, anchors: [], constraints: [])], denials: [], repositories: [])
        let stores = try policy(NotationTree(trust, now: now)).statement(for: repository)?.trustStores
        #expect(stores?.map(\.description) == ["ca:acme.prod", "tsa:acme.stamps"])
    }

    struct Poison: Sendable, CustomTestStringConvertible {
        let name: String
        var identities = ["*"]
        var level = "strict"
        var references: [String]?
        var testDescription: String { name }
    }

    @Test(arguments: [
        Poison(name: "identity without O", identities: ["x509.subject: C=US, ST=WA"]),
        Poison(
            name: "overlapping identities",
            identities: ["x509.subject: C=US, ST=WA, O=E", "x509.subject: C=US, ST=WA, O=E, CN=a"]),
        Poison(name: "star beside others", identities: ["*", "x509.subject: C=US, ST=WA, O=E"]),
        Poison(name: "no identity", identities: []),
        Poison(name: "unknown level", level: "lenient"),
        Poison(name: "skip that names stores", level: "skip"),
        Poison(name: "missing store", references: ["nowhere"]),
    ])
    func `a statement that would fail every verification rejects its own scopes only`(poison: Poison) async throws {
        let root = try await makeRoot("a")
        var bad = TeamFixture(name: "bad", scopes: ["reg.example.com/bad"], stores: ["s": [root]])
        bad.identities = poison.identities
        bad.level = poison.level
        bad.references = poison.references
        let good = TeamFixture(name: "good", scopes: ["reg.example.com/good"], stores: ["s": [root]])
        let tree = NotationTree(try merge([bad, good]).trust, now: now)
        #expect(try isRejecting(tree, "reg.example.com/bad"))
        #expect(try !isRejecting(tree, "reg.example.com/good"))
        #expect(tree.warnings.map(\.kind) == [.statement])
        #expect(tree.warnings.first?.team?.rawValue == "bad")
    }

    @Test func `a vanished store stays for one generation, without a statement and without denied anchors`()
        async throws
    {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        let before = try merge([
            TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [kept], "old": [kept, denied]])
        ]).trust
        let after = try merge(
            [TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [kept]])],
            denials: [try denial(.certificate(sha256: denied.sha256))]
        ).trust
        let tree = NotationTree(after, previous: before, now: now)
        #expect(tree.files.map(\.path).contains("truststore/x509/ca/acme.old/\(kept.sha256).pem"))
        #expect(!tree.files.map(\.path).contains { $0.contains(denied.sha256) })
        #expect(try policy(tree).statements.allSatisfy { !$0.trustStores.map(\.description).contains("ca:acme.old") })
        let later = NotationTree(after, previous: after, now: now)
        #expect(!later.directories.contains("truststore/x509/ca/acme.old"))
    }

    @Test func `limits of an anchor that Notation cannot hold reject the scope unless the fleet lets them pass`()
        async throws
    {
        let root = try await makeRoot("a")
        var team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root]])
        team.constraints = [.init(anchor: root.sha256, distrustAfter: now)]
        let trust = try merge([team]).trust
        #expect(try isRejecting(NotationTree(trust, now: now), repository))
        let lenient = NotationTree(trust, inexpressible: .reportUnenforced, now: now)
        #expect(try !isRejecting(lenient, repository))
        #expect(lenient.warnings.map(\.kind) == [.notEnforced])
    }

    @Test func `a break-glass anchor leaves the store when its time is over`() async throws {
        let root = try await makeRoot("a")
        var team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root]])
        team.constraints = [.init(anchor: root.sha256, until: now.adding(seconds: 60))]
        let trust = try merge([team]).trust
        #expect(NotationTree(trust, now: now).files.count == 3)
        #expect(NotationTree(trust, now: now.adding(seconds: 60)).files.count == 2)
    }

    @Test func `a certificate that Notation would refuse leaves its store and not the whole store`() async throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let root = try await makeRoot("tsa")
        let issuer = try CertificateBuilder.Authority(
            certificate: try await CertificateBuilder.root(
                subject: DistinguishedName("C=US, ST=WA, O=Example, CN=ca"), signer: key,
                validity: .init(from: now, days: 100)), signer: key)
        let leaf = try await CertificateBuilder.leaf(
            .codeSigning, subject: DistinguishedName("C=US, ST=WA, O=Example, CN=leaf"),
            publicKey: PrivateKey.generate(.ec(.p256)).publicKey, issuer: issuer, validity: .init(from: now, days: 10))
        let trust = try merge([TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root, leaf]])]).trust
        let tree = NotationTree(trust, now: now)
        #expect(tree.files.map(\.path).filter { $0.hasSuffix(".pem") }.count == 1)
        #expect(tree.warnings.map(\.kind) == [.anchor])
    }

    @Test func `a denied digest rejects the scopes it reaches, for Notation cannot enforce it`() async throws {
        let root = try await makeRoot("a")
        let teams = ["a", "b"].map {
            TeamFixture(name: $0, scopes: ["reg.example.com/\($0)"], stores: ["s": [root]])
        }
        let trust = try merge(
            teams, denials: [try denial(.digest("sha256:" + String(repeating: "9", count: 64)), team: "a")]
        ).trust
        let tree = NotationTree(trust, now: now)
        #expect(try isRejecting(tree, "reg.example.com/a"))
        #expect(try !isRejecting(tree, "reg.example.com/b"))
    }

    @Test(arguments: ["certificate", "key", "issuer-serial"])
    func `a denial further down a chain rejects the scopes it reaches unless the fleet lets them pass`(kind: String)
        async throws
    {
        let (root, leaf) = (try await makeRoot("root"), try await makeRoot("leaf"))
        let teams = ["a", "b"].map { TeamFixture(name: $0, scopes: ["reg.example.com/\($0)"], stores: ["s": [root]]) }
        let subject = try subject(kind, of: leaf)
        let trust = try merge(teams, denials: [try denial(subject, team: "a")]).trust
        let tree = NotationTree(trust, now: now)
        #expect(try isRejecting(tree, "reg.example.com/a"))
        #expect(try !isRejecting(tree, "reg.example.com/b"))
        #expect(tree.warnings.map(\.kind) == [.notEnforced])
        let lenient = NotationTree(trust, inexpressible: .reportUnenforced, now: now)
        #expect(try !isRejecting(lenient, "reg.example.com/a"))
        #expect(lenient.warnings.map(\.kind) == [.notEnforced])
        let everywhere = NotationTree(try merge(teams, denials: [try denial(subject)]).trust, now: now)
        #expect(try ["a", "b"].allSatisfy { try isRejecting(everywhere, "reg.example.com/\($0)") })
    }

    @Test(arguments: ["certificate", "key", "issuer-serial"])
    func `a denial that takes its anchor out of the store is enforced by that`(kind: String) async throws {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        let team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [kept, denied]])
        let tree = NotationTree(
            try merge([team], denials: [try denial(try subject(kind, of: denied))]).trust, now: now)
        #expect(try !isRejecting(tree, repository))
        #expect(tree.warnings.isEmpty)
        #expect(tree.files.map(\.path).filter { $0.hasSuffix(".pem") }.count == 1)
    }

    @Test(arguments: ["certificate", "key", "issuer-serial"])
    func `a denial is not enforced by a statement at audit, which only logs a chain without an anchor`(kind: String)
        async throws
    {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        var team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [kept, denied]])
        let denials = [try denial(try subject(kind, of: denied))]
        for (level, rejects) in [("audit", true), ("permissive", false)] {
            team.level = level
            let tree = NotationTree(try merge([team], denials: denials).trust, now: now)
            #expect(try isRejecting(tree, repository) == rejects, "\(level)")
        }
    }

    @Test func `a denied root of one team leaves another's scopes alone, a denied key does not`() async throws {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        let teams = [
            TeamFixture(name: "a", scopes: ["reg.example.com/a"], stores: ["s": [kept, denied]]),
            TeamFixture(name: "b", scopes: ["reg.example.com/b"], stores: ["s": [kept]]),
        ]
        for (kind, rejects) in [("certificate", false), ("issuer-serial", false), ("key", true)] {
            let tree = NotationTree(
                try merge(teams, denials: [try denial(try subject(kind, of: denied))]).trust, now: now)
            #expect(try !isRejecting(tree, "reg.example.com/a"), "\(kind)")
            #expect(try isRejecting(tree, "reg.example.com/b") == rejects, "\(kind)")
        }
    }

    @Test func `a denied intermediate that was an anchor may still stand in a chain, so its scopes reject`()
        async throws
    {
        let key = try PrivateKey.generate(.ec(.p256))
        let root = try await CertificateBuilder.root(
            subject: DistinguishedName("C=US, ST=WA, O=Example, CN=ca"), signer: key,
            validity: .init(from: now, days: 100))
        let issued = try await CertificateBuilder.leaf(
            .codeSigning, subject: DistinguishedName("C=US, ST=WA, O=Example, CN=issued"),
            publicKey: PrivateKey.generate(.ec(.p256)).publicKey,
            issuer: CertificateBuilder.Authority(certificate: root, signer: key), validity: .init(from: now, days: 10))
        let denials = [try denial(.certificate(sha256: issued.sha256))]
        var team = TeamFixture(name: "acme", scopes: [repository], stores: ["prod": [root, issued]])
        #expect(try isRejecting(NotationTree(merge([team], denials: denials).trust, now: now), repository))
        team.stores = ["prod": [issued]]
        let alone = NotationTree(try merge([team], denials: denials).trust, now: now)
        #expect(alone.warnings.isEmpty)
        #expect(!alone.files.contains { $0.path.hasSuffix(".pem") })
    }

    private func subject(_ kind: String, of certificate: Certificate) throws -> DenialSubject {
        switch kind {
        case "certificate": .certificate(sha256: certificate.sha256)
        case "key": .key(sha256: Hex.encode(try #require(certificate.publicKey).fingerprint))
        default:
            .issuerAndSerial(
                issuer: certificate.issuer.description, serial: certificate.serialNumber.description)
        }
    }

    @Test func `a host without teams rejects everything`() throws {
        let tree = NotationTree(try merge([]).trust, now: now)
        #expect(try isRejecting(tree, "any.example.com/thing"))
    }

    @Test func `equal trust renders to equal bytes`() async throws {
        let root = try await makeRoot("a")
        let teams = ["a", "b", "c"].map {
            TeamFixture(name: $0, scopes: ["reg.example.com/\($0)"], stores: ["s": [root], "t": [root]])
        }
        #expect(
            NotationTree(try merge(teams).trust, now: now) == NotationTree(try merge(teams.reversed()).trust, now: now))
    }
}
