import Files
import Foundation
import PKI
import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct PKCS11BackendTests {
    private static let types: [KeyType] = [
        .ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048), .rsa(bits: 3_072), .ed25519,
    ]

    private static func scheme(_ type: KeyType) -> SignatureScheme {
        switch type {
        case .ed25519: .ed25519
        case .ec(.p256): .ecdsa(.sha256, .fixed)
        case .ec(.p384): .ecdsa(.sha384, .fixed)
        case .ec(.p521): .ecdsa(.sha512, .fixed)
        case .rsa: .rsaPSS(.sha384)
        }
    }

    @Test(arguments: types)
    func `a key of every type is made, opened, listed and signs`(type: KeyType) async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            let made = try await softHSM.backend().generate(type, name)
            let backend = softHSM.backend()
            let opened = try await backend.open(name)
            #expect(opened.signer.publicKey == made.signer.publicKey && opened.signer.publicKey.type == type)
            _ = try await verifiedSignature(by: opened.signer, over: message, scheme: Self.scheme(type))
            #expect(opened.certificates.isEmpty && opened.protection == nil)
            #expect(try await backend.publicKey(name) == made.signer.publicKey)
            let listing = try await backend.list(try KeyName("pkcs11:token=roadstead"))
            #expect(listing.entries.map(\.publicKey) == [made.signer.publicKey] && listing.skipped.isEmpty)
            let exact = try #require(listing.entries.first?.name)
            #expect(exact == opened.name && exact.text.contains("serial=") && exact.text.contains("id=%"))
            let again = try await backend.open(exact)
            #expect(again.signer.publicKey == made.signer.publicKey)
        }
    }

    @Test(arguments: types + [.rsa(bits: 4_096)])
    func `a key from a file is put on a token, which then signs with it and keeps it`(type: KeyType) async throws {
        try await SoftHSM.withToken { softHSM in
            let key = try PrivateKey.generate(type)
            let chain = try await TestChain(key.publicKey)
            let name = try KeyName("pkcs11:token=roadstead;object=k;id=%07")
            try await softHSM.backend().store(key, certificates: chain.ders, at: name)
            let opened = try await softHSM.backend().open(name)
            #expect(opened.signer.publicKey == key.publicKey)
            #expect(opened.certificates == chain.ders)
            _ = try await verifiedSignature(by: opened.signer, over: message, scheme: Self.scheme(type))
            let shown = try softHSM.pkcs11Tool(["--list-objects", "--type", "privkey"])
            #expect(shown.contains("sensitive") && !shown.contains("extractable, "))
        }
    }

    @Test func `certificates of a key that is there are stored once, and read leaf first`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            let backend = softHSM.backend()
            let made = try await backend.generate(.ec(.p384), name)
            let chain = try await TestChain(made.signer.publicKey)
            for _ in 0..<2 { try await backend.store(nil, certificates: chain.ders, at: name) }
            let opened = try await softHSM.backend().open(name)
            #expect(opened.certificates == chain.ders)
            let shown = try softHSM.pkcs11Tool(["--list-objects", "--type", "cert"])
            #expect(shown.components(separatedBy: "Certificate Object").count == 1 + chain.ders.count)
        }
    }

    @Test func `a certificate of another key is not stored, and not taken when it has the same id`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try KeyName("pkcs11:token=roadstead;object=k;id=%0A")
            let backend = softHSM.backend()
            _ = try await backend.generate(.ec(.p256), name)
            let foreign = try await TestChain(try PrivateKey.generate(.ec(.p256)).publicKey)
            let error = await failure { try await backend.store(nil, certificates: foreign.ders, at: name) }
            #expect(error?.code == .key)
            let file = softHSM.directory.appendingPathComponent("c.der")
            try Data(foreign.ders[0]).write(to: file)
            try softHSM.pkcs11Tool(["--write-object", file.path, "--type", "cert", "--id", "0a", "--label", "k"])
            let opened = try await softHSM.backend().open(name)
            #expect(opened.certificates.isEmpty)
        }
    }

    @Test(arguments: [KeyType.ec(.p384), .rsa(bits: 2_048)])
    func `a key whose public half is only in its certificate is used all the same`(type: KeyType) async throws {
        try await SoftHSM.withToken { softHSM in
            let key = try PrivateKey.generate(type)
            let chain = try await TestChain(key.publicKey)
            let name = try KeyName("pkcs11:token=roadstead;object=k;id=%07")
            try await softHSM.backend().store(key, certificates: chain.ders, at: name)
            try softHSM.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "07"])
            let opened = try await softHSM.backend().open(name)
            #expect(opened.signer.publicKey == key.publicKey && opened.certificates == chain.ders)
            _ = try await verifiedSignature(by: opened.signer, over: message, scheme: Self.scheme(type))
        }
    }

    @Test func `a renewed certificate comes before the old one`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            let backend = softHSM.backend()
            let key = try await backend.generate(.ec(.p256), name).signer.publicKey
            let (new, old) = (
                try await TestChain(key, from: "2026-06-01"), try await TestChain(key, from: "2026-01-01")
            )
            try await backend.store(nil, certificates: new.ders, at: name)
            try await backend.store(nil, certificates: [old.ders[0]], at: name)
            #expect(try await softHSM.backend().open(name).certificates == new.ders)
        }
    }

    @Test func `a certificate that is there before its time does not displace the one in force`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try KeyName("pkcs11:token=roadstead;object=k")
            let backend = softHSM.backend()
            let key = try await backend.generate(.ec(.p256), name).signer.publicKey
            let now = try await TestChain(key, from: "2026-01-01")
            let next = try await TestChain(key, from: "2126-01-01")
            try await backend.store(nil, certificates: now.ders, at: name)
            try await backend.store(nil, certificates: next.ders, at: name)
            #expect(try await softHSM.backend().open(name).certificates == now.ders)
        }
    }

    @Test func `a PIN file in the URI is its first line, and an empty one never reaches the token`() async throws {
        try await SoftHSM.withToken { softHSM in
            _ = try await softHSM.backend().generate(.ec(.p256), try KeyName("pkcs11:token=roadstead;object=k"))
            let file = softHSM.directory.appendingPathComponent("other-pin").path
            func open(_ text: String) async throws {
                try Files.write(Array(text.utf8), to: file, mode: 0o600)
                let backend = PKCS11Backend(
                    TokenSettings(
                        module: products + "/libFaultyModule.so", program: products + "/roadstead-p11",
                        environment: softHSM.environment.merging(softHSM.loggingLogins) { $1 }))
                _ = try await backend.open(try KeyName("pkcs11:token=roadstead;object=k?pin-source=file:\(file)"))
            }
            try await open("\(SoftHSM.pin)\r\n# spare 123456\n")
            #expect(softHSM.logins == 1)
            await #expect(throws: FileError(.empty, "")) { try await open("\n\(SoftHSM.pin)\n") }
            #expect(softHSM.logins == 1)
        }
    }

    @Test func `a PIN file in the URI is used, and a module in it is not`() async throws {
        try await SoftHSM.withToken { softHSM in
            let backend = softHSM.backend(pin: nil)
            let refused = await failure {
                _ = try await backend.generate(.ec(.p256), try KeyName("pkcs11:token=roadstead;object=k"))
            }
            #expect(refused?.code == .pinMissing)
            let named = "pkcs11:token=roadstead;object=k?pin-source=file:\(softHSM.pinFile)"
            _ = try await backend.generate(.ec(.p256), try KeyName(named))
            let loading = await failure {
                _ = try await backend.open(try KeyName("pkcs11:token=roadstead;object=k?module-path=/tmp/evil.so"))
            }
            #expect(loading?.code == .uri)
        }
    }

    @Test func `without a PIN the list shows what everybody may see`() async throws {
        try await SoftHSM.withToken { softHSM in
            _ = try await softHSM.backend().generate(.ec(.p256), try KeyName("pkcs11:token=roadstead;object=k"))
            let listing = try await softHSM.backend(pin: nil).list(try KeyName("pkcs11:token=roadstead"))
            #expect(listing.entries.map(\.isPrivate) == [false])
        }
    }
}

extension SoftHSM {
    func backend(pin: String? = SoftHSM.pin) -> PKCS11Backend {
        PKCS11Backend(
            TokenSettings(
                module: SoftHSM.module, program: products + "/roadstead-p11", environment: environment
            ) { _ in pin.map { Secret($0) } })
    }
}
