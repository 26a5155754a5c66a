import Codecs
import Problems
import SigningKeys
import Synchronization
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

/// Keys of the server that live in a token or a service.
@Suite struct NamedKeys {
    private let fleet: FleetID
    private let demo: FleetName
    private let acme: TeamName
    private let place = Place()
    private let message = Array("what is signed".utf8)

    init() throws {
        fleet = try FleetID(String(repeating: "a", count: 32))
        demo = try FleetName("demo")
        acme = try TeamName("acme")
    }

    private var purpose: KeyPurpose { .fleet(fleet, .timestamp) }

    private func places(_ type: KeyType = .ec(.p256)) throws -> KeyPlaces {
        let roles = try KeyTemplate("hashivault://transit/{fleet}-{role}-{n}", for: .roles)
        return KeyPlaces(
            roles: Dictionary(FleetRole.allCases.map { ($0, roles) }) { first, _ in first },
            teams: try KeyTemplate("hashivault://transit/team-{team}-{n}", for: .teams), type: type)
    }

    private func keys(_ type: KeyType = .ec(.p256), deadline: Duration = .seconds(30)) throws -> ServerKeys {
        ServerKeys(
            try MasterKey.generate(), places: try places(type),
            reach: KeyReach(KeyBackends([.hashivault: place]), deadline: deadline))
    }

    private func keys(_ places: KeyPlaces) throws -> ServerKeys {
        ServerKeys(
            try MasterKey.generate(), places: places,
            reach: KeyReach(KeyBackends([.hashivault: place]), deadline: .seconds(30)))
    }

    private func make(_ keys: ServerKeys, _ number: Int = 1, for purpose: KeyPurpose? = nil) async throws -> ServerKey {
        let purpose = purpose ?? self.purpose
        let name = try #require(keys.names(for: purpose, in: demo, from: number, count: 1).first)
        return try await keys.make(for: purpose, in: demo, named: name)
    }

    private func sign(_ key: ServerKey, _ keys: ServerKeys) async throws -> Bool {
        guard let scheme = key.key.signatureScheme, let material = key.key.material else { return false }
        let signature = try await verifiedSignature(by: try keys.open(key).signer, over: message, scheme: scheme)
        return material.isValid(signature: signature, over: message, scheme: scheme)
    }

    // MARK: Names

    @Test(arguments: [
        "pkcs11:token=t;object={fleet}-{role}-{n}", "hashivault://transit/{fleet}-{role}-{n}",
        "awskms:///alias/{fleet}-{role}-{n}", "azurekms://vault/{fleet}-{role}-{n}",
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/{fleet}-{role}/cryptoKeyVersions/{n}",
        "ssh-agent:{fleet}-{role}-{n}", "roadstead://signer.example:8443/{fleet}-{role}-{n}",
        "file:/etc/keys/{fleet}/{role}.{n}.pem", "pkcs12:/etc/keys/{fleet}-{role}-{n}.p12",
    ])
    func `keys of every kind have names that their template gives to their purpose alone`(text: String) throws {
        let template = try KeyTemplate(text, for: .roles)
        let name = try #require(template.name(for: purpose, in: demo, number: 12))
        #expect(name.text.contains("demo") && name.text.contains("timestamp") && name.text.contains("12"))
        #expect(template.gives(name, for: purpose, in: demo))
        #expect(!template.gives(name, for: .fleet(fleet, .snapshot), in: demo))
        #expect(!template.gives(name, for: .team(acme), in: nil))
    }

    @Test(arguments: [
        "file:keys/{fleet}-{role}-{n}", "pkcs12:{fleet}-{role}-{n}", "file:/etc/keys/../{fleet}-{role}-{n}",
        "awskms://kms.example/alias/{fleet}-{role}-{n}", "awskms:///{fleet}-{role}-{n}",
        "awskms:///alias/{fleet}-{role}-{n}?region=eu-central-1", "azurekms://{fleet}/{role}-{n}",
        "roadstead://{fleet}.example/{role}-{n}",
    ])
    func `a template that leaves the place of its keys open is refused`(text: String) throws {
        #expect(throws: PublishError(.keyName, "")) { try KeyTemplate(text, for: .roles) }
    }

    @Test func `a template gives each purpose and number a name of its own`() throws {
        let roles = try KeyTemplate("pkcs11:token=ops;object={fleet}-{role}-{n};type=private", for: .roles)
        let name = try #require(roles.name(for: purpose, in: demo, number: 12))
        #expect(name.text == "pkcs11:token=ops;object=demo-timestamp-12;type=private")
        #expect(roles.gives(name, for: purpose, in: demo))
        #expect(!roles.gives(name, for: .fleet(fleet, .snapshot), in: demo))
        #expect(!roles.gives(name, for: purpose, in: try FleetName("other")))
        #expect(!roles.gives(name, for: .team(acme), in: nil))
        #expect(roles.name(for: .team(acme), in: nil, number: 1) == nil)
    }

