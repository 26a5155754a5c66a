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

@Suite(.postgres) struct CustodyStory {
    private struct Scene {
        let api: TestAPI
        let alice: String
        let olga: String
        let members: [(name: String, token: String, key: PrivateKey)]
    }

    /// A fleet that has published a team's root under the server's key, and three members with registered keys.
    private func scene(_ api: TestAPI) async throws -> Scene {
        let alice = try await api.bootstrap()
        let olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
        try await api.makeTeam(as: alice)
        let acme = try TeamName("acme")
        var members: [(name: String, token: String, key: PrivateKey)] = []
        for (name, role, type) in [
            ("bob", PersonRole.teamAdmin, KeyType.ed25519), ("carol", .teamMember, .ec(.p256)),
            ("dora", .teamMember, .ed25519),
        ] {
            let token = try await api.invite(name, [InvitedRole(role: role, team: acme)], by: alice)
            let key = try PrivateKey.generate(type)
            _ = try await api.register(key, of: name, as: token)
            members.append((name, token, key))
        }
        let change: ChangeBody = try await api.ask(
            .post, "/v1/changes", try TestAPI.addition(try await TestAPI.root().pem), as: alice)
        try await approve(change, api, as: olga)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
        try await api.govern(
            .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: acme), as: alice)
        _ = try await api.makeRoot(of: "demo", as: alice)
        let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
        return Scene(api: api, alice: alice, olga: olga, members: members)
    }

    private func approve(_ change: ChangeBody, _ api: TestAPI, as token: String) async throws {
        let _: ChangeBody = try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: token)
    }

    /// Two of the three sign from now on.
    private func takeCustody(_ scene: Scene) async throws -> RoleDraftBody {
        let keys = try scene.members.map { try Key($0.key.publicKey).id.text }
        let change: ChangeBody = try await scene.api.ask(
            .post, "/v1/changes",
            ChangeRequest(
                team: try TeamName("acme"),
                operations: [OperationBody.other(.setCustody(try CustodySetting(.team, keys: keys, threshold: 2)))],
                justification: "we sign ourselves"), as: scene.members[0].token)
        try await approve(change, scene.api, as: scene.alice)
        return try await draft(of: change.number, scene)
    }

    private func draft(of change: Int64, _ scene: Scene) async throws -> RoleDraftBody {
        let reply = try await scene.api.eventually {
            try await scene.api.send(.get, "/v1/changes/\(change)/role-draft", as: scene.alice)
        } until: {
            $0.status == .ok
        }
        return try reply.decode()
    }

    private func signature(_ draft: RoleDraftBody, by key: PrivateKey) async throws -> RoleSignatureRequest {
        let listed = try Key(key.publicKey)
        let scheme = try #require(listed.signatureScheme)
        let signature = try await key.signature(over: try Base64.decode(draft.toSign), scheme: scheme)
        return RoleSignatureRequest(keyID: listed.id.text, signature: Hex.encode(signature))
    }

    @discardableResult
    private func sign(_ draft: RoleDraftBody, member: Int, _ scene: Scene) async throws -> RoleDraftBody {
        try await scene.api.ask(
            .post, "/v1/role-drafts/\(draft.id)/signatures",
            try await signature(draft, by: scene.members[member].key), as: scene.members[member].token)
    }

    /// The version of the team's role in the newest release that is served.
    private func listed(_ api: TestAPI) async throws -> Int64 {
        try await Governance.snapshot(api).object("acme.json", in: "meta").integer("version", in: "role")
    }

    private func waitForVersion(_ version: Int64, _ api: TestAPI) async throws {
        let seen = try await api.eventually {
            try await listed(api)
        } until: {
            $0 == version
        }
        #expect(seen == version)
    }

    private func anchorBytes(_ version: Int64, _ api: TestAPI) async throws -> Int64 {
        let role = try JSON(parsing: try await api.send(.get, "/fleets/demo/metadata/\(version).acme.json").body)
        return try role.object("role").object("signed", in: "role").object("targets", in: "signed")
            .object("acme/ca.prod.pem", in: "targets").integer("length", in: "target")
    }

    @Test func `two of three members sign their role; the server publishes nothing of theirs without them`()
        async throws
    {
        try await TestAPI.withServer { api in
            let scene = try await scene(api)
            let draft = try await takeCustody(scene)
            #expect(draft.missing == ["2 more of the keys of team acme"])
            #expect(draft.keys.filter(\.hasSigned).map(\.holder) == [nil])
            try await refuseWrongSignatures(draft, scene)
            let before = try await listed(api)
            let once = try await sign(draft, member: 0, scene)
            #expect(once.missing == ["1 more of the keys of team acme"])
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: scene.alice)
            #expect(try await listed(api) == before)
            let twice = try await sign(draft, member: 1, scene)
            #expect(twice.missing.isEmpty)
            try await waitForVersion(draft.version, api)
            #expect(try await anchorBytes(draft.version, api) > 0)
            try await checkDelegation(scene)
        }
    }

    private func refuseWrongSignatures(_ draft: RoleDraftBody, _ scene: Scene) async throws {
        let path = "/v1/role-drafts/\(draft.id)/signatures"
        let bob = try await signature(draft, by: scene.members[0].key)
        let forCarol = try await scene.api.send(
            .post, path, json: try JSON(encoding: bob), as: scene.members[1].token)
        #expect(forCarol.problem == "store.forbidden")
        let broken = RoleSignatureRequest(keyID: bob.keyID, signature: String(repeating: "00", count: 64))
        let refused = try await scene.api.send(
            .post, path, json: try JSON(encoding: broken), as: scene.members[0].token)
        #expect(refused.problem == "publish.role-draft")
        let strange = try await signature(draft, by: try PrivateKey.generate(.ed25519))
        let nobody = try await scene.api.send(
            .post, path, json: try JSON(encoding: strange), as: scene.members[0].token)
        #expect(nobody.problem == "publish.role-draft")
    }

    private func checkDelegation(_ scene: Scene, keys: Int = 3, threshold: Int64 = 2) async throws {
        let number = try await Governance.snapshot(scene.api).object("targets.json", in: "meta")
            .integer("version", in: "role")
        let targets = try JSON(
            parsing: try await scene.api.send(.get, "/fleets/demo/metadata/\(number).targets.json").body)
        let roles = try targets.object("role").object("signed", in: "role").object("delegations", in: "signed")
            .array("roles", in: "delegations")
        let acme = try #require(try roles.first { try $0.object("role").string("name", in: "role") == "acme" })
        #expect(try acme.object("role").integer("threshold", in: "role") == threshold)
        #expect(try acme.object("role").array("keyids", in: "role").count == keys)
    }

    @Test func `one officer's removal is denied at once, and the role follows when two members have signed`()
        async throws
    {
        try await TestAPI.withServer { api in
            let scene = try await scene(api)
            let first = try await takeCustody(scene)
            try await sign(first, member: 0, scene)
            try await sign(first, member: 2, scene)
            try await waitForVersion(first.version, api)

            let root = try await api.anchor(as: scene.olga)
            let removal: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName("acme"), operations: [.other(.removeAnchor(id: root))],
                    justification: "stolen"), as: scene.olga)
            #expect(removal.state == .published)
            let denials = try await api.eventually {
                try await Governance.published(api)
            } until: {
                !$0.isEmpty
            }
            let anchor: AnchorBody = try await api.ask(.get, "/v1/anchors/\(root)", as: scene.olga)
            #expect(denials.map(\.subject) == [.certificate(sha256: anchor.sha256)])
            #expect(
                denials.first?.team?.rawValue == "acme" && denials.first?.reason == "removed by C-\(removal.number)")
            #expect(try await listed(api) == first.version)

            let second = try await draft(of: removal.number, scene)
            #expect(second.version > first.version)
            try await sign(second, member: 1, scene)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: scene.alice)
            #expect(try await listed(api) == first.version)
            try await sign(second, member: 2, scene)
            try await waitForVersion(second.version, api)
            #expect(try await anchorBytes(second.version, api) == 0)
            #expect(try await Governance.published(api).count == 1)
        }
    }

    @Test func `a renewal and new keys are each signed by members, and one signature serves old and new quorum`()
        async throws
    {
        try await TestAPI.withServer { api in
            let scene = try await scene(api)
            let first = try await takeCustody(scene)
            try await sign(first, member: 0, scene)
            try await sign(first, member: 1, scene)
            try await waitForVersion(first.version, api)

            let renewal: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName("acme"), operations: [OperationBody.other(.renewRole)], justification: "yearly"),
                as: scene.members[0].token)
            try await approve(renewal, api, as: scene.alice)
            let second = try await draft(of: renewal.number, scene)
            #expect(second.difference.contains("renewed, nothing else changes"))
            try await sign(second, member: 0, scene)
            try await sign(second, member: 1, scene)
            try await waitForVersion(second.version, api)

            let keys = try scene.members.dropFirst().map { try Key($0.key.publicKey).id.text }
            let rotation: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName("acme"),
                    operations: [OperationBody.other(.setCustody(try CustodySetting(.team, keys: keys, threshold: 2)))],
                    justification: "bob leaves"), as: scene.members[0].token)
            try await approve(rotation, api, as: scene.alice)
            let third = try await draft(of: rotation.number, scene)
            #expect(third.missing.count == 2)
            #expect(third.keys.first { $0.holder == "bob" }?.isNew == false)
            try await sign(third, member: 1, scene)
            let last = try await sign(third, member: 2, scene)
            #expect(last.missing.isEmpty)
            try await waitForVersion(third.version, api)
            let open: Page<RoleDraftBody> = try await api.ask(.get, "/v1/teams/acme/role-drafts", as: scene.alice)
            #expect(open.items.isEmpty)

            // The members are to hand over; then it comes out that they cannot.
            let back = try await handBack(scene)
            let fourth = try await draft(of: back.number, scene)
            #expect(try await listed(api) == third.version)
            _ = try await handBack(scene, formerLost: true)
            try await waitForVersion(fourth.version + 1, api)
            #expect(try await anchorBytes(fourth.version + 1, api) > 0)
            let void: RoleDraftBody = try await api.ask(.get, "/v1/role-drafts/\(fourth.id)", as: scene.alice)
            #expect(void.state == "void")
        }
    }

    /// The server is to sign from now on.
    private func handBack(_ scene: Scene, formerLost: Bool? = nil) async throws -> ChangeBody {
        let change: ChangeBody = try await scene.api.ask(
            .post, "/v1/changes",
            ChangeRequest(
                team: try TeamName("acme"),
                operations: [
                    OperationBody.other(.setCustody(try CustodySetting(.server, formerLost: formerLost ?? false)))
                ],
                justification: "nobody is left to sign"), as: scene.members[0].token)
        try await approve(change, scene.api, as: scene.alice)
        return change
    }

    @Test func `custody comes back with a version that the members and the server have signed`() async throws {
        try await TestAPI.withServer { api in
            let scene = try await scene(api)
            let first = try await takeCustody(scene)
            try await sign(first, member: 0, scene)
            try await sign(first, member: 1, scene)
            try await waitForVersion(first.version, api)

            let draft = try await draft(of: try await handBack(scene).number, scene)
            #expect(draft.missing == ["2 more of the former keys of team acme"])
            #expect(draft.keys.filter(\.hasSigned).map(\.holder) == [nil])
            #expect(draft.keys.filter(\.isNew).map(\.holder) == [nil])
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: scene.alice)
            #expect(try await listed(api) == first.version)
            try await checkDelegation(scene)

            // A removal does not wait for them, and what they sign takes it in.
            let root = try await api.anchor(as: scene.olga)
            let removal: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName("acme"), operations: [.other(.removeAnchor(id: root))],
                    justification: "stolen"), as: scene.olga)
            let denials = try await api.eventually {
                try await Governance.published(api)
            } until: {
                !$0.isEmpty
            }
            #expect(denials.map(\.reason) == ["removed by C-\(removal.number)"])
            #expect(try await listed(api) == first.version)
            let open = try await api.eventually {
                let page: Page<RoleDraftBody> = try await api.ask(
                    .get, "/v1/teams/acme/role-drafts", as: scene.alice)
                return page.items
            } until: {
                $0.contains { $0.version > draft.version }
            }
            let bridge = try #require(open.first { $0.version > draft.version })
            try await sign(bridge, member: 0, scene)
            #expect(try await listed(api) == first.version)
            try await sign(bridge, member: 2, scene)
            try await waitForVersion(bridge.version, api)
            #expect(try await anchorBytes(bridge.version, api) == 0)
            try await checkDelegation(scene, keys: 1, threshold: 1)
            let role = try JSON(
                parsing: try await api.send(.get, "/fleets/demo/metadata/\(bridge.version).acme.json").body)
            #expect(try role.object("role").array("signatures", in: "role").count == 3)

            // From here on the server signs alone.
            let addition: ChangeBody = try await api.ask(
                .post, "/v1/changes", try TestAPI.addition(try await TestAPI.root().pem), as: scene.members[0].token)
            try await approve(addition, api, as: scene.olga)
            try await waitForVersion(bridge.version + 1, api)
        }
    }
}
