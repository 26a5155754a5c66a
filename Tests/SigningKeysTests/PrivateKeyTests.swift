import Codecs
import Foundation
import SigningKeys
import TestVectors
import Testing

@Suite struct `Private keys` {
    static let types: [KeyType] = [.ed25519, .ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048)]

    static func schemes(_ type: KeyType) -> [SignatureScheme] {
        switch type {
        case .ed25519: [.ed25519]
        case .ec: HashAlgorithm.allCases.flatMap { [.ecdsa($0, .der), .ecdsa($0, .fixed)] }
        case .rsa: HashAlgorithm.allCases.map { .rsaPSS($0) }
        }
    }

    @Test(arguments: types)
    func `what a key signs, its public half confirms`(type: KeyType) async throws {
        let key = try PrivateKey.generate(type)
        for scheme in Self.schemes(type) {
            for message in [[], [UInt8](repeating: 7, count: 100_000)] {
                let signature = try await verifiedSignature(by: key, over: message, scheme: scheme)
                #expect(key.publicKey.isValid(signature: signature, over: message, scheme: scheme))
                #expect(!key.publicKey.isValid(signature: signature, over: message + [1], scheme: scheme))
                #expect(!key.publicKey.isValid(signature: signature + [0], over: message, scheme: scheme))
            }
        }
    }

    @Test func `a scheme for another type of key is refused`() async throws {
        let key = try PrivateKey.generate(.ed25519)
        await #expect(throws: KeyError(.scheme, "")) {
            try await verifiedSignature(by: key, over: [1], scheme: .rsaPSS(.sha256))
        }
    }

    @Test func `a signer that signs with another key than it shows is caught`() async throws {
        struct Faulty: Signer {
            let key: PrivateKey
            let publicKey: PublicKey
            func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
                try await key.signature(over: message, scheme: scheme)
            }
        }
        let faulty = Faulty(key: try .generate(.ec(.p256)), publicKey: try PrivateKey.generate(.ec(.p256)).publicKey)
        await #expect(throws: KeyError(.unconfirmedSignature, "")) {
            try await verifiedSignature(by: faulty, over: [1], scheme: .ecdsa(.sha256, .fixed))
        }
    }

    @Test(arguments: types)
    func `an encrypted file opens with its passphrase only`(type: KeyType) throws {
        let key = try PrivateKey.generate(type)
        let pem = Array(try key.encryptedPEM(passphrase: Secret("correct horse")).utf8)
        #expect(try PrivateKey.protection(ofPEM: pem) == .encrypted)
        #expect(try PrivateKey(pem: pem, passphrase: Secret("correct horse")).publicKey == key.publicKey)
        #expect(throws: KeyError(.passphraseMissing, "")) { try PrivateKey(pem: pem) }
        #expect(throws: KeyError(.passphraseWrong, "")) { try PrivateKey(pem: pem, passphrase: Secret("wrong")) }
        #expect(throws: KeyError(.passphraseWrong, "")) { try PrivateKey(pem: pem, passphrase: Secret("")) }
    }

    @Test func `an empty passphrase is refused`() throws {
        let key = try PrivateKey.generate(.ed25519)
        #expect(throws: KeyError(.passphraseRefused, "")) { try key.encryptedPEM(passphrase: Secret("")) }
    }

    @Test func `a plain file is read and says that it is one`() throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let pem = Array(try key.plaintextPEM.utf8)
        let read = try PrivateKey(pem: pem)
        #expect(read.publicKey == key.publicKey)
        #expect(read.protection == .plaintext)
        #expect(try PrivateKey(pkcs8: Secret(key.plaintextPKCS8)).publicKey == key.publicKey)
    }

    @Test func `small and odd RSA keys are not made`() {
        #expect(throws: KeyError(.weak, "")) { try PrivateKey.generate(.rsa(bits: 1_024)) }
        #expect(throws: KeyError(.weak, "")) { try PrivateKey.generate(.rsa(bits: 2_056 + 1)) }
        #expect(throws: KeyError(.weak, "")) { try PrivateKey.generate(.rsa(bits: 16_384)) }
    }

    @Test func `a certificate, a public key and rubbish are told apart from a private key`() throws {
        let certificate = Array(PEMBlock(label: "CERTIFICATE", bytes: [1]).text.utf8)
        #expect(throws: KeyError(.notAKey, "")) { try PrivateKey(pem: certificate) }
        let publicKey = Array(try PrivateKey.generate(.ed25519).publicKey.pem.utf8)
        #expect(throws: KeyError(.notAKey, "")) { try PrivateKey(pem: publicKey) }
        #expect(throws: KeyError(.malformed, "")) { try PrivateKey(pem: Array("hello".utf8)) }
        #expect(throws: KeyError(.notAKey, "")) { try PrivateKey(pem: Array("\n \n".utf8)) }
        let rubbish = Array(PEMBlock(label: "PRIVATE KEY", bytes: [0x30, 0]).text.utf8)
        #expect(throws: KeyError(.malformed, "")) { try PrivateKey(pem: rubbish) }
    }

    @Test func `two keys in one file are refused`() throws {
        let pem = try PrivateKey.generate(.ed25519).plaintextPEM
        #expect(throws: KeyError(.malformed, "")) { try PrivateKey(pem: Array((pem + pem).utf8)) }
    }
}

