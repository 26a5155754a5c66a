import Codecs
import Files
import Foundation
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct Keys {
    private let fleet: FleetID
    private let other: FleetID

    init() throws {
        fleet = try FleetID(String(repeating: "a", count: 32))
        other = try FleetID(String(repeating: "b", count: 32))
    }

    private func inFile(_ bytes: [UInt8], mode: UInt32, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "master-\(UUID().uuidString)").path
        try Files.write(bytes, to: path, mode: mode)
        defer { try? Files.remove(path) }
        try body(path)
    }

    @Test func `a sealed key opens under its master key for its purpose`() throws {
        let master = try MasterKey.generate()
        let sealed = try ServerKey.generate(for: .fleet(fleet, .timestamp), under: master)
        let stored = try ServerKey(
            purpose: try KeyPurpose(fleet: fleet, role: "timestamp"), key: sealed.key.json, home: sealed.home)
        #expect(try stored.open(under: master).signer.publicKey == sealed.key.material)
    }

    @Test func `another master key does not open it`() throws {
        let sealed = try ServerKey.generate(for: .fleet(fleet, .deny), under: try MasterKey.generate())
        #expect(throws: PublishError(.sealedKey, "")) { try sealed.open(under: try MasterKey.generate()) }
    }

    @Test func `a sealed key moved to another fleet, role or id does not open`() throws {
        let master = try MasterKey.generate()
        let sealed = try ServerKey.generate(for: .fleet(fleet, .timestamp), under: master)
        let second = try ServerKey.generate(for: .fleet(fleet, .timestamp), under: master)
        let moved = [
            try ServerKey(purpose: .fleet(other, .timestamp), key: sealed.key.json, home: sealed.home),
            try ServerKey(purpose: .fleet(fleet, .snapshot), key: sealed.key.json, home: sealed.home),
            try ServerKey(purpose: .team(try TeamName("acme")), key: sealed.key.json, home: sealed.home),
            try ServerKey(purpose: .fleet(fleet, .timestamp), key: second.key.json, home: sealed.home),
        ]
        for key in moved { #expect(throws: PublishError(.sealedKey, "")) { try key.open(under: master) } }
    }

    @Test func `one changed bit is noticed`() throws {
        let master = try MasterKey.generate()
        let sealed = try ServerKey.generate(for: .team(try TeamName("acme")), under: master)
        var bytes = try #require(sealed.sealed)
        bytes[20] ^= 1
        let changed = try ServerKey(purpose: sealed.purpose, key: sealed.key.json, sealed: bytes)
        #expect(throws: PublishError(.sealedKey, "")) { try changed.open(under: master) }
    }

    @Test func `rotation seals every key under the new master key only`() throws {
        let (old, new) = (try MasterKey.generate(), try MasterKey.generate())
        let keys = try FleetKeys.generate(for: fleet, under: old)
        let rotated = try MasterKey.rotate(keys, from: old, to: new)
        #expect(rotated.map(\.key) == keys.map(\.key))
        for key in rotated {
            _ = try key.open(under: new)
            #expect(throws: PublishError(.sealedKey, "")) { try key.open(under: old) }
        }
    }

    @Test func `rotation with a wrong old key returns nothing`() throws {
        let keys = try FleetKeys.generate(for: fleet, under: try MasterKey.generate())
        #expect(throws: PublishError(.sealedKey, "")) {
            try MasterKey.rotate(keys, from: try MasterKey.generate(), to: try MasterKey.generate())
        }
    }

    @Test func `keys of another fleet are not taken`() throws {
        let master = try MasterKey.generate()
        let key = try ServerKey.generate(for: .fleet(other, .ops), under: master).open(under: master)
        #expect(throws: PublishError(.missingKey, "")) { try FleetKeys(fleet: fleet, [key]) }
    }

    @Test func `a master key file of mode 0600 is read back`() throws {
        let master = try MasterKey.generate()
        try inFile(master.fileText, mode: 0o600) { path throws in
            #expect(try MasterKey(file: path).checkValue == master.checkValue)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o644] as [UInt32])
    func `a master key file that others can reach is refused`(_ mode: UInt32) throws {
        try inFile(try MasterKey.generate().fileText, mode: mode) { path throws in
            #expect(throws: PublishError(.masterKey, "")) { try MasterKey(file: path) }
        }
    }

    @Test func `a missing master key file is an error of its own kind`() {
        #expect(throws: PublishError(.masterKey, "")) { try MasterKey(file: "/nonexistent/master.key") }
    }

    @Test func `hexadecimal is taken as well as base64`() throws {
        let digits = String(repeating: "0f", count: 32)
        let key = try MasterKey(text: Array("\(MasterKey.header)\n\(digits)\n".utf8))
        let same = try MasterKey(
            text: Array("\(MasterKey.header)\n\(Base64.encode([UInt8](repeating: 15, count: 32)))\n".utf8))
        #expect(key.checkValue == same.checkValue)
    }

    @Test(arguments: [
        "", "roadstead-master-key-v1", "roadstead-master-key-v1\n", "roadstead-master-key-v1\nAAAA\n",
        "roadstead-master-key-v2\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "roadstead-master-key-v1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
        "roadstead-master-key-v1\n not base64 \n",
    ])
    func `text that is not a master key is refused`(_ text: String) {
        #expect(throws: PublishError(.masterKey, "")) { try MasterKey(text: Array(text.utf8)) }
    }

    @Test func `a wrong master key is noticed before it is used`() throws {
        let (used, wrong) = (try MasterKey.generate(), try MasterKey.generate())
        try used.confirm(checkValue: used.checkValue)
        #expect(throws: PublishError(.masterKey, "")) { try wrong.confirm(checkValue: used.checkValue) }
    }

    @Test func `a systemd credential is read from its directory`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString)").path
        try Files.createDirectory(directory, mode: 0o700)
        defer { try? Files.removeTree(directory) }
        let master = try MasterKey.generate()
        let path = "\(directory)/\(MasterKey.credentialName)"
        try Files.write(master.fileText, to: path, mode: 0o440)
        #expect(try MasterKey(credentialsDirectory: directory).checkValue == master.checkValue)
        try Files.write(master.fileText, to: path, mode: 0o444)
        #expect(throws: PublishError(.masterKey, "")) { try MasterKey(credentialsDirectory: directory) }
    }

    @Test func `a master key does not print`() throws {
        let key = try MasterKey(Secret([UInt8](repeating: 0x41, count: 32)))
        #expect(!"\(key)".contains("41, 41") && !"\(key)".contains("AAAA") && !"\(key)".contains("65, 65"))
    }
}
