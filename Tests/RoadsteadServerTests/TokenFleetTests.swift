import Codecs
import Files
import Foundation
import HTTPTypes
import HummingbirdTesting
import Migrations
import PostgresKit
import PostgresTesting
import PythonEnvironment
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import SoftHSM
import TUF
import Testing
import TokenKeys
import TokenWire
import TrustModel

@testable import RoadsteadServer

/// Fleets and teams whose keys the server has on a token.
@Suite(.postgres) struct TokenFleets {
    private let demo: FleetName
    private let prod: FleetName
    private let acme: TeamName
    private let master: MasterKey
    private let root: PrivateKey
    private let people = Tokens()

    init() throws {
        demo = try FleetName("demo")
        prod = try FleetName("prod")
        acme = try TeamName("acme")
        master = try MasterKey.generate()
        root = try PrivateKey.generate(.ed25519)
    }

    private static let roles = "pkcs11:token=roadstead;object={fleet}-{role}-{n}"
    private static let teams = "pkcs11:token=roadstead;object=team-{team}-{n}"

    // MARK: Stories

    @Test func `a fleet's keys move to a token and back, and python-tuf follows each time`() async throws {
        guard try await PythonEnvironment.isAvailable() else { return }
        let (python, files) = (try StockClient(), PublishedFiles(pool: try database.pool(.publisher)))
        let all = FleetRole.allCases.map(\.rawValue)
        try await SoftHSM.withToken { softHSM in
            try await server { api in
                _ = try await api.bootstrap()
                try await makeFleet(demo, api)
            }
            let id = try await PublisherStore(pool: try database.pool(.publisher)).state(of: demo).content.id
            let followed = FollowedFleet(demo, id: id, files: files)
            func follow(_ what: String, _ teams: [TeamName]) async throws {
                try await followed.mirror()
                for host in ["old", what] {
                    try await followed.follow(as: host, python, teams: teams, now: SystemClock.now(), what)
                }
            }
            try await follow("founding", [])
            #expect(try await names().isEmpty)

            try await server(softHSM) { api in
                try await rotate(all, api)
                let roles = all.map { "pkcs11:token=roadstead;object=demo-\($0)-1" }
                #expect(try await names() == roles.sorted())
            }
            try await follow("the move to the token", [])
            try await server(softHSM) { api in
                // A key of a role that is on the token already gets the next name.
                try await rotate(["ops"], api)
                #expect(try await names().contains("pkcs11:token=roadstead;object=demo-ops-2"))
                // A team that comes now has its key there too.
                try await addTeam(api)
                #expect(try await names().contains("pkcs11:token=roadstead;object=team-acme-1"))
            }
            try await follow("a team of the token", [acme])
            #expect(try await sealedInForce() == 0)

            try await server(softHSM, [.keysFormerRoles: Self.roles, .keysTeams: Self.teams]) { api in
                try await rotate(all, api)
                #expect(try await names() == ["pkcs11:token=roadstead;object=team-acme-1"])
            }
            try await follow("the move back", [acme])
            #expect(try await sealedInForce() == 6)
        }
    }

    @Test func `while a token hangs everything else goes on, an alarm shows, and the fleet is back by itself`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            try await server { api in
                _ = try await api.bootstrap()
                try await makeFleet(prod, api)
            }
            let hanging = softHSM.directory.appending(path: "hanging").path
            let fault = ["FAULT": "hang", "FAULT_WHILE": hanging]
            try await server(softHSM, Self.onToken, .live, fault: fault) { api in
                let alice = try #require(api.tokens["alice"])
                try await makeFleet(demo, api)
                let (before, after) = (
                    try await api.release(as: api.tokens["alice"]),
                    try await api.release(of: "prod", as: api.tokens["alice"])
                )
                try Files.write([], to: hanging)
                for fleet in [demo, prod] {
                    try await api.govern(
                        .put, "/v1/fleets/\(fleet)/mode", FleetModeRequest(mode: .enforce), as: alice)
                }
                let published = try await patiently {
                    try await api.release(of: "prod", as: api.tokens["alice"])
                } until: {
                    $0 > after
                }
                #expect(published == after + 1)
                let alarmed = try await patiently {
                    try await api.unusable(as: api.tokens["alice"])
                } until: {
                    !$0.isEmpty
                }
                #expect(alarmed.contains { $0.reason.contains("did not answer within 1 seconds") && $0.ends != nil })
                let line = #"roadstead_key_unusable{fleet="demo",role="timestamp"} 1"#
                #expect(
                    try await patiently {
                        try await metrics(api)
                    } until: {
                        $0.contains(line)
                    }.contains(line))
                #expect(try await api.release(as: api.tokens["alice"]) == before)
                #expect(try await api.unusable(of: "prod", as: api.tokens["alice"]).isEmpty)
                for fleet in [demo, prod] {
                    let reply = try await api.send(.get, "/fleets/\(fleet)/metadata/timestamp.json")
                    #expect(reply.status == .ok)
                }

