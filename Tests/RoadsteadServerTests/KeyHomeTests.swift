import CloudKeys
import Codecs
import Files
import Foundation
import HTTPTypes
import HummingbirdTesting
import KeyServices
import Migrations
import PostgresKit
import PrivatePostgres
import PostgresTesting
import PythonEnvironment
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// Fleets whose keys the server has in each kind of place that there is beside tokens.
@Suite(.postgres, .serialized, .timeLimit(.minutes(10))) struct KeyHomes {
    private let demo: FleetName
    private let root: PrivateKey
    private let masterText: String
    private let master: MasterKey
    private let people = Tokens()

    init() throws {
        demo = try FleetName("demo")
        root = try PrivateKey.generate(.ed25519)
        masterText = "roadstead-master-key-v1\n" + Hex.encode(SecureRandom.bytes(32))
        master = try MasterKey(text: Array(masterText.utf8))
    }

    @Test(arguments: KeyHomeKind.all)
    func `a fleet's keys are found or made there, rotated there and moved back, and hosts and python-tuf follow`(
        kind: KeyHomeKind
    ) async throws {
        try await kind.with { home in
            try await home.make(KeyHome.names(2))
            try await server(home.settings) { api, alice in
                try await makeFleet(api, alice)
                #expect(try await types() == [kind.type])
                let (host, stock) = (try await CeremonyHost(api), try await StockHost(api))
                try await host.refresh()
                try stock?.follow()
                try await rotate(api, alice)
                #expect(try await types() == [kind.type])
                try await follow(host, to: 2, api)
                try stock?.follow()
            }
            var former = home.settings
            former[.keysFormerRoles] = former.removeValue(forKey: .keysRoles)
            try await server(former) { api, alice in
                try await rotate(api, alice)
                #expect(try await types().isEmpty)
                try await follow(try await CeremonyHost(api), to: 3, api)
                try await StockHost(api)?.follow()
            }
        }
    }

    @Test(arguments: [KeyHomeKind.aws, .signer])
    func `while the place is dead the fleet is served on, an alarm shows, and it is back by itself`(
        kind: KeyHomeKind
    ) async throws {
        try await kind.with { home in
            try await home.make(KeyHome.names(1))
            try await server(home.settings.merging([.keysDeadline: "2"]) { $1 }) { api, alice in
                try await makeFleet(api, alice)
                let before = try await api.release(as: alice)
                try await home.breakDown()
                try await api.govern(.put, "/v1/fleets/demo/mode", FleetModeRequest(mode: .enforce), as: alice)
                let alarmed = try await patiently {
                    try await api.unusable(as: alice)
                } until: {
                    !$0.isEmpty
                }
                #expect(alarmed.contains { $0.ends != nil && !$0.reason.isEmpty })
                #expect(try await api.release(as: alice) == before)
                #expect(try await api.send(.get, "/fleets/demo/metadata/timestamp.json").status == .ok)
                try await home.mend()
                #expect(
                    try await patiently {
                        try await api.release(as: alice)
                    } until: {
                        $0 > before
                    } == before + 1)
                #expect(
                    try await patiently {
                        try await api.unusable(as: alice)
                    } until: {
                        $0.isEmpty
                    }.isEmpty)
            }
        }
    }

    @Test func `a key that is not there and cannot be made is named with both reasons, and no fleet is founded`()
        async throws
    {
        try await KeyHomeKind.agent.with { home in
            try await home.make(["demo-timestamp-1"])
            try await server(home.settings) { api, alice in
                let json = try JSON(encoding: FleetRequest(name: demo))
                let reply = try await api.send(.post, "/v1/fleets", json: json, as: alice)
                let text = String(decoding: reply.body, as: UTF8.self)
                #expect(reply.status == .serviceUnavailable, "\(text)")
                #expect(text.contains("no key of the agent is ssh-agent:demo-"))
                #expect(text.contains("it cannot be made"))
            }
        }
    }

    @Test func `keys test says of each key whether it can be used, in words and in JSON, and by its status`()
        async throws
    {
        try await KeyHomeKind.file.with { home in
            let directory = Files.parent(of: try #require(home.settings[.keysPassphraseFile]))
            try Files.write(Array("\(masterText)\n".utf8), to: "\(directory)/master", mode: 0o600)
            let settings = home.settings.merging([.stateDirectory: directory, .masterKey: "\(directory)/master"]) { $1 }
            let none = try keysTest(settings)
            #expect(none.status == 0 && none.output == "every key of the server is sealed in the database\n")
            try await server(home.settings) { api, alice in try await makeFleet(api, alice) }

            let whole = try keysTest(settings)
            #expect(whole.status == 0, "\(whole.output)")
            let lines = whole.output.split(separator: "\n")
            #expect(lines.count == 6 && lines.allSatisfy { $0.hasSuffix(": can be used") })
            #expect(
                lines.contains { $0.contains("role ops of fleet") && $0.contains("file:\(directory)/demo-ops-1.pem") })

            try Files.remove("\(directory)/demo-ops-1.pem")
            let broken = try keysTest(settings, "--output", "json")
            #expect(broken.status == 3, "\(broken.output)")
            let trials = try JSON(parsing: Array(broken.output.utf8)).object("output").array("keys", in: "output")
            let unusable = try trials.map { try $0.object("key") }.filter { $0["usable"] == .bool(false) }
            #expect(trials.count == 6 && unusable.count == 1)
            #expect(unusable.first?["name"]?.stringOrNil == "file:\(directory)/demo-ops-1.pem")
            #expect(unusable.first?["reason"]?.stringOrNil?.contains("demo-ops-1.pem") == true)
            #expect(try keysTest(settings.merging([.keysRoles: "nowhere:{n}"]) { $1 }).status == 2)
        }
    }

    @Test func `the identity of the machine or of its orchestrator is asked for where it was chosen, and signs`()
        async throws
    {
        guard let aws = try await MiniStack.shared(), let clouds = try await Clouds.start() else { return }
        let keys = [
            "awskms:///\(try aws.makeKey("ECC_NIST_P256"))", clouds.azureURI("ec-p256"), clouds.googleURI("ec-p256"),
        ]
        let place: [ConfigurationKey: String] = [
            .keysRoles: clouds.azureURI("{fleet}-{role}-{n}"), .keysAWSRegion: MiniStack.region,
            .keysAWSEndpoint: aws.endpoint,
        ]
        try clouds.set("aws", try aws.makeSession(actions: ["kms:*"]))
        let machine = place.merging([
            .keysAWSInstance: "true", .keysAzureInstance: "true", .keysGoogleInstance: "true",
            .keysGoogleEndpoint: clouds.http,
        ]) { $1 }
        var configuration = try ServerConfiguration(ConfigurationSources(flags: machine))
        configuration.keys.variables[.awskms]?["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = clouds.http
        configuration.keys.variables[.azurekms]?["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = clouds.http
        configuration.keys.variables[.gcpkms]?["GCE_METADATA_HOST"] = clouds.host
        for key in keys { try await sign(with: key, configuration) }

        let web = try aws.makeWebIdentity()
        let known = clouds.azureFederatedEnvironment
        let orchestrated = place.merging([
            .keysAWSRole: web.role, .keysAWSTokenFile: web.tokenFile, .keysAWSTokenService: aws.endpoint,
            .keysAzureTokenFile: known["AZURE_FEDERATED_TOKEN_FILE"] ?? "", .keysAzureAuthority: clouds.http,
            .keysAzureTenant: known["AZURE_TENANT_ID"] ?? "", .keysAzureClient: known["AZURE_CLIENT_ID"] ?? "",
        ]) { $1 }
        configuration = try ServerConfiguration(ConfigurationSources(flags: orchestrated))
        for key in keys.dropLast() { try await sign(with: key, configuration) }
    }

    @Test(arguments: [
        "http://169.254.169.254/latest/api/token", "https://login.example.com/token",
        "http://vault.example.com:8200/v1",
        "https://vault.example.com/v1",
    ])
    func `what gives out keys leads the server nowhere else`(url: String) async throws {
        let outbound = try ServerConfiguration(
            ConfigurationSources(flags: [.outboundAllow: "10.0.0.0/8,idp.example.com"])
        ).outbound
        let transport = try OutboundKeyTransport(
            ["https://vault.example.com:8200/v1"], outbound, deadline: .seconds(1))
        let error = try await #require(throws: CloudKeyError.self) {
            _ = try await transport.send(KeyServiceRequest(.get, url))
        }
        #expect(error.code == .address && error.reason.contains("is no address of the key service"))
    }

    // MARK: Parts

    private func sign(with key: String, _ configuration: ServerConfiguration) async throws {
        let name = try KeyName(key)
        let opened = try await KeyBackends(try configuration.keyBackends()).open(name)
        _ = try await verifiedSignature(by: opened.signer, over: [1, 2, 3], scheme: .ecdsa(.sha256, .der))
    }

    /// Runs the real program on the test's database.
    private func keysTest(
        _ settings: [ConfigurationKey: String], _ arguments: String...
    ) throws -> (status: Int32, output: String) {
        let database = try #require(TestDatabase.current)
        var settings = settings
        settings[.databaseHost] = database.cluster.server.socketDirectory
        settings[.databaseName] = database.name
        let file = "\(settings[.stateDirectory] ?? "")/server.json"
        let tree = JSONObject(settings.map { ($0.key.rawValue, JSON.string($0.value)) })
        try Files.write(JSON.object(tree).bytes, to: file, mode: 0o600)
        return try PythonEnvironment.start(
            Bundle.main.bundlePath + "/roadstead-server", ["keys", "test", "--config", file] + arguments)
    }

    private func server(
        _ settings: [ConfigurationKey: String], _ body: @Sendable (TestAPI, String) async throws -> Void
    ) async throws {
        let people = people
        try await TestAPI.withServer(.live, master: master, limits: settings, logger: TestAPI.silentLogger) { api in
            if people["alice"] == nil { people["alice"] = try await api.bootstrap() }
            api.tokens["alice"] = people["alice"]
            try await body(api, try #require(people["alice"]))
        }
    }

    private func makeFleet(_ api: TestAPI, _ alice: String) async throws {
        let _: FleetBody = try await api.ask(.post, "/v1/fleets", FleetRequest(name: demo), as: alice)
        try await api.holdCeremony(of: "demo", key: root, as: alice)
    }

    private func rotate(_ api: TestAPI, _ alice: String) async throws {
        let request = CeremonyFleetRequest(fleet: demo, rotate: FleetRole.allCases.map(\.rawValue))
        let done = try await api.hold([request], [root], as: alice)
        #expect(done.fleets.map(\.state) == ["published"], "\(done.fleets.first?.reason ?? "")")
    }

    /// What is published is served a moment later.
    private func follow(_ host: CeremonyHost, to root: Int64, _ api: TestAPI) async throws {
        let followed = try await api.eventually {
            try await host.refresh()
        } until: {
            $0["root"] == root
        }
        #expect(followed["root"] == root)
    }

    /// The types of the keys in force that are outside of the database.
    private func types() async throws -> Set<KeyType> {
        let database = try #require(TestDatabase.current)
        let held = try await PublisherStore(pool: try database.pool(.publisher)).namedKeys()
        return Set(try held.map { try PublicKey(spki: $0.key.publicKey).type })
    }
}
