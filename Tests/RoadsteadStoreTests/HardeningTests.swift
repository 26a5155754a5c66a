import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import SigningKeys
import Testing
import TrustModel

@testable import RoadsteadStore

/// Races and values that went through once.
@Suite(.postgres) struct HardeningTests {
    private static let now = UTCDate(seconds: 1_795_000_000)

    private static func digest(_ text: String) -> [UInt8] { HashAlgorithm.sha256.digest(of: Array(text.utf8)) }

    private static func credential(_ token: String, _ limits: TokenLimits = .unlimited) -> NewCredential {
        NewCredential(tokenSHA256: digest(token), label: token, limits: limits, expires: now.adding(days: 90))
    }

    /// Takes any bytes for a certificate; the first byte says what is odd about it.
    private static let inspector = AnchorInspector { der, _, _ in
        AnchorFacts(
            certificateSHA256: Hex.encode(HashAlgorithm.sha256.digest(of: der)),
            keySHA256: Hex.encode(HashAlgorithm.sha256.digest(of: [0] + der)),
            subject: der.first == 7 ? "CN=a\0b" : "CN=any", attributes: [], key: .ec(bits: 256),
            notBefore: now.adding(days: der.first == 8 ? 2_000 : -1), notAfter: now.adding(days: 1_000),
            signatureHash: "sha256", isCertificateAuthority: true, isSelfSigned: true)
    }

    private let database: TestDatabase
    private let api: ApiStore
    private let publisher: PublisherStore

    init() throws {
        database = try #require(TestDatabase.current)
        api = ApiStore(pool: try database.pool(.api), inspector: Self.inspector)
        publisher = PublisherStore(pool: try database.pool(.publisher), inspector: Self.inspector)
    }

    private func first() async throws -> Session {
        try await api.openBootstrap(
            tokenSHA256: Self.digest("b"), expires: Self.now.adding(seconds: 60), now: Self.now)
        return try await api.redeemBootstrap(
            tokenSHA256: Self.digest("b"), subject: "alice", displayName: "Alice", credential: Self.credential("a"),
            requestID: "r", now: Self.now)
    }

    private func second(_ name: String, invitedBy alice: Session) async throws -> Session {
        let token = Self.digest("invitation of \(name)")
        let (_, change) = try await api.invite(
            subject: name, displayName: name, bindings: [try RoleBinding(.trustAdmin, .everything)],
            tokenSHA256: token, expires: Self.now.adding(days: 1), by: alice.actor, now: Self.now)
        if let change { try await agree(on: change) }
        return try await api.acceptInvitation(
            tokenSHA256: token, credential: Self.credential(name), requestID: "r", now: Self.now)
    }

    /// A team with the store ca/prod, and a rule that lets one other person agree.
    private func team(by alice: Session) async throws -> TeamName {
        let team = try TeamName("acme")
        try await govern(AddTeam(team: team, displayName: "Acme"), by: alice)
        _ = try await api.createStore(
            TrustStoreID(team: team, kind: .ca, name: try TrustStoreName("prod")), by: alice.actor, now: Self.now)
        let rule = try RootRule(name: "any", team: nil, conditions: .init(), effect: .allow(.one))
        try await govern(SetRule(rule: rule), by: alice)
        return team
    }

    /// An administrator's change, agreed to by whoever can where founding is over.
    private func govern(_ operation: some GovernedOperation, by alice: Session) async throws {
        let content = try ChangeContent(team: nil, operations: [.governed(operation)], justification: "set up")
        try await agree(on: try await api.propose(content, by: alice.actor, now: Self.now))
    }

    private func agree(on record: ChangeRecord) async throws {
        guard record.change.state == .submitted else { return }
        let approver = try #require(record.canApprove.first)
        let session = try await api.authenticate(
            tokenSHA256: Self.digest(approver.subject), requestID: "r", now: Self.now)
        try await approve(record.change, by: session)
        _ = try await publisher.publishApprovedChanges(now: Self.now)
    }

    private func propose(_ certificate: [UInt8], in team: TeamName, by session: Session) async throws -> ChangeRow {
        let addition = AnchorAddition(
            kind: .ca, store: try TrustStoreName("prod"), certificate: certificate, origin: .own, owner: "acme")
        let content = try ChangeContent(team: team, operations: [.addAnchor(addition)], justification: "needed")
        return try await api.propose(content, by: session.actor, now: Self.now).change
    }

    @discardableResult
    private func approve(_ change: ChangeRow, by session: Session) async throws -> ChangeRecord {
        try await api.decide(change.number, approves: true, digest: change.digest, by: session.actor, now: Self.now)
    }

    @Test func `two administrators cannot disable each other at the same time`() async throws {
        let alice = try await first()
        let bob = try await second("bob", invitedBy: alice)
        let (api, pool) = (api, try database.pool(.api))
        let other = try await pool.withTransaction { transaction in
            _ = try await transaction.fetchAll(LockAdministrators())
            try await transaction.execute(DisablePerson(id: bob.actor.person, now: Self.now))
            let other = Task { try await api.disablePerson(alice.actor.person, by: bob.actor, now: Self.now) }
            try await Task.sleep(for: .milliseconds(300))
            return other
        }
        await #expect(throws: StoreError.self) { try await other.value }
        #expect(try await api.hasAdministrator())
    }