    @Test(arguments: [
        "hashivault://transit/demo-timestamp-0", "hashivault://transit/demo-timestamp-01",
        "hashivault://transit/demo-timestamp-10000", "hashivault://transit/demo-timestamp-",
        "hashivault://transit/demo-timestamp-1a", "hashivault://transit/demo-timestamp-+1",
        "hashivault://other/demo-timestamp-1", "hashivault://transit/demo-timestamp-1?x=y",
        "pkcs11:token=ops;object=demo-timestamp-1",
    ])
    func `a name that is not exactly a template's is none`(text: String) throws {
        #expect(!(try places().give(try KeyName(text), for: purpose, in: demo)))
    }

    @Test(arguments: [
        "hashivault://transit/{fleet}-{role}", "hashivault://transit/{role}-{n}", "hashivault://transit/{fleet}-{n}",
        "hashivault://transit/{fleet}-{role}-{n}-{n}", "hashivault://transit/{fleet}-{role}-{n}-{team}",
        "hashivault://transit/{fleet}-{role}-{n", "hashivault://transit/{fleet}-{role}-n}-{n}",
        "hashivault://transit/{fleet}-{role}-{n}?namespace=x", "{fleet}{role}{n}", "file:/keys/{fleet}-{role}",
        "ssh-agent:{role}-{n}", "gopher://{fleet}-{role}-{n}",
    ])
    func `a template that does not name one key for each purpose is refused`(text: String) {
        #expect(throws: PublishError(.keyName, "")) { try KeyTemplate(text, for: .roles) }
    }

    // MARK: Making

    @Test(arguments: [KeyType.ed25519, .ec(.p256), .ec(.p384), .rsa(bits: 3_072)])
    func `a key is made in its place and signs there`(type: KeyType) async throws {
        let keys = try keys(type)
        let key = try await make(keys)
        #expect(key.name?.text == "hashivault://transit/demo-timestamp-1")
        #expect(key.key.material?.type == type)
        #expect(try await sign(key, keys))
        #expect(place.made == 1)
    }

    @Test func `a key that was made there before is taken as it is`() async throws {
        let own = try PrivateKey.generate(.ed25519)
        place.put(own, "hashivault://transit/demo-timestamp-1")
        let key = try await make(try keys())
        #expect(key.key.material == own.publicKey && place.made == 0)
    }

