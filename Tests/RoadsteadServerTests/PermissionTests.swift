import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Every operation against every kind of caller, on what is theirs and on what is not.
@Suite(.postgres) struct Permissions {
    private static func endpoints() throws -> [Endpoint] {
        try ServerParts(try TestAPI.program(try #require(TestDatabase.current), state: "/tmp/unused")).web.endpoints
    }

    private static func name(_ endpoint: Endpoint) -> String { "\(endpoint.method.rawValue) \(endpoint.path)" }

    @Test func `every operation has a row that says who may do it`() throws {
        let names = try Self.endpoints().map(Self.name)
        for name in names where PermissionTable.rows[name] == nil && !PermissionTable.proven.contains(name) {
            Issue.record(
                """
                \(name) has no row: add one to PermissionTable.rows in Tests/RoadsteadServerTests/PermissionTable.swift, \
                "\(name)": [PermissionRow(.administer)] or whichever rule the design's table of roles gives it; say with \
                path: how its identifiers are filled, and with body: what is sent where the content decides
                """)
        }
        let gone = Set(PermissionTable.rows.keys).union(PermissionTable.proven).subtracting(names)
        #expect(gone.isEmpty, "rows of operations that there are not")
    }

    @Test func `an operation takes a signed-in caller unless its request proves itself`() async throws {
        let endpoints = try Self.endpoints()
        for endpoint in endpoints {
            let isProven = if case .proven = endpoint.permission { true } else { false }
            #expect(isProven == (endpoint.access != .token), "\(Self.name(endpoint))")
            #expect(isProven == PermissionTable.proven.contains(Self.name(endpoint)))
        }
        try await TestAPI.withServer { api in
            for endpoint in endpoints where endpoint.access == .token {
                let path = endpoint.path.split(separator: "/").map { $0.hasPrefix("{") ? "1" : $0 }
                let reply = try await api.send(endpoint.method, "/" + path.joined(separator: "/"))
                #expect(reply.status == .unauthorized, "\(Self.name(endpoint))")
            }
        }
    }

    @Test func `everybody may do what the table of roles says, and nothing else`() async throws {
        let endpoints = try Self.endpoints()
        try await TestAPI.withServer { api in
            let scene = try await PermissionScene.make(api)
            for endpoint in endpoints {
                for row in PermissionTable.rows[Self.name(endpoint)] ?? [] {
                    try await Self.check(row, endpoint, scene)
                }
            }
        }
    }

    private static func check(_ row: PermissionRow, _ endpoint: Endpoint, _ scene: PermissionScene) async throws {
        for (number, caller) in PermissionCaller.allCases.enumerated() {
            for (place, allowed) in [(scene.own, row.rule.own), (scene.foreign, row.rule.foreign)] {
                let reply = try await send(row, endpoint, place, number, as: try scene.token(caller), scene.api)
                let isAllowed = allowed.contains(caller)
                #expect(
                    isAllowed == passes(reply, row, place) && reply.status.code < 500,
                    """
                    \(name(endpoint)) by \(caller) on team \(place.team) and fleet \(place.fleet): \
                    \(isAllowed ? "allowed" : "refused") by the table, \(reply.status.code) here: \
                    \(String(decoding: reply.body.prefix(300), as: UTF8.self))
                    """)
            }
        }
    }

    private static func send(
        _ row: PermissionRow, _ endpoint: Endpoint, _ place: PermissionPlace, _ caller: Int, as token: String,
        _ api: TestAPI
    ) async throws -> TestAPI.Reply {
        let filled = endpoint.path.split(separator: "/").map { part in
            switch part {
            case "{team}": place.team
            case "{fleet}": place.fleet
            default: String(part)
            }
        }
        let path = row.path?(place, caller) ?? "/" + filled.joined(separator: "/")
        try #require(!path.contains("{"), "\(name(endpoint)): say with path: how its identifiers are filled")
        let body = try row.body.map { try JSON(encoding: try $0(place)) } ?? (endpoint.body == nil ? nil : [:])
        return try await api.send(endpoint.method, path, json: body, as: token, headers: row.headers)
    }

    private static func passes(_ reply: TestAPI.Reply, _ row: PermissionRow, _ place: PermissionPlace) -> Bool {
        let isForbidden = reply.status == .forbidden && reply.problem == "store.forbidden"
        return switch row.refusal {
        case .forbidden: !isForbidden
        case .hidden: reply.status != .notFound
        case .either: !isForbidden && reply.status != .notFound
        case .leftOut(let word):
            reply.status == .ok && String(decoding: reply.body, as: UTF8.self).contains(word(place))
        }
    }

    @Test func `a team or a fleet that one may not see answers as one that does not exist`() async throws {
        let endpoints = try Self.endpoints()
        try await TestAPI.withServer { api in
            let scene = try await PermissionScene.make(api)
            let nowhere = PermissionPlace(team: "gamma", fleet: "attic", root: scene.foreign.root)
            for endpoint in endpoints where endpoint.path.contains("{team}") || endpoint.path.contains("{fleet}") {
                for row in PermissionTable.rows[Self.name(endpoint)] ?? [] {
                    for caller in [PermissionCaller.teamMember, .fleetOperator, .teamAuditor, .limited] {
                        let token = try scene.token(caller)
                        let foreign = try await Self.send(row, endpoint, scene.foreign, 0, as: token, api)
                        let unknown = try await Self.send(row, endpoint, nowhere, 0, as: token, api)
                        let said = String(decoding: foreign.body, as: UTF8.self).replacing("beta", with: "gamma")
                            .replacing("lab", with: "attic")
                        #expect(
                            Self.withoutRequest(Array(said.utf8)) == Self.withoutRequest(unknown.body),
                            "\(Self.name(endpoint)) by \(caller)")
                    }
                }
            }
        }
    }

    /// A problem without what differs from request to request.
    private static func withoutRequest(_ body: [UInt8]) -> [String?] {
        guard let problem = try? JSON(parsing: body).decode(ProblemBody.self) else {
            return [String(decoding: body, as: UTF8.self)]
        }
        return [problem.type, problem.detail, problem.hint]
    }

    @Test func `one's own change is shown to its author after the role is gone`() async throws {
        try await TestAPI.withServer { api in
            let scene = try await PermissionScene.make(api)
            let member = try scene.token(.teamMember)
            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: try TeamName(scene.own.team),
                    operations: [try PermissionScene.addition(try await TestAPI.root("another"))],
                    justification: "needed"), as: member)
            try await #require(TestDatabase.current).withConnection(as: .owner) {
                try await $0.run(script: "UPDATE role_binding SET revoked_at = now(), revoked_by = person_id")
            }
            let shown: ChangeBody = try await api.ask(.get, "/v1/changes/\(change.number)", as: member)
            #expect(shown.number == change.number)
            let list: Page<ChangeBody> = try await api.ask(.get, "/v1/changes?limit=1000", as: member)
            #expect(list.items.map(\.number) == [change.number])
        }
    }
}
