import Codecs
import Foundation
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

        @Test(arguments: Clouds.googleTypes + ["ed25519"])
        func `a key is made, waited for, and not made twice`(type: String) async throws {
            guard let clouds = try await Clouds.start() else { return }
            let keyType = try #require(typesByName[type])
            let name = try KeyName(clouds.googleNewURI("made_for-\(type)"))
            try await with(clouds.googleEnvironment) { backend in
                let made = try await backend.generate(keyType, name)
                #expect(made.name.text == "\(name.text)/cryptoKeyVersions/1")
                #expect(made.signer.publicKey.type == keyType)
                _ = try await verifiedSignature(by: made.signer, over: message, scheme: scheme(type))
                let opened = try await backend.open(made.name)
                #expect(opened.signer.publicKey == made.signer.publicKey)
                let twice = await failure { _ = try await backend.generate(keyType, name) }
                #expect(twice?.code == .exists)
            }
            #expect(try clouds.hits("made_for-\(type)/cryptoKeyVersions/1") >= 3)
        }

        @Test func `a key that never gets ready, and types that cannot sign for Notation, are refused`() async throws {
            guard let clouds = try await Clouds.start() else { return }
            try clouds.set("generation", 1_000)
            try await with(clouds.googleEnvironment) { backend in
                let name = try KeyName(clouds.googleNewURI("slow"))
                let slow = await failure { _ = try await backend.generate(.ec(.p256), name) }
                #expect(slow?.code == .deadline && slow?.reason.contains("was made") == true)
                for type in [KeyType.rsa(bits: 3_072), .ec(.p521)] {
                    let none = await keyFailure {
                        _ = try await backend.generate(type, try KeyName(clouds.googleNewURI("none")))
                    }
                    #expect(none?.code == .unsupported && none?.hint?.contains("P-384") == true)
                }
                // A key's first version is made with it, others are not.
                let first = clouds.googleURI("ec-p256")
                let taken = await failure { _ = try await backend.generate(.ec(.p256), try KeyName(first)) }
                #expect(taken?.code == .exists)
                let second = await failure {
                    _ = try await backend.generate(.ec(.p256), try KeyName("\(first.dropLast())2"))
                }
                #expect(second?.code == .name)
            }
            #expect(try clouds.hits("none") == 0)
        }

        @Test(arguments: Clouds.Federation.allCases)
        func `another provider's token is traded for Google's`(federation: Clouds.Federation) async throws {
            guard let clouds = try await Clouds.start() else { return }
            try await with(clouds.googleEnvironment(federation)) { backend in
                let opened = try await backend.open(try KeyName(clouds.googleURI("ec-p256")))
                for _ in 0..<3 {
                    _ = try await verifiedSignature(by: opened.signer, over: message, scheme: .ecdsa(.sha256, .fixed))
                }
            }
            #expect(try clouds.hits("/sts/v1/token") == 1)
            #expect(try clouds.hits("generateAccessToken") == (federation == .federated ? 1 : 0))
            #expect(try clouds.hits("/subject") == (federation == .federated ? 0 : 1))
        }

        @Test func `a token that Google does not take, and an account that it may not be, are said apart`() async throws
        {
            guard let clouds = try await Clouds.start() else { return }
            let name = try KeyName(clouds.googleURI("ec-p256"))
            try clouds.set("disabled", ["wrong"])
            try await with(clouds.googleEnvironment(.federated)) { backend in
                let denied = await failure { _ = try await backend.open(name) }
                #expect(denied?.code == .credentials)
                #expect(denied?.hint?.contains("Workload Identity User") == true, "\(String(describing: denied))")
            }
            try clouds.set("assertion", "another")
            try await with(clouds.googleEnvironment(.federated)) { backend in
                let refused = await failure { _ = try await backend.open(name) }
                #expect(refused?.code == .credentials && refused?.reason.contains("invalid_grant") == true)
            }
        }

        @Test(arguments: [
            (#""credential_source":{"executable":{"command":"/bin/true"}}"#, "executable"),
            (#""credential_source":{"environment_id":"aws1"}"#, "environment_id"),
            (#""credential_source":{"file":"/t","url":"https://other.example.com"}"#, "not one file or url"),
            (#""credential_source":{"file":"/t"},"client_secret":"s3cret""#, "client_secret"),
            (#""credential_source":{"file":"/t"},"universe_domain":"example.com""#, "universe_domain"),
            (#""credential_source":{"url":"http://other.example.com/t"}"#, "plain http"),
            (#""credential_source":{"file":"/t"},"token_url":"http://other.example.com/t""#, "twice"),
        ])
        func `a file of credentials that would do more than is supported is refused`(
            members: String, says: String
        ) async throws {
            let file = try privateFile(
                """
                {"type":"external_account","audience":"//iam.googleapis.com/p",
                "subject_token_type":"urn:ietf:params:oauth:token-type:jwt",
                "token_url":"https://127.0.0.1:9/v1/token",\(members)}
                """)
            defer { try? FileManager.default.removeItem(atPath: file) }
            try await with(["GOOGLE_APPLICATION_CREDENTIALS": file]) { backend in
                let error = await failure { _ = try await backend.open(try KeyName(Self.someKey)) }
                #expect(error?.reason.contains(says) == true, "\(String(describing: error))")
                #expect(error.map { "\($0)".contains("s3cret") } == false)
            }
        }

        private static let someKey =
            "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"

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
