import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PKI
import PostgresTesting
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct Governance {
    /// What the newest snapshot that is served lists.
    static func snapshot(_ api: TestAPI, _ fleet: String = "demo") async throws -> JSONObject {
        let path = "/fleets/\(fleet)/metadata"
        let version = try JSON(parsing: try await api.send(.get, "\(path)/timestamp.json").body)
            .object("timestamp").object("signed", in: "timestamp").object("meta", in: "signed")
            .object("snapshot.json", in: "meta").integer("version", in: "snapshot")
        return try JSON(parsing: try await api.send(.get, "\(path)/\(version).snapshot.json").body)
            .object("snapshot").object("signed", in: "snapshot").object("meta", in: "signed")
    }

    /// The denials of the newest release that is served.
    static func published(_ api: TestAPI, _ fleet: String = "demo") async throws -> [DenyDocument.Denial] {
        let path = "/fleets/\(fleet)/metadata"
        let number = try await snapshot(api, fleet).object("deny.json", in: "meta").integer("version", in: "deny")
        let deny = try JSON(parsing: try await api.send(.get, "\(path)/\(number).deny.json").body)
            .object("deny").object("signed", in: "deny").object("targets", in: "signed")
        let digest = try deny.object("deny/deny.json", in: "targets").object("hashes", in: "target")
            .string("sha256", in: "hashes")
        let file = try await api.send(.get, "/fleets/\(fleet)/targets/deny/\(digest).deny.json")
        return try JSON(parsing: file.body).decode(DenyDocument.self).denials
    }

    @Test func `what an officer denies is published within seconds, and lifted by two people`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
            try await api.makeTeam(as: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            let colons = stride(from: 0, to: 32, by: 1).map { _ in "AB" }.joined(separator: ":")
            let denial: DenialBody = try await api.ask(
                .post, "/v1/denials", DenialRequest(kind: .certificate, value: colons, reason: "stolen"), as: olga)
            #expect(denial.value == String(repeating: "ab", count: 32) && denial.author == "olga")
            let seen = try await api.eventually {
                try await Self.published(api)
            } until: {
                !$0.isEmpty
            }
            #expect(seen.map(\.id) == ["D-1"] && seen.first?.subject == .certificate(sha256: denial.value))

            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: nil, operations: [OperationBody.other(.liftDenial(id: denial.id))],
                    justification: "another one was meant"), as: olga)
            #expect(change.state == .submitted && change.team == nil && change.canApprove == ["alice"])
            #expect(change.effect == ["lifts the denial D-1 of certificate \(denial.value) everywhere: stolen"])
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: alice)
            let after = try await api.eventually {
                try await Self.published(api)
            } until: {
                $0.isEmpty
            }
            #expect(after.isEmpty)
            let page: Page<DenialBody> = try await api.ask(.get, "/v1/denials?all=true", as: alice)
            #expect(page.items.map(\.liftedByChange) == [change.number])
        }
    }

    @Test func `a change says which other stores a removal reaches, and where lifting its denial trusts again`()
        async throws
    {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
            try await api.makeTeam(as: alice)
            let _: StoreBody = try await api.ask(
                .post, "/v1/teams/acme/stores", StoreRequest(kind: .ca, name: try TrustStoreName("lab")), as: alice)
            for name in ["canary", "prod"] {
                let _: FleetBody = try await api.ask(
                    .post, "/v1/fleets", FleetRequest(name: try FleetName(name)), as: alice)
                try await api.govern(
                    .post, "/v1/fleets/\(name)/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
            }
            let root = try await TestAPI.root().pem
            let operations = try ["prod", "lab"].flatMap { try TestAPI.addition(root, store: $0).operations }
            let addition: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(team: try TeamName("acme"), operations: operations, justification: "ours"), as: alice)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(addition.number)/approve", DecisionRequest(digest: addition.digest), as: olga)
            _ = try await api.eventually { () -> ChangeBody in
                try await api.ask(.get, "/v1/changes/\(addition.number)", as: alice)
            } until: {
                $0.state == .published
            }
            let _: FleetBody = try await api.ask(
                .put, "/v1/fleets/prod/source", FleetSourceRequest(promotesFrom: try FleetName("canary")), as: alice)

            var effects: [String] = []
            let anchors: Page<AnchorBody> = try await api.ask(
                .get, "/v1/anchors?team=acme&state=active", as: olga)
            for id in anchors.items.map(\.id) {
                let removal: ChangeBody = try await api.ask(
                    .post, "/v1/changes",
                    ChangeRequest(
                        team: try TeamName("acme"), operations: [OperationBody.other(.removeAnchor(id: id))],
                        justification: "stolen"), as: olga)
                effects += removal.effect
            }
            #expect(effects.count == 2)
            #expect(
                effects.first?.hasSuffix("; where a denial makes that hold at once, it ends in ca:acme.lab as well")
                    == true)
            #expect(effects.last?.hasSuffix("from ca:acme.lab") == true)
            let lifting: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName("acme"), operations: [OperationBody.other(.liftDenial(id: 1))],
                    justification: "not stolen"), as: olga)
            #expect(lifting.effect.first?.hasSuffix("; it is trusted again at once in fleet prod") == true)
        }
    }

    @Test(arguments: [
        (DenialKind.certificate, "abcd", nil as String?), (.key, "zz", nil), (.digest, "latest", nil),
        (.issuerSerial, "0a", nil), (.issuerSerial, "not a number", "CN=CA"), (.issuerSerial, "0a", "no name"),
        (.identity, "alice@example.com", nil), (.identity, "*", nil),
        (.certificate, String(repeating: "ab", count: 32), "CN=CA"),
    ])
    func `a denial that could never match is refused with the form it must have`(
        kind: DenialKind, value: String, issuer: String?
    ) async throws {
        #expect(throws: TrustModelError(.document, "")) { try DenialSubject(kind, value: value, issuer: issuer) }
    }

    @Test func `what people copy becomes the one form that hosts compare`() throws {
        let serial = try DenialSubject(.issuerSerial, value: "00:0A:1B", issuer: "CN=CA, O=Acme, C=US")
        #expect(serial == .issuerAndSerial(issuer: "CN=CA,O=Acme,C=US", serial: "a1b"))
        let key = try DenialSubject(.key, value: "SHA256:" + String(repeating: "CD", count: 32))
        #expect(key == .key(sha256: String(repeating: "cd", count: 32)))
    }

    @Test func `a key is registered by its holder with proof, and custody is set by two people`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let acme = try TeamName("acme")
            let bob = try await api.invite("bob", [InvitedRole(role: .teamAdmin, team: acme)], by: alice)
            let key = try PrivateKey.generate(.ed25519)
            let registered = try await api.register(key, of: "bob", as: bob)
            let listed = try Key(key.publicKey)
            #expect(registered.holder == "bob" && registered.keyID == listed.id.text)

            let other = try PrivateKey.generate(.ec(.p256))
            let stolen = TeamKeyRequest(
                key: try Key(other.publicKey).json,
                proof: try await TestAPI.proof(of: other, holder: "alice"))
            let refused = try await api.send(
                .post, "/v1/teams/acme/keys", json: try JSON(encoding: stolen), as: bob)
            #expect(refused.status == .unprocessableContent && refused.problem == "server.unusable-key")
            var members = try Key(other.publicKey).members
            members["x"] = "y"
            let disguised = TeamKeyRequest(
                key: .object(members), proof: try await TestAPI.proof(of: other, holder: "bob"))
            let again = try await api.send(
                .post, "/v1/teams/acme/keys", json: try JSON(encoding: disguised), as: bob)
            #expect(again.problem == "server.unusable-key")

            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: acme,
                    operations: [
                        OperationBody.other(
                            .setCustody(try CustodySetting(.team, keys: [registered.keyID], threshold: 1)))
                    ], justification: "we sign ourselves"), as: bob)
            #expect(change.state == .submitted && change.effect.first?.contains("bob") == true)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: alice)
            let custody = try await api.eventually {
                try await api.ask(.get, "/v1/teams/acme/custody", as: bob, answer: CustodyBody.self)
            } until: {
                $0.custody == .team
            }
            #expect(custody.threshold == 1 && custody.keys.map(\.holder) == ["bob"] && custody.note == nil)
            let retired = try await api.send(.delete, "/v1/teams/acme/keys/\(registered.keyID)", as: alice)
            #expect(retired.status == .noContent)
        }
    }

    @Test func `custody is labelled while the targets key of a fleet is online`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            try await api.govern(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            let team: TeamBody = try await api.ask(.get, "/v1/teams/acme", as: alice)
            #expect(team.custodyNote?.contains("not protected from the server") == true)
            let custody: CustodyBody = try await api.ask(.get, "/v1/teams/acme/custody", as: alice)
            #expect(custody.note == team.custodyNote && custody.onlineFleets.map(\.rawValue) == ["demo"])
        }
    }
}

extension TestAPI {
    static func proof(of key: PrivateKey, holder: String, team: String = "acme") async throws -> String {
        let listed = try Key(key.publicKey)
        let statement = TeamKeyStatement.registration(
            team: try TeamName(team), keyID: listed.id.text, holder: holder)
        let scheme = try #require(listed.signatureScheme)
        return Hex.encode(try await key.signature(over: statement, scheme: scheme))
    }

    /// Registers a member's key with its proof.
    func register(_ key: PrivateKey, of holder: String, as token: String, team: String = "acme") async throws
        -> TeamKeyBody
    {
        try await ask(
            .post, "/v1/teams/\(team)/keys",
            TeamKeyRequest(
                key: try Key(key.publicKey).json, proof: try await Self.proof(of: key, holder: holder, team: team)),
            as: token)
    }
}
