import Migrations
import PostgresKit
import PostgresTesting
import Testing

/// A database from before one key of a place was all that could be in force.
@Suite(.emptyPostgres) struct RacedKeysTests {
    /// Of the fleet's timestamp and snapshot keys the root names the younger ones; of the first team's keys the younger
    /// signed; the second team's never served.
    private static let before = """
        INSERT INTO team (name, display_name, content_version, created_at)
            VALUES ('acme', 'acme', 1, now()), ('beta', 'beta', 1, now());
        INSERT INTO fleet (name, fleet_id, display_name, profile, created_at)
            VALUES ('prod', repeat('a', 32), 'prod', 'standard', now());
        INSERT INTO signing_key (key_id, public_key, key_object, fleet_id, role, team_id, private_key, created_at)
            SELECT repeat(digit, 64), digit::bytea, '{}', fleet, role, team, 'sealed', now() + age * interval '1 day'
            FROM (VALUES ('1', 1, 'timestamp', NULL, 0), ('2', 1, 'timestamp', NULL, 1),
                ('3', NULL, NULL, 1, 0), ('4', NULL, NULL, 1, 1), ('5', NULL, NULL, 2, 0), ('6', NULL, NULL, 2, 1),
                ('7', 1, 'snapshot', NULL, 0)) AS k (digit, fleet, role, team, age);
        INSERT INTO published_content (sha256, bytes)
            SELECT encode(sha256(words::bytea), 'hex'), words::bytea FROM unnest(ARRAY[repeat('2', 64), repeat('4', 64)])
            AS w (words);
        INSERT INTO published_file (fleet_id, path, role, version, sha256, release, created_at)
            VALUES (1, 'metadata/1.root.json', 'root', 1, encode(sha256(repeat('2', 64)::bytea), 'hex'), 0, now());
        INSERT INTO team_role (team_id, version, sha256, created_at)
            VALUES (1, 1, encode(sha256(repeat('4', 64)::bytea), 'hex'), now());
        """

    @Test func `keeps of each place the key that is known outside, else the oldest`() async throws {
        let database = try #require(TestDatabase.current)
        let all = try Migration.compiled()
        let old = all.prefix { $0.name != "0009_ceremonies" }
        _ = try await Migrator(Array(old)).apply(to: database.settings(.owner))
        try await database.withConnection(as: .owner) { try await $0.run(script: Self.before) }
        _ = try await Migrator(all).apply(to: database.settings(.owner))
        // Refused by the database unless it holds.
        try await database.withConnection(as: .owner) {
            try await $0.run(
                script: """
                    DO $$ BEGIN
                        ASSERT (SELECT string_agg(left(key_id, 1), '' ORDER BY key_id) FROM signing_key
                            WHERE private_key IS NOT NULL AND retired_at IS NULL) = '2457';
                        ASSERT (SELECT count(*) FROM signing_key WHERE retired_at IS NOT NULL AND NOT held) = 3;
                    END $$
                    """)
        }
    }
}
