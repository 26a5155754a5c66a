import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// A database from before contents were numbered.
@Suite(.emptyPostgres) struct ContentBackfillTests {
    /// A team at its fifth state with one anchor, another with nothing, a role that was signed, a fleet that lists it.
    private static let before = """
        INSERT INTO team (name, display_name, content_version, created_at)
            VALUES ('acme', 'acme', 5, now()), ('beta', 'beta', 1, now());
        INSERT INTO trust_store (team_id, kind, name, created_at)
            VALUES (1, 'tsa', 'clock', now()), (1, 'ca', 'prod', now());
        INSERT INTO person (issuer, subject, display_name, created_at) VALUES ('local', 'alice', 'Alice', now());
        INSERT INTO credential (person_id, token_sha256, label, access, holder, created_at, expires_at)
            VALUES (1, sha256('token'), 'laptop', 'write', 'person', now(), now() + interval '90 days');
        INSERT INTO change (number, team_id, author, credential_id, state, base_version, content, digest, adds,
                approvals_needed, created_at, submitted_at, expires_at, closed_at)
            VALUES (1, 1, 1, 1, 'published', 4, '{}', repeat('0', 64), true, 1, now(), now(), now(), now());
        INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before, not_after, origin,
                justification, owner, added_by_change, added_at)
            VALUES (2, 1, 'root', encode(sha256('root'), 'hex'), repeat('1', 64), 'CN=root', now(), now(), 'own', 'why',
                'acme', 1, now());
        INSERT INTO fleet (name, fleet_id, display_name, profile, created_at)
            VALUES ('prod', repeat('a', 32), 'prod', 'standard', now());
        INSERT INTO fleet_team (fleet_id, team_id, added_at) VALUES (1, 1, now()), (1, 2, now());
        INSERT INTO published_content (sha256, bytes) VALUES (encode(sha256('role'), 'hex'), 'role');
        INSERT INTO team_role (team_id, version, sha256, created_at)
            VALUES (1, 3, encode(sha256('role'), 'hex'), now());
        """

    @Test func `keeps what its teams say under the numbers that they had, and finds their roles`() async throws {
        let database = try #require(TestDatabase.current)
        let all = try Migration.compiled()
        let old = all.prefix { $0.name != "0010_promotion" }
        _ = try await Migrator(Array(old)).apply(to: database.settings(.owner))
        try await database.withConnection(as: .owner) { try await $0.run(script: Self.before) }
        _ = try await Migrator(all).apply(to: database.settings(.owner))

        let publisher = PublisherStore(pool: try database.pool(.publisher), inspector: World.inspector)
        let state = try await publisher.state(of: try FleetName("prod"))
        let (acme, beta) = (try TeamName("acme"), try TeamName("beta"))
        #expect(state.contentNumbers == [acme: 5, beta: 1])
        let stores = try #require(state.content.teams.first { $0.name == acme }?.stores)
        #expect(stores.map(\.name.rawValue) == ["prod", "clock"])
        #expect(stores.map(\.anchors) == [[Array("root".utf8)], []])
        #expect(state.teamRoles[acme]?.version == 3 && state.teamRoles[acme]?.contentNumber == nil)
        #expect(state.counters["acme"] == 3 && state.changes == [1])
    }
}
