import Migrations
import PostgresKit
import TrustModel

/// Audit events a second, each in a transaction of its own, beside plain rows in a table of the same shape.
struct AuditBench {
    private static let seconds = 3.0
    private static let writers = 8
    let company: Company

    init(_ company: Company) { self.company = company }

    func run() async throws {
        try await Company.asSuperuser(company.server) {
            try await $0.run(
                script: """
                    CREATE TABLE plain_event (LIKE audit_event INCLUDING DEFAULTS);
                    ALTER TABLE plain_event ALTER sequence ADD GENERATED ALWAYS AS IDENTITY;
                    ALTER TABLE plain_event ADD PRIMARY KEY (sequence);
                    GRANT INSERT ON plain_event TO roadstead_api
                    """)
        }
        for writers in [1, Self.writers] {
            let chained = try await rate(writers, chained)
            let plain = try await rate(writers, plain)
            report(
                "audit events a second, \(writers) writer(s)", "\(Int(chained))", "plain rows \(Int(plain))",
                rounded(chained / plain, 2))
        }
    }

    private let chained: StaticString = """
        SELECT append_audit_event(now(), 'person:1', 1, 'bench', 'change.drafted', 'acme', NULL, 'C-1', '{"a":1}')
        """
    private let plain: StaticString = """
        INSERT INTO plain_event (at, actor, credential_id, request_id, action, team, object, detail, previous_hash, hash)
        VALUES (now(), 'person:1', 1, 'bench', 'change.drafted', 'acme', 'C-1', '{"a":1}', sha256(''), sha256(random()::text::bytea))
        """

    private func rate(_ writers: Int, _ sql: StaticString) async throws -> Double {
        let pool = try Company.pool(company.server, .api, connections: writers)
        let end = ContinuousClock.now + .seconds(Self.seconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<writers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await pool.withTransaction { _ = try await $0.rows(sql) }
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        await pool.close()
        return Double(count) / Self.seconds
    }
}
