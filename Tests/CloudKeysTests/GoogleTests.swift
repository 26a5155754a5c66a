import Codecs
import KeyServices
import SigningKeys
import Testing

@testable import CloudKeys

extension KeyServiceTests {
    /// Against a double that Google's own client takes for the real service.
    @Suite struct GoogleTests {
        private func with(_ variables: [String: String], _ body: (GCPBackend) async throws -> Void) async throws {
            try await HTTPKeyTransport.with { try await body(GCPBackend(impatient(variables), transport: $0)) }
        }

        private func scheme(_ type: String) -> SignatureScheme {
            switch type {
            case "ec-p256": .ecdsa(.sha256, .fixed)
            case "ec-p384": .ecdsa(.sha384, .fixed)
            case "ed25519": .ed25519
            case "rsa-4096": .rsaPSS(.sha512)
            default: .rsaPSS(.sha256)
            }
        }

        @Test func `keys of each type sign, and their public keys confirm it`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.googleEnvironment) { backend in
                for type in Clouds.googleTypes + ["ed25519"] {
                    let uri = clouds.googleURI(type)
                    let opened = try await backend.open(try KeyName(uri))
                    #expect(opened.signer.publicKey.type == typesByName[type] && opened.name.text == uri)
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: scheme(type))
                }
            }
            #expect(try clouds.hits("/token") == 1)
        }

        @Test func `a machine's account opens keys too, and other tools' names for versions are read`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            let name = clouds.googleURI("ec-p384").replacing("cryptoKeyVersions", with: "versions")
            try await with(clouds.googleMachineEnvironment) { backend in
                let opened = try await backend.open(try KeyName(name))
                #expect(opened.name.text == clouds.googleURI("ec-p384"))
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha384, .der))
            }
        }

        @Test(arguments: [("rsa-3072", HashAlgorithm.sha384), ("rsa-4096-sha256", .sha512)])
        func `a key that the service ties to another hash than Notation's is refused before anything is sent`(
            key: String, hash: HashAlgorithm
        ) async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.googleEnvironment) { backend in
                let opened = try await backend.open(try KeyName(clouds.googleURI(key)))
                let error = await keyFailure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .rsaPSS(hash))
                }
                #expect(error?.code == .scheme && error?.hint?.contains("Notation") == true)
                #expect(try clouds.hits(":asymmetricSign") == 0)
                _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .rsaPSS(.sha256))
            }
        }

        @Test func `keys that cannot sign are refused with the reason, and listed apart`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try clouds.set("disabled", ["ec-p256"])
            try await with(clouds.googleEnvironment) { backend in
                let old = await failure { _ = try await backend.open(try KeyName(clouds.googleURI("rsa-2048-pkcs1"))) }
                #expect(old?.code == .unusable && old?.reason.contains("PKCS1") == true)
                let disabled = await failure { _ = try await backend.open(try KeyName(clouds.googleURI("ec-p256"))) }
                #expect(disabled?.code == .unusable)
                let none = await failure { _ = try await backend.open(try KeyName(clouds.googleURI("nobody"))) }
                #expect(none?.code == .notFound)
                let listing = try await backend.list(try KeyName(clouds.googleRing))
                #expect(listing.entries.count == 6 && listing.skipped.count == 2)
                let ring = await failure { _ = try await backend.open(try KeyName(clouds.googleRing)) }
                #expect(ring?.code == .name)
            }
        }

        @Test(arguments: [
            ("wrong_crc", CloudKeyError.Code.answer), ("unverified", .answer), ("wrong_name", .rotated),
        ])
        func `an answer with another checksum, without a confirmation or by another key is thrown away`(
            knob: String, code: CloudKeyError.Code
        ) async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.googleEnvironment) { backend in
                let opened = try await backend.open(try KeyName(clouds.googleURI("ec-p256")))
                try clouds.set(knob, true)
                let error = await failure {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(error?.code == code)
            }
        }

        @Test func `checksums are Castagnoli's`() {
            #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
            #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
            #expect(CRC32C.of([]) == 0)
        }
    }
}