    @Test func `a key that cannot sign metadata is not taken`() async throws {
        place.put(try PrivateKey.generate(.ec(.p521)), "hashivault://transit/demo-timestamp-1")
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await make(try keys()) }
    }

    @Test func `a key whose signature is wrong is not taken`() async throws {
        place.fault = .wrong
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await make(try keys()) }
    }

    @Test func `without a template a key is sealed`() async throws {
        let keys = ServerKeys(try MasterKey.generate())
        #expect(keys.names(for: purpose, in: demo, from: 1, count: 5).isEmpty)
        let key = try await keys.make(for: purpose, in: demo, named: nil)
        #expect(key.sealed != nil)
        #expect(try await sign(key, keys))
    }

    // MARK: Using

    @Test func `a name that the configuration does not give is never followed`() async throws {
        let keys = try keys()
        let own = try await make(keys)
        let elsewhere = try KeyName("hashivault://transit/payroll")
        let name = try #require(own.name)
        place.put(try #require(place.key(name)), elsewhere.text)
        let moved = try ServerKey(purpose: purpose, key: own.key.json, home: .named(elsewhere, fleet: demo))
        place.opened.withLock { $0 = [] }
        await #expect(throws: PublishError(.keyName, "")) { try await sign(moved, keys) }
        #expect(keys.problem(with: moved) != nil)
        #expect(place.opened.withLock { $0 }.isEmpty)
        await #expect(throws: PublishError(.keyName, "")) { try await sign(own, ServerKeys(keys.master)) }
    }

    @Test func `another key behind the name is refused`() async throws {
        let key = try await make(try keys())
        place.put(try PrivateKey.generate(.ec(.p256)), try #require(key.name).text)
        let keys = try keys()
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await sign(key, keys) }
        #expect(keys.problem(with: key)?.contains("another key") == true)
    }

    @Test func `keys of a former template serve until they are replaced`() async throws {
        let key = try await make(try keys())
        let former = [try KeyTemplate("hashivault://transit/{fleet}-{role}-{n}", for: .roles)]
        #expect(try await sign(key, try keys(KeyPlaces(former: former))))
        await #expect(throws: PublishError(.keyName, "")) { try await sign(key, try keys(.sealed)) }
    }

    @Test func `what hangs is left behind, is not tried by every other key, and is back when it answers`() async throws
    {
        let keys = try keys(deadline: .milliseconds(300))
        let (key, other) = (try await make(keys), try await make(keys, for: .fleet(fleet, .snapshot)))
        place.fault = .hangs
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await sign(key, keys) }
        let start = ContinuousClock.now
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await sign(key, keys) }
        await #expect(throws: PublishError(.keyUnavailable, "")) { try await sign(other, keys) }
        #expect(ContinuousClock.now - start < .milliseconds(250))
        #expect(await keys.test(key) != nil)
        place.fault = nil
        #expect(await keys.test(key) == nil)
        #expect(keys.problem(with: key) == nil && keys.problem(with: other) == nil)
        #expect(try await sign(key, keys))
        #expect(try await sign(other, keys))
    }

    @Test func `a team's key and a former one that fail are left out; a role's is not`() async throws {
        let keys = try keys()
        let (ops, team) = (try await make(keys, for: .fleet(fleet, .ops)), try await make(keys, for: .team(acme)))
        let former = try await make(keys, 2, for: .fleet(fleet, .ops))
        func held() throws -> FleetKeys {
            try FleetKeys(fleet: fleet, opening: [ops, team], former: [former], with: keys)
        }
        #expect(try held()[acme] != nil)
        #expect(try held().held(.ops).count == 2)
        place.fault = .fails
        for key in [ops, team, former] { #expect(await keys.test(key) != nil) }
        #expect(try held()[acme] == nil)
        #expect(try held().held(.ops).map(\.key) == [ops.key])
    }

    @Test func `master key rotation has nothing to do with keys that live elsewhere`() async throws {
        let keys = try keys()
        let key = try await make(keys)
        #expect(throws: PublishError(.sealedKey, "")) {
            try MasterKey.rotate([key], from: keys.master, to: try MasterKey.generate())
        }
    }

    @Test func `a key that does not open and cannot be made is told with both reasons`() async throws {
        let keys = try keys()
        place.refusesToMake = true
        let error = try await #require(throws: PublishError.self) { _ = try await make(keys) }
        #expect(error.code == .keyUnavailable)
        #expect(error.reason.contains("there is no hashivault://transit/demo-timestamp-1, and it cannot be made: "))
        #expect(error.reason.contains("nobody makes keys here") && error.hint?.contains("under this very name") == true)
    }
}

/// A place for keys in memory, with faults.
private final class Place: KeyBackend {
    enum Fault { case hangs, fails, wrong }

    private let state = Mutex<(keys: [String: PrivateKey], fault: Fault?, made: Int)>(([:], nil, 0))
    let opened = Mutex<[String]>([])

    var fault: Fault? {
        get { state.withLock { $0.fault } }
        set { state.withLock { $0.fault = newValue } }
    }
    var made: Int { state.withLock { $0.made } }
    var refusesToMake: Bool {
        get { refusal.withLock { $0 } }
        set { refusal.withLock { $0 = newValue } }
    }
    private let refusal = Mutex(false)

    func put(_ key: PrivateKey, _ name: String) { state.withLock { $0.keys[name] = key } }
    func key(_ name: KeyName) -> PrivateKey? { state.withLock { $0.keys[name.text] } }

    func open(_ name: KeyName) async throws -> OpenedKey {
        opened.withLock { $0.append(name.text) }
        guard let key = key(name) else { throw KeyError(.name, "there is no \(name)") }
        return OpenedKey(FaultySigner(key: key, place: self), name: name)
    }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        if refusesToMake { throw KeyError(.unsupported, "nobody makes keys here") }
        put(try PrivateKey.generate(type), name.text)
        state.withLock { $0.made += 1 }
        return try await open(name)
    }
}

private struct FaultySigner: Signer {
    let key: PrivateKey
    let place: Place
    var publicKey: PublicKey { key.publicKey }

    func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        switch place.fault {
        case .hangs:
            // Takes no notice of being cancelled, as a driver.
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                Task.detached {
                    while self.place.fault == .hangs { try? await Task.sleep(for: .milliseconds(20)) }
                    done.resume()
                }
            }
            throw KeyError(.failed, "it was hanging")
        case .fails: throw KeyError(.failed, "the place is out of order")
        case .wrong: return try await key.signature(over: message + [0], scheme: scheme)
        case nil: return try await key.signature(over: message, scheme: scheme)
        }
    }
}
