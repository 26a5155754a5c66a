import Files
import Foundation
import SigningKeys
import Testing

@testable import RoadsteadCommand

/// The enterprise's file binds, whatever else is named.
@Suite struct SigningPolicyFileTests {
    private func policy(
        standard: String?, named: String?, allowsPlaintext: Bool = false
    ) throws -> SigningPolicy {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("policy.\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func file(_ name: String, _ text: String?) throws -> String {
            if let text { try Files.write(Array(text.utf8), to: "\(folder)/\(name)") }
            return "\(folder)/\(name)"
        }
        let request = KeyRequest(allowsPlaintext: allowsPlaintext, console: .current)
        return try SigningPolicyFile.policy(
            for: request, standard: try file("standard", standard), named: try named.map { try file("named", $0) })
    }

    @Test func `without any file every place and type is allowed`() throws {
        #expect(try policy(standard: nil, named: nil) == .standard)
        #expect(try policy(standard: nil, named: nil, allowsPlaintext: true).allowsPlaintext)
    }

    @Test func `a file that the environment names takes more away and gives nothing back`() throws {
        let both = try policy(
            standard: #"{"allow":["pkcs11","file"],"keyTypes":["ec-p256","ec-p384"]}"#,
            named: #"{"allow":["file","awskms"],"keyTypes":["ec-p384","rsa-4096"],"plaintextKeys":true}"#)
        #expect(both == SigningPolicy(schemes: [.file], keyTypes: [.ec(.p384)]))
        let free = try policy(standard: #"{"allow":["pkcs11"]}"#, named: "{}")
        #expect(free.schemes == [.pkcs11])
    }

    @Test func `keys in the clear need the word of every file`() throws {
        let forbids = #"{"plaintextKeys":false}"#
        let allows = #"{"plaintextKeys":true}"#
        for (standard, named) in [(forbids, allows), (allows, forbids)] {
            #expect(throws: CommandError.self) {
                try policy(standard: standard, named: named, allowsPlaintext: true)
            }
        }
        #expect(try policy(standard: allows, named: allows, allowsPlaintext: true).allowsPlaintext)
        #expect(try !policy(standard: allows, named: allows).allowsPlaintext)
    }

    @Test func `a named file that is missing stops signing, and so does a standard one that is malformed`() {
        #expect(throws: CommandError.self) {
            let request = KeyRequest(console: .current)
            return try SigningPolicyFile.policy(for: request, standard: "/nowhere/at/all", named: "/nowhere/either")
        }
        #expect(throws: CommandError.self) { try policy(standard: "{", named: "{}") }
    }
}