    @Test(arguments: [TokenLimits(access: .read, holder: .person), TokenLimits(access: .read, holder: .machine)])
    func `a token that may only read revokes itself and no other`(_ limits: TokenLimits) async throws {
        let alice = try await first()
        _ = try await api.issueCredential(Self.credential("reader", limits), by: alice.actor, now: Self.now)
        let reader = try await api.authenticate(
            tokenSHA256: Self.digest("reader"), requestID: "r", now: Self.now)
        await #expect(throws: StoreError(.forbidden, "")) {
            try await api.revokeCredential(alice.actor.credential, by: reader.actor, now: Self.now)
        }
        try await api.revokeCredential(reader.actor.credential, by: reader.actor, now: Self.now)
    }

    @Test func `a machine's token makes no token that outlives it`() async throws {
        let alice = try await first()
        let limits = TokenLimits(access: .write, holder: .machine)
        let (soon, later) = (Self.now.adding(days: 1), Self.now.adding(days: 2))
        func credential(_ name: String, until expires: UTCDate) -> NewCredential {
            NewCredential(tokenSHA256: Self.digest(name), label: name, limits: limits, expires: expires)
        }
        _ = try await api.issueCredential(credential("robot", until: soon), by: alice.actor, now: Self.now)
        let robot = try await api.authenticate(tokenSHA256: Self.digest("robot"), requestID: "r", now: Self.now)
        await #expect(throws: StoreError(.forbidden, "")) {
            _ = try await api.issueCredential(credential("heir", until: later), by: robot.actor, now: Self.now)
        }
        _ = try await api.issueCredential(credential("helper", until: soon), by: robot.actor, now: Self.now)
    }

    @Test func `no role of the database brings a removed anchor back`() async throws {
        let alice = try await first()
        let bob = try await second("bob", invitedBy: alice)
        let team = try await team(by: alice)
        try await approve(try await propose([1], in: team, by: alice), by: bob)
        _ = try await publisher.publishApprovedChanges(now: Self.now)
        let anchor = try #require(
            try await api.reading(as: Reader(alice)).anchors(AnchorFilter(), PageRequest()).items.first)
        let removal = try ChangeContent(
            team: team, operations: [.removeAnchor(id: anchor.id)], justification: "leaked")
        _ = try await api.propose(removal, by: alice.actor, now: Self.now)
        for role in [DatabaseRole.api, .publisher, .owner] {
            await #expect(throws: PostgresError.self) {
                try await database.withConnection(as: role) {
                    try await $0.run(
                        script: "SET roadstead.person = '\(alice.person.id)'; "
                            + "UPDATE anchor SET state = 'active', removed_at = NULL, removed_by_change = NULL")
                }
            }
        }
    }

    @Test func `certificates that the schema does not take are refused when they are proposed`() async throws {
        let alice = try await first()
        let team = try await team(by: alice)
        for certificate in [[8], [UInt8](repeating: 1, count: 65_537)] {
            await #expect(throws: StoreError(.invalid, "")) {
                _ = try await propose(certificate, in: team, by: alice)
            }
        }
    }

    @Test func `an approved change that cannot be stored is rejected and holds nothing up`() async throws {
        let alice = try await first()
        let bob = try await second("bob", invitedBy: alice)
        let team = try await team(by: alice)
        let odd = try await propose([7], in: team, by: alice)
        let good = try await propose([1], in: team, by: alice)
        try await approve(odd, by: bob)
        try await approve(good, by: bob)
        let outcomes = try await publisher.publishApprovedChanges(now: Self.now)
        #expect(outcomes.last == .published(good.number))
        #expect(try await api.reading(as: Reader(alice)).change(odd.number).change.state == .rejected)
    }

    @Test func `a change that is sent back says what it needs by now`() async throws {
        let alice = try await first()
        let bob = try await second("bob", invitedBy: alice)
        let carol = try await second("carol", invitedBy: alice)
        let team = try await team(by: alice)
        let stricter = try RootRule(
            name: "two", team: nil, conditions: .init(), effect: .allow(try ApprovalsNeeded(count: 2)))
        let content = try ChangeContent(
            team: nil, operations: [.governed(SetRule(rule: stricter))], justification: "two of us")
        let rule = try await api.propose(content, by: alice.actor, now: Self.now).change
        let change = try await propose([1], in: team, by: alice)
        for change in [rule, change] { try await approve(change, by: bob) }
        #expect(
            try await publisher.publishApprovedChanges(now: Self.now)
                == [.published(rule.number), .sentBack(change.number)])
        let record = try await api.reading(as: Reader(alice)).change(change.number)
        #expect(record.missing == .one && record.canApprove.map(\.subject) == ["carol"])
        try await approve(change, by: carol)
        #expect(try await publisher.publishApprovedChanges(now: Self.now) == [.published(change.number)])
    }
}
