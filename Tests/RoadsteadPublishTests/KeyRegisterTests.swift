import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct KeyRegistration {
    private let key: PrivateKey
    private let second: PrivateKey
    private let ada = PersonID(rawValue: 1)
    private let grace = PersonID(rawValue: 2)
    private let acme: KeyRegister.Place
    private let fleet: FleetID

    init() throws {
        key = try PrivateKey.generate(.ec(.p256))
        second = try PrivateKey.generate(.ed25519)
        acme = .team(try TeamName("acme"))
        fleet = try FleetID(String(repeating: "a", count: 32))
    }

    private func object(_ key: PrivateKey) throws -> JSON { try Key(key.publicKey).json }

    private func register(_ places: KeyRegister.Place..., person: PersonID? = nil) -> KeyRegister {
        KeyRegister(places.map { KeyRegister.Entry(publicKey: key.publicKey.spki, place: $0, person: person) })
    }

    private func refuses(
        _ register: KeyRegister, _ objects: [JSON], threshold: Int = 1, of persons: [PersonID?]? = nil,
        for place: KeyRegister.Place? = nil
    ) -> Bool {
        let proposed = ProposedKeys(keys: objects, threshold: threshold)
        do {
            let holders = persons ?? objects.map { _ in nil }
            _ = try register.check(proposed, of: holders, for: place ?? acme)
            return false
        } catch { return (error as? PublishError)?.code == .keyUse }
    }

    @Test func `a key that serves nowhere is taken`() throws {
        let taken = try KeyRegister([]).check(try object(key), for: acme, of: ada)
        #expect(taken.material == key.publicKey)
        let quorum = try KeyRegister([]).check(
            ProposedKeys(keys: [try object(key), try object(second)], threshold: 2), of: [ada, grace], for: acme)
        #expect(quorum.keys.count == 2 && quorum.threshold == 2)
    }

    @Test func `a key may stay where it serves`() throws {
        #expect(!refuses(register(acme, person: ada), [try object(key)], of: [ada]))
    }

    @Test func `one key under two encodings is refused`() throws {
        let other: JSON = [
            "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256",
            "keyval": ["public": .string(key.publicKey.pem + "\n")],
        ]
        #expect(refuses(KeyRegister([]), [try object(key), other], threshold: 2))
        #expect(refuses(KeyRegister([]), [other]))
    }

    @Test func `a known key is recognised by what it is`() throws {
        // Registered from another encoding; the material is the same.
        #expect(refuses(register(.team(try TeamName("beta"))), [try object(key)]))
    }

    @Test func `a top-level key used in another fleet or role is refused`() throws {
        let other = try FleetID(String(repeating: "b", count: 32))
        let known = register(.role("root", of: fleet))
        #expect(refuses(known, [try object(key)], for: .role("root", of: other)))
        #expect(refuses(known, [try object(key)], for: .role("targets", of: fleet)))
        #expect(!refuses(known, [try object(key)], for: .role("root", of: fleet)))
    }

    @Test func `a team's key in another role class or another team is refused`() throws {
        let known = register(acme, person: ada)
        #expect(refuses(known, [try object(key)], for: .role("deny", of: fleet)))
        #expect(refuses(known, [try object(key)], for: .team(try TeamName("beta"))))
        #expect(refuses(register(.role("targets", of: fleet)), [try object(key)], for: acme))
    }

    @Test(arguments: [0, -1, 3])
    func `a threshold of zero or above the number of keys is refused`(_ threshold: Int) throws {
        #expect(refuses(KeyRegister([]), [try object(key), try object(second)], threshold: threshold))
    }

    @Test func `two keys of one person in one role are refused`() throws {
        #expect(refuses(KeyRegister([]), [try object(key), try object(second)], threshold: 2, of: [ada, ada]))
        #expect(!refuses(KeyRegister([]), [try object(key), try object(second)], threshold: 2, of: [ada, grace]))
    }

    @Test func `a key of one person is not another's`() throws {
        #expect(refuses(register(acme, person: ada), [try object(key)], of: [grace]))
    }

    @Test(arguments: ["mirrors", "Root", "../root", "", "teams-00"])
    func `a role that no fleet has is refused`(_ name: String) {
        #expect(throws: PublishError(.keyUse, "")) { try KeyRegister.Place(role: name, fleet: fleet) }
    }

    @Test(arguments: ["root", "deny", "teams-00", "teams-31", "Acme", "a/b", ""])
    func `a name that no team can have is refused`(_ name: String) {
        #expect(throws: PublishError(.keyUse, "")) { try KeyRegister.Place(role: name, fleet: nil) }
    }

    @Test func `weak keys are refused`() throws {
        let small: JSON = [
            "keytype": "ed25519", "scheme": "ed25519",
            "keyval": ["public": .string("01" + String(repeating: "0", count: 62))],
        ]
        #expect(refuses(KeyRegister([]), [small]))
    }
}
