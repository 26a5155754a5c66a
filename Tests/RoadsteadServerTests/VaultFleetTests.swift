import Codecs
import HTTPTypes
import HummingbirdTesting
import KeyServices
import Migrations
import PostgresTesting
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

/// Fleets whose keys the server has in a real OpenBao.
@Suite(.postgres) struct VaultFleets {
    private let demo: FleetName
    private let root: PrivateKey

    init() throws {
        demo = try FleetName("demo")
        root = try PrivateKey.generate(.ed25519)
    }

    /// The settings of a server that has its keys in a transit engine of its own.
    private func settings(_ bao: OpenBao, type: String) throws -> [ConfigurationKey: String] {
        let mount = "t-\(UInt32.random(in: 0 ... .max))"
        try bao.run("secrets", "enable", "-path=\(mount)", "transit")
        let token = bao.environment["VAULT_TOKEN"] ?? ""
        return [
            .keysRoles: "hashivault://\(mount)/{fleet}-{role}-{n}", .keysTeams: "hashivault://\(mount)/team-{team}-{n}",
            .keysVaultAddress: bao.endpoint, .keysVaultTokenFile: try bao.secretFile(token), .keysType: type,
        ]
    }

    private func makeFleet(_ api: TestAPI, _ alice: String) async throws {
        let _: FleetBody = try await api.ask(.post, "/v1/fleets", FleetRequest(name: demo), as: alice)
        try await api.holdCeremony(of: "demo", key: root, as: alice)
    }

    private func types() async throws -> Set<KeyType> {
        let database = try #require(TestDatabase.current)
        let held = try await PublisherStore(pool: try database.pool(.publisher)).namedKeys()
        #expect(held.count == 6)
        return Set(try held.map { try PublicKey(spki: $0.key.publicKey).type })
    }

    @Test(arguments: [("ed25519", KeyType.ed25519), ("ec-p384", .ec(.p384)), ("rsa-3072", .rsa(bits: 3_072))])
    func `keys of a fleet are made in OpenBao, and hosts and stock python-tuf follow`(
        word: String, type: KeyType
    ) async throws {
        guard let bao = try await OpenBao.shared() else { return }
        try await TestAPI.withServer(.live, limits: try settings(bao, type: word)) { api in
            let alice = try await api.bootstrap()
            try await makeFleet(api, alice)
            #expect(try await types() == [type])
            let (host, stock) = (try await CeremonyHost(api), try await StockHost(api))
            try await host.refresh()
            try stock?.follow()
            let all = FleetRole.allCases.map(\.rawValue)
            let done = try await api.hold([CeremonyFleetRequest(fleet: demo, rotate: all)], [root], as: alice)
            #expect(done.fleets.map(\.state) == ["published"], "\(done.fleets.first?.reason ?? "")")
            _ = try await api.eventually {
                try await host.refresh()
            } until: {
                $0["root"] == 2
            }
            #expect(try await host.refresh()["root"] == 2)
            try stock?.follow()
            #expect(try await types() == [type])
        }
    }

    @Test func `a sealed Vault is an alarm and no stop, and an unsealed one signs again by itself`() async throws {
        guard let bao = try await OpenBao.start() else { return }
        try await TestAPI.withServer(
            .live, limits: try settings(bao, type: "ec-p256"), logger: TestAPI.silentLogger
        ) { api in
            let alice = try await api.bootstrap()
            try await makeFleet(api, alice)
            let before = try await api.release(as: alice)
            try bao.run("operator", "seal")
            try await api.govern(.put, "/v1/fleets/demo/mode", FleetModeRequest(mode: .enforce), as: alice)
            let alarmed = try await patiently {
                try await api.unusable(as: alice)
            } until: {
                !$0.isEmpty
            }
            #expect(alarmed.contains { $0.reason.contains("sealed") })
            let fleet: FleetBody = try await api.ask(.get, "/v1/fleets/demo", as: alice)
            #expect(fleet.warnings.contains { $0.contains("the server's key for ") && $0.contains("cannot be used") })
            #expect(try await api.release(as: alice) == before)
            #expect(try await api.send(.get, "/fleets/demo/metadata/timestamp.json").status == .ok)
            try bao.unseal()
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

extension TestAPI {
    func release(of fleet: String = "demo", as token: String?) async throws -> Int64 {
        try await ask(.get, "/v1/fleets/\(fleet)", as: token, answer: FleetBody.self).release
    }

    /// The server's keys that a fleet is warned of.
    func unusable(of fleet: String = "demo", as token: String?) async throws -> [UnusableKeyBody] {
        try await ask(.get, "/v1/fleets/\(fleet)/warnings", as: token, answer: FleetWarningsBody.self).unusableKeys
            ?? []
    }
}

/// Asks until it is so, for a minute at most: a key that fails is tried again every ten seconds.
func patiently<Value>(
    _ ask: () async throws -> Value, until isDone: (Value) -> Bool
) async throws -> Value {
    let end = ContinuousClock.now + .seconds(60)
    while true {
        let value = try await ask()
        if isDone(value) || ContinuousClock.now > end { return value }
        try await Task.sleep(for: .milliseconds(200))
    }
}
