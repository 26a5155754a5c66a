import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// The moment at which a test begins.
let start = UTCDate(seconds: 1_795_000_000)

/// A database with its three stores, an administrator, and short words for what tests do.
///
/// A certificate here is any bytes: what is read of it is made from its digest. The first byte 0x57 makes it weak.
struct World: Sendable {
    let database: TestDatabase
    let api: ApiStore
    let publisher: PublisherStore
    let hosts: HostStore
    let admin: Session

    static func make() async throws -> World {
        let database = try #require(TestDatabase.current)
        let api = ApiStore(pool: try database.pool(.api, connections: 12), inspector: inspector)
        let token = digest("bootstrap")
        try await api.openBootstrap(tokenSHA256: token, expires: start.adding(seconds: 3_600), now: start)
        let admin = try await api.redeemBootstrap(
            tokenSHA256: token, subject: "alice", displayName: "Alice", credential: credential("alice-1"),
            requestID: "r-0", now: start)
        return World(
            database: database, api: api.reading(as: Reader(admin)),
            publisher: PublisherStore(pool: try database.pool(.publisher), inspector: inspector),
            hosts: HostStore(pool: try database.pool(.hosts, connections: 12)), admin: admin)
    }

    static let inspector = AnchorInspector { der, _, _ in
        let hash = Hex.encode(HashAlgorithm.sha256.digest(of: der))
        return AnchorFacts(
            certificateSHA256: hash, keySHA256: Hex.encode(HashAlgorithm.sha256.digest(of: Array(hash.utf8))),
            subject: "CN=\(hash.prefix(8))", attributes: [.init(type: "CN", value: String(hash.prefix(8)))],
            key: der.first == 0x57 ? .rsa(bits: 1_024) : .ec(bits: 256), notBefore: start.adding(days: -1),
            notAfter: start.adding(days: 1_000), signatureHash: "sha256", isCertificateAuthority: true,
            isSelfSigned: true)
    }

    static func digest(_ text: String) -> [UInt8] { HashAlgorithm.sha256.digest(of: Array(text.utf8)) }

    static func credential(
        _ token: String, _ limits: TokenLimits = .unlimited, expires: UTCDate = start.adding(days: 90)
    ) -> NewCredential {
        NewCredential(tokenSHA256: digest(token), label: token, limits: limits, expires: expires)
    }
}

extension World {
    /// Invites a person and takes the invitation up.
    func person(_ name: String, _ bindings: (PersonRole, RoleReach)...) async throws -> Session {
        let invitation = Self.digest("invitation of \(name)")
        let (_, change) = try await api.invite(
            subject: name, displayName: name, bindings: try bindings.map { try RoleBinding($0.0, $0.1) },
            tokenSHA256: invitation, expires: start.adding(days: 1), by: admin.actor, now: start)
        if let change { try await agree(on: change) }
        return try await api.acceptInvitation(
            tokenSHA256: invitation, credential: Self.credential("\(name)-1"), requestID: "r-1", now: start)
    }

    /// A team with one scope and the store ca/prod.
    @discardableResult
    func team(_ name: String = "acme") async throws -> TeamName {
        let team = try TeamName(name)
        let scope = try RegistryScope("registry.example.com/\(name)")
        try await govern(
            [AddTeam(team: team, displayName: name), AddScope(team: team, scope: scope)], by: admin.actor)
        _ = try await api.createStore(store(team), by: admin.actor, now: start)
        return team
    }

    func store(_ team: TeamName) throws -> TrustStoreID {
        TrustStoreID(team: team, kind: .ca, name: try TrustStoreName("prod"))
    }

    @discardableResult
    func rule(approvals: Int = 1, officers: Int = 0, name: String = "any/default") async throws -> RootRuleRecord {
        let needed = try ApprovalsNeeded(count: approvals, securityOfficers: officers)
        let rule = try RootRule(name: name, team: nil, conditions: .init(), effect: .allow(needed))
        return try await addRootRule(rule, by: admin.actor, now: start)
    }

    func addition(
        of certificate: [UInt8] = [1, 2, 3], to team: TeamName, why: String = "we need it"
    ) throws -> ChangeContent {
        let addition = AnchorAddition(
            kind: .ca, store: try TrustStoreName("prod"), certificate: certificate, origin: .own, owner: "acme")
        return try ChangeContent(team: team, operations: [.addAnchor(addition)], justification: why)
    }

    func propose(
        _ certificate: [UInt8] = [1, 2, 3], in team: TeamName, by session: Session, at now: UTCDate = start
    ) async throws -> ChangeRecord {
        try await api.propose(try addition(of: certificate, to: team), by: session.actor, now: now)
    }

    @discardableResult
    func approve(_ record: ChangeRecord, by session: Session, at now: UTCDate = start) async throws -> ChangeRecord {
        try await api.decide(
            record.change.number, approves: true, digest: record.change.digest, by: session.actor, now: now)
    }

    func activeAnchors(of team: TeamName) async throws -> [AnchorRecord] {
        try await api.anchors(AnchorFilter(team: team, state: .active), try PageRequest()).items
    }

    /// A second token of the same person.
    func secondToken(of session: Session, _ limits: TokenLimits = .unlimited) async throws -> Session {
        let team = limits.team?.rawValue ?? "all"
        let token = "\(session.person.subject) \(limits.access) \(limits.holder) \(team)"
        _ = try await api.issueCredential(Self.credential(token, limits), by: session.actor, now: start)
        return try await api.authenticate(tokenSHA256: Self.digest(token), requestID: "r-2", now: start)
    }

    /// What the owner of the schema could do, who is nobody that serves.
    func asOwner(_ script: String) async throws {
        try await database.withConnection(as: .owner) { try await $0.run(script: script) }
    }

    func count(_ sql: StaticString) async throws -> Int {
        try await database.withConnection(as: .owner) { try await $0.rows(sql)[0].value("n") }
    }
}

func expect(_ code: StoreError.Code, _ body: () async throws -> Void) async {
    await #expect(throws: StoreError(code, "")) { try await body() }
}
