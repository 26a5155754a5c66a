import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PKI
import PostgresTesting
import RoadsteadWire
import SigningKeys
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct Story {
    @Test func `trust is proposed, agreed, published, fetched, reported and taken away again`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let bob = try await api.invite("bob", [InvitedRole(role: .securityOfficer)], by: alice)
            try await api.makeTeam(as: alice)

            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes", try TestAPI.addition(try await TestAPI.root().pem), as: alice)
            #expect(change.state == .submitted)
            #expect(change.canApprove == ["bob"])
            #expect(change.effect == ["adds the own anchor C=US,ST=WA,O=acme,CN=acme root to ca:acme.prod"])

            let own = try await api.send(
                .post, "/v1/changes/\(change.number)/approve", json: ["digest": .string(change.digest)], as: alice)
            #expect(own.status == .forbidden)
            #expect(own.problem == "store.own-proposal")

            let approved: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: bob)
            #expect([.approved, .published].contains(approved.state))

            let release = try await publishFirst(api, alice)
            #expect(release.changes == [change.number])
            try await fetch(api)
            let host = try await enrol(api, alice)
            try await report(api, host, release)
            try await remove(api, bob)
            try await checkAudit(api, alice)
        }
    }

    private func publishFirst(_ api: TestAPI, _ alice: String) async throws -> ReleaseBody {
        let fleet: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
        #expect(fleet.rootVersion == 0 && fleet.mode == .observe)
        try await api.govern(
            .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
        _ = try await api.makeRoot(of: "demo", as: alice)
        let release: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
        #expect(release.number == 1 && release.state == "published")
        let after: FleetBody = try await api.ask(.get, "/v1/fleets/demo", as: alice)
        #expect(after.release == 1 && after.rootVersion == 1 && after.targetsOnline)
        #expect(after.custodyNote?.contains("not protected from the server") == true)
        return release
    }

    private func fetch(_ api: TestAPI) async throws {
        let path = "/fleets/demo/metadata/timestamp.json"
        let first = try await api.eventually {
            try await api.send(.get, path)
        } until: {
            $0.status == .ok
        }
        let etag = try #require(first.headers[.eTag])
        let again = try await api.send(.get, path, headers: [.ifNoneMatch: etag])
        #expect(again.status == .notModified)
        let snapshot = try await api.send(.get, "/fleets/demo/metadata/1.snapshot.json")
        #expect(snapshot.headers[.cacheControl]?.contains("immutable") == true)
        let root = try await api.send(.get, "/fleets/demo/metadata/1.root.json")
        #expect(root.status == .ok)
        let next = try await api.send(.get, "/fleets/demo/metadata/2.root.json")
        #expect(next.status == .notFound && next.body.isEmpty)
        let team = try JSON(parsing: try await api.send(.get, "/fleets/demo/metadata/1.acme.json").body)
        let targets = try team.object("role").object("signed", in: "role").object("targets", in: "signed")
        let anchors = try targets.object("acme/ca.prod.pem", in: "targets")
        let digest = try anchors.object("hashes", in: "target").string("sha256", in: "hashes")
        let file = try await api.send(.get, "/fleets/demo/targets/acme/\(digest).ca.prod.pem")
        #expect(String(decoding: file.body, as: UTF8.self).hasPrefix("-----BEGIN CERTIFICATE-----"))
    }

    struct EnrolledHost {
        let id: String
        let key: PrivateKey
    }

    private func enrol(_ api: TestAPI, _ alice: String) async throws -> EnrolledHost {
        let token: JoinTokenBody = try await api.ask(
            .post, "/v1/fleets/demo/join-tokens", JoinTokenRequest(), as: alice)
        let join = try JoinString(parsing: token.joinString)
        let root = try await api.send(.get, "/fleets/demo/metadata/1.root.json")
        #expect(join.rootSHA256 == Hex.encode(HashAlgorithm.sha256.digest(of: root.body)))
        let key = try PrivateKey.generate(.ed25519)
        let request = try await enrolment(join, key)
        let body: EnrollBody = try await api.ask(.post, "/v1/enroll", request)
        let again = try await api.send(.post, "/v1/enroll", json: try JSON(encoding: request))
        #expect(again.problem == "store.used-up")
        return EnrolledHost(id: body.host, key: key)
    }

    private func enrolment(_ join: JoinString, _ key: PrivateKey) async throws -> EnrollRequest {
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: Array(join.token.utf8)))
        let statement = HostStatement.enrolment(fleetID: join.fleetID, hostName: "web-1", tokenSHA256: digest)
        let proof = try await key.signature(over: statement, scheme: .ed25519)
        return EnrollRequest(
            token: join.token, fleet: join.fleet, hostName: "web-1", publicKey: key.publicKey.pem,
            proof: Base64.encode(proof))
    }

    private func report(_ api: TestAPI, _ host: EnrolledHost, _ release: ReleaseBody) async throws {
        let receipt = Receipt(
            host: host.id, fleet: release.fleet, sequence: 1, issued: SystemClock.now(), agentVersion: "0.1",
            release: release.number, releaseDigest: release.snapshotSHA256, roleVersions: ["timestamp": 1],
            enforcers: [], warnings: [])
        let bytes = try receipt.publishedBytes()
        let envelope = ReceiptEnvelope(
            receipt: Base64.encode(bytes),
            signature: Base64.encode(try await host.key.signature(over: bytes, scheme: .ed25519)))
        let json = try JSON(encoding: envelope)
        let taken = try await api.send(.post, "/v1/hosts/\(host.id)/receipts", json: json)
        #expect(taken.status == .noContent)
        let replayed = try await api.send(.post, "/v1/hosts/\(host.id)/receipts", json: json)
        #expect(replayed.problem == "store.replay")
        let foreign = ReceiptEnvelope(
            receipt: Base64.encode(bytes),
            signature: Base64.encode(
                try await PrivateKey.generate(.ed25519).signature(over: bytes, scheme: .ed25519)))
        let refused = try await api.send(
            .post, "/v1/hosts/\(host.id)/receipts", json: try JSON(encoding: foreign))
        #expect(refused.status == .unauthorized)
    }

    private func remove(_ api: TestAPI, _ bob: String) async throws {
        let removal = ChangeRequest(
            team: try TeamName("acme"), operations: [.other(.removeAnchor(id: try await api.anchor(as: bob)))],
            justification: "compromised")
        let change: ChangeBody = try await api.ask(.post, "/v1/changes", removal, as: bob)
        #expect(change.state == .published)
        let fleet: FleetBody = try await api.eventually {
            try await api.ask(.get, "/v1/fleets/demo", as: bob)
        } until: {
            $0.release == 2
        }
        #expect(fleet.hosts == 1)
        let role = try await api.eventually {
            try await api.send(.get, "/fleets/demo/metadata/2.acme.json")
        } until: {
            $0.status == .ok
        }
        let targets = try JSON(parsing: role.body).object("role").object("signed", in: "role")
            .object("targets", in: "signed")
        #expect(try targets.object("acme/ca.prod.pem", in: "targets").integer("length", in: "target") == 0)
    }

    private func checkAudit(_ api: TestAPI, _ alice: String) async throws {
        let verified: AuditVerification = try await api.ask(.get, "/v1/audit/verification", as: alice)
        #expect(verified.intact && verified.entries > 10)
        let page: Page<AuditEventBody> = try await api.ask(.get, "/v1/audit?limit=5", as: alice)
        #expect(page.items.count == 5 && page.next == "5")
    }
}

extension TestAPI {
    /// Asks again, for at most ten seconds, until the answer is the one that is waited for.
    func eventually<Value>(
        _ ask: () async throws -> Value, until isDone: (Value) -> Bool
    ) async throws -> Value {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let value = try await ask()
            if isDone(value) || ContinuousClock.now > end { return value }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