                try Files.remove(hanging)
                let back = try await patiently {
                    try await api.release(as: api.tokens["alice"])
                } until: {
                    $0 > before
                }
                #expect(back == before + 1)
                #expect(
                    try await patiently {
                        try await api.unusable(as: api.tokens["alice"])
                    } until: {
                        $0.isEmpty
                    }.isEmpty)
                let clear = #"roadstead_key_unusable{fleet="demo",role="timestamp"} 0"#
                #expect(
                    try await patiently {
                        try await metrics(api)
                    } until: {
                        $0.contains(clear)
                    }.contains(clear))
            }
        }
    }

    @Test func `another key under the name, or a name that was changed in the database, signs nothing`() async throws {
        try await SoftHSM.withToken { softHSM in
            try await server(softHSM) { api in
                _ = try await api.bootstrap()
                try await makeFleet(demo, api)
            }
            let store = PublisherStore(pool: try database.pool(.publisher))
            func problems() async throws -> [String: String] {
                let (held, keys) = (try await store.namedKeys(), try keys(softHSM))
                var problems: [String: String] = [:]
                for record in held {
                    let key = try ServerKey(record)
                    problems[key.purpose.role] = await keys.test(key)
                }
                return problems
            }
            #expect(try await problems().isEmpty)

            try softHSM.pkcs11Tool(["--delete-object", "--type", "privkey", "--label", "demo-ops-1"])
            try softHSM.pkcs11Tool(["--delete-object", "--type", "pubkey", "--label", "demo-ops-1"])
            try softHSM.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "99", "--label", "demo-ops-1",
            ])
            let replaced = try await problems()
            #expect(replaced.keys.sorted() == ["ops"] && replaced["ops"]?.contains("another key") == true)

            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", "98", "--label", "payroll"])
            // Not even the tables' owner can do this, unless it takes the fence away first.
            let change = "UPDATE signing_key SET key_name = 'pkcs11:token=roadstead;object=payroll' WHERE role = 'deny'"
            try await database.withConnection(as: .owner) { connection in
                await #expect(throws: PostgresError.self) { try await connection.run(script: change) }
                try await connection.run(script: "ALTER TABLE signing_key DISABLE TRIGGER USER")
                try await connection.run(script: change)
            }
            let moved = try await problems()
            #expect(moved.keys.sorted() == ["deny", "ops"])
            #expect(moved["deny"]?.contains("which the configuration does not name") == true)

        }
    }

    @Test func `a database put back is recovered with the keys on their token, and the fleet is published on`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            try await server(softHSM) { api in
                let fleet = try await RestoredFleet(api)
                let held = try await names()
                #expect(held.count == 7 && held.allSatisfy { $0.hasPrefix("pkcs11:token=roadstead;") })
                try fleet.save()
                try await fleet.goOn()
                try fleet.putBack()
                _ = try await fleet.halted()
                let before = fleet.host.release
                let recovered = try await fleet.recover(applies: true)
                #expect(recovered.applied)
                let halts = try await fleet.halts()
                #expect(halts.isEmpty)
                try await fleet.publish()
                #expect(fleet.host.release > before)
                let denied = try await fleet.host.denials()
                #expect(denied.contains(String(repeating: "ab", count: 32)))
                #expect(try await names() == held)
            }
        }
    }

    @Test func `a PIN that the token refused is not given by a server that starts again, until its file has another`()
        async throws
    {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", "1", "--label", "k"])
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            func start(with pin: String) async throws -> String? {
                try Files.write(Array("\(pin)\n".utf8), to: softHSM.pinFile, mode: 0o600)
                let configuration = try ServerConfiguration(
                    ConfigurationSources(
                        flags: Self.settings(softHSM, Self.onToken).merging([.stateDirectory: softHSM.state]) { $1 }))
                let backend = try #require(try Self.backends(configuration, softHSM.environment)[.pkcs11])
                do {
                    _ = try await backend.open(name)
                    return nil
                } catch let error as TokenError {
                    #expect(error.code == .pinWrong)
                    return error.reason
                }
            }
            #expect(try await start(with: "111111")?.contains("before") == false)
            // Somebody logs in with the right one, so that the token counts no wrong one any more.
            try softHSM.pkcs11Tool(["--list-objects"])
            #expect(try await start(with: "111111")?.contains("refused this PIN before") == true)
            // A token that counts a wrong one gets none from a server: it was not given again.
            #expect(try await start(with: SoftHSM.pin) == nil)
        }
    }

    // MARK: Parts

    private var database: TestDatabase {
        get throws { try #require(TestDatabase.current) }
    }

    /// Where the helper and the module with faults lie.
    private static let products = Bundle.main.bundlePath

    private static let onToken: [ConfigurationKey: String] = [.keysRoles: roles, .keysTeams: teams]

    /// A server whose new keys are made on the token where `places` say so, on the database of the test.
    private func server(
        _ softHSM: SoftHSM? = nil, _ places: [ConfigurationKey: String] = onToken, _ setup: TestingSetup = .router,
        fault: [String: String] = [:], _ body: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        let people = people
        let environment = (softHSM?.environment ?? [:]).merging(fault) { $1 }
        try await TestAPI.withServer(
            setup, master: master, limits: softHSM.map { Self.settings($0, places, fault) } ?? [:],
            keyBackends: { try Self.backends($0, environment) }, logger: TestAPI.silentLogger
        ) { api in
            api.tokens["alice"] = people["alice"]
            try await body(api)
            people["alice"] = api.tokens["alice"]
        }
    }

    private static func settings(
        _ softHSM: SoftHSM, _ places: [ConfigurationKey: String], _ fault: [String: String] = [:]
    ) -> [ConfigurationKey: String] {
        places.merging([
            .keysModule: fault.isEmpty ? SoftHSM.module : products + "/libFaultyModule.so",
            .keysPINFile: softHSM.pinFile, .keysDeadline: fault.isEmpty ? "30" : "1",
        ]) { $1 }
    }

    private static func backends(
        _ configuration: ServerConfiguration, _ environment: [String: String]
    ) throws -> [KeyScheme: any KeyBackend] {
        guard var token = try configuration.keys.tokens(state: configuration.stateDirectory) else { return [:] }
        token.program = products + "/roadstead-p11"
        token.environment = environment
        return [.pkcs11: ServerTokens(token)]
    }

    /// The server's keys as a server that starts now sees them.
    private func keys(_ softHSM: SoftHSM) throws -> ServerKeys {
        let configuration = try ServerConfiguration(
            ConfigurationSources(
                flags: Self.settings(softHSM, Self.onToken).merging([.stateDirectory: softHSM.state]) { $1 }))
        let backends = try Self.backends(configuration, softHSM.environment)
        return ServerKeys(master, places: configuration.keys.places, reach: configuration.keys.reach(backends))
    }

    private func makeFleet(_ fleet: FleetName, _ api: TestAPI) async throws {
        let alice = try #require(api.tokens["alice"])
        let _: FleetBody = try await api.ask(.post, "/v1/fleets", FleetRequest(name: fleet), as: alice)
        let key = fleet == demo ? root : try PrivateKey.generate(.ec(.p384))
        let keys = CeremonyKeysBody(keys: [try Key(key.publicKey).json], threshold: 1)
        try await hold(CeremonyFleetRequest(fleet: fleet, root: keys), key, api)
    }

    private func rotate(_ roles: [String], _ api: TestAPI) async throws {
        try await hold(CeremonyFleetRequest(fleet: demo, rotate: roles), root, api)
    }

    private func hold(_ request: CeremonyFleetRequest, _ key: PrivateKey, _ api: TestAPI) async throws {
        let done = try await api.hold([request], [key], as: try #require(api.tokens["alice"]))
        #expect(done.fleets.map(\.state) == ["published"], "\(done.fleets.first?.reason ?? "")")
    }

    /// Team `acme` in fleet `demo` with a root of its own, published.
    private func addTeam(_ api: TestAPI) async throws {
        let alice = try #require(api.tokens["alice"])
        try await api.makeTeam(as: alice)
        try await api.govern(.post, "/v1/fleets/demo/teams", FleetTeamRequest(team: acme), as: alice)
        let before = try await api.release(as: api.tokens["alice"])
        _ = try await patiently {
            try await api.release(as: api.tokens["alice"])
        } until: {
            $0 > before
        }
    }

    private func metrics(_ api: TestAPI) async throws -> String {
        String(decoding: try await api.send(.get, "/metrics", as: api.tokens["alice"]).body, as: UTF8.self)
    }

    /// The names of the keys in force that are on the token.
    private func names() async throws -> [String] {
        try await PublisherStore(pool: try database.pool(.publisher)).namedKeys().compactMap(\.name).sorted()
    }

    private func sealedInForce() async throws -> Int {
        try await database.withConnection(as: .owner) { connection in
            try await connection.rows("SELECT count(*) AS n FROM signing_key WHERE private_key IS NOT NULL")[0].value(
                "n")
        }
    }
}

extension SoftHSM {
    /// A state directory for servers, which goes with the token.
    fileprivate var state: String { directory.appending(path: "server").path }
}
