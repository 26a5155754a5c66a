import PKI
import Codecs
import HTTPTypes
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct Attempts {
    private func entries(_ api: TestAPI, _ action: String, as token: String) async throws -> [AuditEventBody] {
        let page: Page<AuditEventBody> = try await api.ask(.get, "/v1/audit?limit=1000&action=\(action)", as: token)
        return page.items
    }

    @Test func `a refused request is in the log with its reason, although nothing of it was done`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let bob = try await api.invite("bob", [InvitedRole(role: .auditor)], by: alice)
            let refused = try await api.send(
                .post, "/v1/teams/acme/stores", json: ["kind": "ca", "name": "x"], as: bob)
            #expect(refused.status == .forbidden)
            let entry = try #require(try await entries(api, "attempt.refused", as: alice).first)
            #expect(entry.team == "acme" && entry.object == "/v1/teams/acme/stores")
            #expect(entry.requestID == refused.headers[.xRequestID])
            let detail = try entry.detail.object("detail")
            #expect(detail["operation"] == "POST /v1/teams/{team}/stores" && detail["problem"] == "store.forbidden")
            #expect(try detail.string("reason", in: "detail").contains("none of your roles"))
        }
    }

    @Test func `one's own approval and what a rule refuses are in the log`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes", try TestAPI.addition(try await TestAPI.root().pem), as: alice)
            let own = try await api.send(
                .post, "/v1/changes/\(change.number)/approve", json: ["digest": .string(change.digest)], as: alice)
            #expect(own.problem == "store.own-proposal")
            let ruled = try await api.send(
                .post, "/v1/changes",
                json: try JSON(
                    encoding: ChangeRequest(
                        team: try TeamName("acme"),
                        operations: [
                            .addAnchor(
                                AddAnchorBody(
                                    kind: .ca, store: try TrustStoreName("prod"),
                                    certificate: try await TestAPI.root("vendor").pem, origin: .thirdParty))
                        ], justification: "a vendor's")), as: alice)
            #expect(ruled.problem == "store.refused-by-rule")
            let problems = try await entries(api, "attempt.refused", as: alice).map {
                try $0.detail.object("detail").string("problem", in: "detail")
            }
            #expect(problems == ["store.own-proposal", "store.refused-by-rule"])
        }
    }

    @Test func `credentials that do not count are in the log without the credential or the address`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            _ = try await api.send(.get, "/v1/whoami", as: "rst_wrong-and-secret")
            _ = try await api.send(.get, "/v1/whoami")
            let failures = try await entries(api, "sign-in.failed", as: alice)
            #expect(failures.count == 1)
            #expect(failures[0].object.hasPrefix("origin:") && failures[0].actor == "server")
            let text = try JSON(encoding: failures[0]).text
            #expect(!text.contains("rst_") && !text.contains("127.0.0.1"))
            #expect(try await entries(api, "sign-in.succeeded", as: alice).count == 1)
        }
    }

    @Test func `a flood of refusals is counted instead of written, and the count is written once`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let alice = try await api.bootstrap()
            let bob = try await api.invite("bob", [InvitedRole(role: .auditor)], by: alice)
            for _ in 0..<70 {
                let reply = try await api.send(.post, "/v1/teams", json: ["name": "acme"], as: bob)
                #expect(reply.status == .forbidden)
            }
            #expect(try await entries(api, "attempt.refused", as: alice).count == AttemptLog.attemptLimits.entries)
        }
    }

    @Test func `what an address that is barred goes on showing is counted, too`() async throws {
        try await TestAPI.withServer { api in
            for _ in 0..<30 { _ = try await api.send(.get, "/v1/whoami", as: "rst_wrong-and-secret") }
            let last = try await api.send(.get, "/v1/whoami", as: "rst_wrong-and-secret")
            #expect(last.status == .tooManyRequests)
        }
        // The program has ended, and has written what it counted.
        let database = try #require(TestDatabase.current)
        let rows = try await database.withConnection(as: .owner) {
            try await $0.rows("SELECT action, detail FROM audit_event WHERE action LIKE 'sign-in%' ORDER BY sequence")
                .map { (try $0.value("action", as: String.self), try $0.value("detail", as: String.self)) }
        }
        #expect(rows.filter { $0.0 == "sign-in.failed" }.count == AttemptLog.signInLimits.entries)
        let counted = try #require(rows.last)
        let expected = Int64(31 - AttemptLog.signInLimits.entries)
        #expect(try JSON(parsing: Array(counted.1.utf8)).object("detail")["count"] == .integer(expected))
    }

    @Test func `a proof of another identity that does not count is in the log`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let refused = try await api.send(
                .post, "/v1/identities/proofs", json: ["token": "not.a.token"], as: alice)
            #expect(refused.problem == "store.invalid")
            #expect(try await entries(api, "sign-in.failed", as: alice).count == 1)
        }
    }

    // MARK: Counting

    private func counter(_ all: Int = 100, sources: Int = 10) -> AttemptCounter<String> {
        AttemptCounter(.init(windowSeconds: 60, entries: 2, entriesInAll: all, sources: sources))
    }

    @Test func `a source has so many entries in a window, and what is over is counted until it is taken`() {
        let (counter, start) = (counter(), UTCDate(seconds: 1_000))
        #expect((0..<5).map { _ in counter.admits("a", at: start) } == [true, true, false, false, false])
        #expect(counter.admits("b", at: start))
        #expect(counter.take(at: start.adding(seconds: 59)).isEmpty)
        let later = start.adding(seconds: 60)
        #expect(!counter.admits("a", at: later))
        #expect(counter.take(at: later) == [.init(source: "a", count: 4, since: start)])
        #expect(counter.admits("a", at: later) && counter.take(at: later).isEmpty)
    }

    @Test func `all sources together have a limit of their own`() {
        let (counter, start) = (counter(3), UTCDate(seconds: 1_000))
        #expect(["a", "b", "c", "d"].map { counter.admits($0, at: start) } == [true, true, true, false])
        #expect(counter.take(at: start, all: true) == [.init(source: "d", count: 1, since: start)])
    }

    @Test func `sources beyond those that are told apart are counted together`() {
        let (counter, start) = (counter(sources: 1), UTCDate(seconds: 1_000))
        #expect(["a", "b", "c"].map { counter.admits($0, at: start) } == [true, false, false])
        #expect(counter.take(at: start, all: true) == [.init(source: nil, count: 2, since: start)])
    }
}