@Suite struct `Keys and OpenSSL's own programs` {
    @Test func `openssl pkey reads our encrypted file, which is PBES2 with many rounds`() async throws {
        try await TestVectors.withTemporaryFolder { folder in
            let key = try PrivateKey.generate(.ec(.p256))
            let path = folder.appendingPathComponent("key.pem").path
            try key.encryptedPEM(passphrase: Secret("pass word")).write(
                toFile: path, atomically: false, encoding: .utf8)
            let pem = try TestVectors.run(
                "/usr/bin/openssl", ["pkey", "-in", path, "-passin", "pass:pass word", "-pubout"])
            #expect(try PublicKey(pem: pem) == key.publicKey)
            let shown = try TestVectors.run("/usr/bin/openssl", ["asn1parse", "-in", path])
            let text = String(decoding: shown, as: UTF8.self)
            for word in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", "0927C0"] { #expect(text.contains(word)) }
        }
    }

    @Test(arguments: [
        ["ecparam", "-name", "prime256v1", "-genkey"], ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
        ["genrsa", "-traditional", "2048"], ["genpkey", "-algorithm", "ED25519"], ["genrsa", "2048"],
    ])
    func `the files that openssl writes are read`(arguments: [String]) throws {
        let pem = try TestVectors.run("/usr/bin/openssl", arguments)
        let key = try PrivateKey(pem: pem)
        let shown = try TestVectors.run("/usr/bin/openssl", ["pkey", "-pubout"], input: pem)
        #expect(try PublicKey(pem: shown) == key.publicKey)
    }

    @Test(arguments: [["-scrypt"], ["-v2", "aes-128-cbc", "-iter", "1000"]])
    func `other forms of PBES2 are read`(form: [String]) throws {
        let key = try PrivateKey.generate(.ed25519)
        let pem = try TestVectors.run(
            "/usr/bin/openssl", ["pkcs8", "-topk8", "-passout", "pass:secret"] + form,
            input: Array(key.plaintextPEM.utf8))
        #expect(try PrivateKey(pem: pem, passphrase: Secret("secret")).publicKey == key.publicKey)
    }

