import PostgresKit
import Migrations
import Codecs
import HTTPTypes
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// The audit log as its readers see it, and what shows that somebody with the database has changed it.
@Suite(.postgres) struct AuditLog {
    /// A server with a fleet whose first release is out.
    private func withFleet(_ body: @Sendable (TestAPI, _ admin: String) async throws -> Void) async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            try await body(api, alice)
        }
    }

    private func verification(_ api: TestAPI, _ token: String) async throws -> AuditVerification {
        try await api.ask(.get, "/v1/audit/verification", as: token)
    }

    private func asOwner(_ script: String) async throws {
        let database = try #require(TestDatabase.current)
        try await database.withConnection(as: .owner) { try await $0.run(script: script) }
    }

    @Test func `every release signs how far the log had come`() async throws {
        try await withFleet { api, alice in
            let chain = try await verification(api, alice)
            #expect(chain.intact)
            let signed = try #require(chain.countersigned)
            #expect(signed.fleet.rawValue == "demo" && signed.release == 1)
            #expect(signed.sequence > 0 && signed.sequence < chain.entries)
        }
    }

    /// Makes the log anew without one entry, with hashes that fit.
    private static func rewriting(without sequence: Int64) -> String {
        """
        ALTER TABLE audit_event DISABLE TRIGGER USER;
        CREATE TABLE kept AS SELECT * FROM audit_event WHERE sequence <> \(sequence);
        DELETE FROM audit_event;
        UPDATE audit_head SET sequence = 0, hash = decode(repeat('00', 32), 'hex');
        SELECT append_audit_event(at, actor, credential_id, request_id, action, team, fleet, object, detail)
            FROM (SELECT * FROM kept ORDER BY sequence) AS k;
        """
    }

    @Test func `a log that its owner rewrote as a whole disagrees with a release`() async throws {
        try await withFleet { api, alice in
            try await asOwner(Self.rewriting(without: 3))
            let chain = try await verification(api, alice)
            #expect(!chain.intact)
            #expect(chain.reason?.contains("release 1 of fleet demo") == true)
        }
    }

    @Test func `entries cut off are missed up to the last release, and not after it`() async throws {
        try await withFleet { api, alice in
            let signed = try #require(try await verification(api, alice).countersigned?.sequence)
            func cut(after sequence: Int64) async throws {
                try await asOwner(
                    """
                    ALTER TABLE audit_event DISABLE TRIGGER USER;
                    DELETE FROM audit_event WHERE sequence > \(sequence);
                    UPDATE audit_head SET sequence = \(sequence),
                        hash = (SELECT hash FROM audit_event WHERE sequence = \(sequence));
                    """)
            }
            try await cut(after: signed)
            #expect(try await verification(api, alice).intact)
            try await cut(after: signed - 1)
            let chain = try await verification(api, alice)
            #expect(chain.firstBroken == signed && chain.reason?.contains("has signed entry \(signed)") == true)
        }
    }

    @Test func `a head that the fleet's keys did not sign is found out`() async throws {
        try await withFleet { api, alice in
            try await asOwner(
                """
                ALTER TABLE published_file DISABLE TRIGGER USER;
                CREATE TABLE forged AS SELECT p.fleet_id, p.path, convert_to(regexp_replace(
                    convert_from(c.bytes, 'UTF8'), '"sequence":[0-9]+', '"sequence":1'), 'UTF8') AS bytes
                    FROM published_file p JOIN published_content c ON c.sha256 = p.sha256 WHERE p.role = 'snapshot';
                INSERT INTO published_content SELECT encode(sha256(bytes), 'hex'), bytes FROM forged;
                UPDATE published_file p SET sha256 = encode(sha256(f.bytes), 'hex') FROM forged f
                    WHERE f.fleet_id = p.fleet_id AND f.path = p.path;
                """)
            let chain = try await verification(api, alice)
            #expect(!chain.intact)
            #expect(chain.reason?.contains("not signed with the fleet's keys") == true)
        }
    }

    @Test func `an export is JSON lines whose hashes can be computed anew`() async throws {
        try await withFleet { api, alice in
            let carol = try await api.invite("carol", [InvitedRole(role: .auditor)], by: alice)
            let refused = try await api.send(.get, "/v1/audit/export", as: alice)
            #expect(refused.problem == "store.forbidden")
            let reply = try await api.send(.get, "/v1/audit/export", as: carol)
            #expect(reply.headers[.contentType] == "application/jsonl")
            var trail = AuditTrail()
            for line in reply.body.split(separator: UInt8(ascii: "\n")) {
                let event = try JSON(parsing: Array(line)).decode(AuditEventBody.self, unknownMembers: .refused)
                #expect(trail.take(try event.entry) == nil)
            }
            #expect(trail.entries > 10)
            let some = try await api.send(.get, "/v1/audit/export?action=fleet.created", as: carol)
            #expect(some.body.split(separator: UInt8(ascii: "\n")).count == 1)
        }
    }

    @Test(arguments: ["person=alice", "person=0", "from=yesterday", "team=Acme", "object=", "colour=red"])
    func `a question that means nothing is refused`(_ query: String) async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let reply = try await api.send(.get, "/v1/audit?\(query)", as: alice)
            #expect((400..<500).contains(reply.status.code), "\(query)")
        }
    }
}