    @Test func `scrypt that asks for too much memory is refused before it is tried`() throws {
        let key = try PrivateKey.generate(.ed25519)
        let scrypt = try TestVectors.run(
            "/usr/bin/openssl",
            ["pkcs8", "-topk8", "-passout", "pass:secret", "-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8"],
            input: Array(key.plaintextPEM.utf8))
        var block = try #require(try PEM.decode(scrypt).first).bytes
        let cost = DER.integer(16_384)
        let place = try #require(block.indices.first { block[$0...].starts(with: cost) })
        block[place + cost.count + 2] = 0x40
        #expect(throws: KeyError(.unsupported, "")) {
            try PrivateKey(
                pem: Array(PEMBlock(label: "ENCRYPTED PRIVATE KEY", bytes: block).text.utf8),
                passphrase: Secret("secret"))
        }
    }

    @Test func `scrypt that asks for many repetitions is refused before it is tried`() throws {
        let key = try PrivateKey.generate(.ed25519)
        let scrypt = try TestVectors.run(
            "/usr/bin/openssl",
            [
                "pkcs8", "-topk8", "-passout", "pass:secret", "-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8",
                "-scrypt_p", "32",
            ],
            input: Array(key.plaintextPEM.utf8))
        #expect(try PrivateKey(pem: scrypt, passphrase: Secret("secret")).publicKey == key.publicKey)
        var block = try #require(try PEM.decode(scrypt).first).bytes
        let numbers = DER.integer(16_384) + DER.integer(8) + DER.integer(32)
        let place = try #require(block.indices.first { block[$0...].starts(with: numbers) })
        block[place + numbers.count - 1] = 33
        #expect(throws: KeyError(.unsupported, "")) {
            try PrivateKey(
                pem: Array(PEMBlock(label: "ENCRYPTED PRIVATE KEY", bytes: block).text.utf8),
                passphrase: Secret("secret"))
        }
    }

    @Test func `older encryptions are refused with the way out`() throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let pem = try TestVectors.run(
            "/usr/bin/openssl", ["pkcs8", "-topk8", "-passout", "pass:secret", "-v1", "PBE-SHA1-3DES"],
            input: Array(key.plaintextPEM.utf8))
        #expect(throws: KeyError(.unsupported, "")) { try PrivateKey(pem: pem, passphrase: Secret("secret")) }
        let traditional = try TestVectors.run(
            "/usr/bin/openssl", ["ec", "-aes128", "-passout", "pass:secret"], input: Array(key.plaintextPEM.utf8))
        #expect(throws: KeyError(.unsupported, "")) { try PrivateKey(pem: traditional, passphrase: Secret("secret")) }
    }

    @Test func `a key with its curve spelled out is refused`() throws {
        let pem = try TestVectors.run(
            "/usr/bin/openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"])
        #expect(throws: KeyError(.unsupported, "")) { try PrivateKey(pem: pem) }
    }

    @Test func `openssl confirms our RSA-PSS signature`() async throws {
        try await TestVectors.withTemporaryFolder { folder in
            let key = try PrivateKey.generate(.rsa(bits: 2_048))
            func write(_ bytes: [UInt8], _ name: String) throws -> String {
                let path = folder.appendingPathComponent(name)
                try bytes.withUnsafeBytes { try Data($0).write(to: path) }
                return path.path
            }
            let message = Array("what is signed".utf8)
            let signature = try await verifiedSignature(by: key, over: message, scheme: .rsaPSS(.sha384))
            _ = try TestVectors.run(
                "/usr/bin/openssl",
                [
                    "dgst", "-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:48",
                    "-sigopt", "rsa_mgf1_md:sha384", "-verify", write(Array(key.publicKey.pem.utf8), "public.pem"),
                    "-signature", write(signature, "signature"), write(message, "message"),
                ])
        }
    }
}

@Suite struct `Secrets` {
    @Test func `a secret does not show in text, in debugging or in a mirror`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] { #expect(!text.contains("hunter2")) }
    }

    @Test func `taking bytes overwrites where they came from`() {
        var bytes = Array("hunter2".utf8)
        let secret = Secret(wiping: &bytes)
        #expect(bytes.isEmpty)
        #expect(secret == Secret("hunter2"))
        #expect(secret != Secret("hunter3"))
        #expect(secret != Secret("hunter"))
    }

    @Test func `what is sealed opens with the same key and context only`() throws {
        let key = Secret.random(32)
        let sealed = try AEAD.seal([1, 2, 3], key: key, authenticating: [9])
        #expect(try AEAD.open(sealed, key: key, authenticating: [9]) == Secret([1, 2, 3]))
        #expect(throws: KeyError(.sealed, "")) { try AEAD.open(sealed, key: key, authenticating: [8]) }
        #expect(throws: KeyError(.sealed, "")) { try AEAD.open(sealed, key: .random(32), authenticating: [9]) }
        #expect(throws: KeyError(.sealed, "")) { try AEAD.open([1], key: key, authenticating: [9]) }
        #expect(try AEAD.seal([1, 2, 3], key: key, authenticating: [9]) != sealed)
    }

    @Test func `constant-time comparison agrees with equality`() {
        #expect(ConstantTime.areEqual([1, 2], [1, 2]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 3]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
        #expect(ConstantTime.areEqual([], []))
    }
}
