import Codecs
import Foundation
import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct TokenKeyTests {
    @Test(arguments: [
        (TokenKeyKind.ed25519, [SignatureScheme.ed25519]),
        (TokenKeyKind.p256, [.ecdsa(.sha256, .der), .ecdsa(.sha512, .fixed)]),
        (TokenKeyKind.p384, [.ecdsa(.sha384, .fixed), .ecdsa(.sha256, .fixed), .ecdsa(.sha512, .der)]),
        (TokenKeyKind.p521, [.ecdsa(.sha512, .fixed)]),
        (TokenKeyKind.rsa(bits: 2_048), [.rsaPSS(.sha256), .rsaPSS(.sha384), .rsaPSS(.sha512)]),
        (TokenKeyKind.rsa(bits: 3_072), [.rsaPSS(.sha384)]),
    ])
    func `a key made on a token signs, and its public key confirms it`(
        kind: TokenKeyKind, schemes: [SignatureScheme]
    ) async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try uri("pkcs11:token=roadstead;object=root")
            let made = try await TokenKey.generate(kind, name, on: try softHSM.connect())
            let found = try await TokenKey(name, on: try softHSM.connect())
            #expect(found.publicKey == made.publicKey)
            for scheme in schemes {
                for length in [0, 1, 64, 300_000] {
                    let text = [UInt8](repeating: 7, count: length)
                    let signature = try await verifiedSignature(by: found, over: text, scheme: scheme)
                    #expect(made.publicKey.isValid(signature: signature, over: text, scheme: scheme))
                }
            }
        }
    }

    @Test func `a hundred P-256 signatures are all right, whatever their leading zeros`() async throws {
        try await SoftHSM.withToken { softHSM in
            let connection = try softHSM.connect()
            let key = try await TokenKey.generate(.p256, try uri("pkcs11:token=roadstead;object=k"), on: connection)
            for number in 0..<100 {
                _ = try await verifiedSignature(by: key, over: [UInt8(number)], scheme: .ecdsa(.sha256, .der))
            }
        }
    }

    @Test func `keys that other tools made are found by label, by id and by both`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", "0a", "--label", "one"])
            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:edwards25519", "--id", "0b", "--label", "two"])
            let connection = try softHSM.connect()
            let one = try await TokenKey(try uri("pkcs11:token=roadstead;object=one"), on: connection)
            #expect(one.publicKey.type == .ec(.p256))
            let two = try await TokenKey(try uri("pkcs11:token=roadstead;id=%0b"), on: connection)
            #expect(two.publicKey.type == .ed25519)
            _ = try await verifiedSignature(by: two, over: message, scheme: .ed25519)
            let both = try await TokenKey(try uri("pkcs11:id=%0a;object=one;type=private"), on: connection)
            #expect(both.publicKey == one.publicKey)
            let neither = await failure { _ = try await TokenKey(try uri("pkcs11:id=%0a;object=two"), on: connection) }
            #expect(neither?.code == .key)
            #expect(neither?.reason.contains("\"one\"") == true)
        }
    }

    @Test func `a public key is read without a PIN`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try uri("pkcs11:token=roadstead;object=root")
            let made = try await TokenKey.generate(.ed25519, name, on: try softHSM.connect())
            let seen = try await softHSM.connect(pin: nil).publicKey(name)
            #expect(try PublicKey(seen) == made.publicKey)
            #expect(!seen.isPrivate)
            let refused = await failure { _ = try await TokenKey(name, on: try softHSM.connect(pin: nil)) }
            #expect(refused?.code == .pinMissing)
        }
    }

    @Test func `two keys of one label are refused, naming both, until the id says which`() async throws {
        try await SoftHSM.withToken { softHSM in
            for id in ["01", "02"] {
                try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", "same"])
            }
            let connection = try softHSM.connect()
            let error = await failure {
                _ = try await TokenKey(try uri("pkcs11:token=roadstead;object=same"), on: connection)
            }
            #expect(error?.code == .key)
            #expect(error?.reason.contains("id=%01") == true && error?.reason.contains("id=%02") == true)
            _ = try await TokenKey(try uri("pkcs11:token=roadstead;object=same;id=%02"), on: connection)
        }
    }

    @Test func `a new key takes no label and no id that is taken`() async throws {
        try await SoftHSM.withToken { softHSM in
            let connection = try softHSM.connect()
            _ = try await TokenKey.generate(.p256, try uri("pkcs11:object=k;id=%01"), on: connection)
            for text in ["pkcs11:object=k", "pkcs11:object=other;id=%01"] {
                let error = await failure {
                    _ = try await TokenKey.generate(.ed25519, try uri(text), on: connection)
                }
                #expect(error?.code == .exists)
            }
            let nameless = await failure {
                _ = try await TokenKey.generate(.p256, try uri("pkcs11:token=roadstead"), on: connection)
            }
            #expect(nameless?.code == .uri)
        }
    }

    @Test func `a key that was made cannot be read out of the token`() async throws {
        try await SoftHSM.withToken { softHSM in
            _ = try await TokenKey.generate(.p256, try uri("pkcs11:object=k"), on: try softHSM.connect())
            let shown = try softHSM.pkcs11Tool(["--list-objects", "--type", "privkey"])
            #expect(shown.contains("never extractable") && shown.contains("sensitive"))
        }
    }

    @Test func `objects that are not supported are named and hide nothing`() async throws {
        try await SoftHSM.withToken { softHSM in
            for (type, id) in [("rsa:1024", "01"), ("EC:secp192r1", "02"), ("EC:edwards25519", "03")] {
                try softHSM.pkcs11Tool(["--keypairgen", "--key-type", type, "--id", id, "--label", "k\(id)"])
            }
            let connection = try softHSM.connect()
            let (keys, skipped) = try await connection.keys(try uri("pkcs11:token=roadstead"), loggedIn: true)
            #expect(keys.map(\.label) == ["k03"])
            #expect(skipped.contains { $0.contains("\"k01\"") && $0.contains("1024 bits") })
            #expect(skipped.contains { $0.contains("\"k02\"") && $0.contains("curve") })
            let key = try await TokenKey(try uri("pkcs11:object=k03"), on: connection)
            _ = try await verifiedSignature(by: key, over: message, scheme: .ed25519)
            let error = await failure { _ = try await TokenKey(try uri("pkcs11:object=k01"), on: connection) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test func `an object whose name is too long is named in part and hides nothing`() async throws {
        try await SoftHSM.withToken { softHSM in
            for (label, id) in [(String(repeating: "x", count: 5_000), "01"), ("k", "02")] {
                try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", label])
            }
            let connection = try softHSM.connect()
            let (keys, skipped) = try await connection.keys(try uri("pkcs11:token=roadstead"), loggedIn: true)
            #expect(keys.map(\.label) == ["k"])
            #expect(skipped.contains { $0.contains("xxx") && $0.contains("5000 bytes") && $0.utf8.count < 300 })
            let key = try await TokenKey(try uri("pkcs11:object=k"), on: connection)
            _ = try await verifiedSignature(by: key, over: message, scheme: .ecdsa(.sha256, .fixed))
        }
    }

    @Test func `a module that overlooks labels and identifiers in a search gives the key that was named`() async throws
    {
        try await SoftHSM.withToken { softHSM in
            for (label, id) in [("first", "01"), ("second", "02")] {
                try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", label])
            }
            let second = try await softHSM.connect().publicKey(try uri("pkcs11:object=second"))
            for name in ["pkcs11:object=second", "pkcs11:id=%02"] {
                let key = try await TokenKey(try uri(name), on: try softHSM.connectFaulty("overlook"))
                #expect(key.description.spki == second.spki)
                _ = try await verifiedSignature(by: key, over: message, scheme: .ecdsa(.sha256, .fixed))
            }
            let none = await failure {
                _ = try await TokenKey(try uri("pkcs11:object=third"), on: try softHSM.connectFaulty("overlook"))
            }
            #expect(none?.code == .key)
        }
    }

    @Test func `a token without RSA-PSS gets our padding, and the signatures are right`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try uri("pkcs11:token=roadstead;object=r")
            _ = try await TokenKey.generate(.rsa(bits: 2_048), name, on: try softHSM.connect())
            let key = try await TokenKey(name, on: try softHSM.connectFaulty("no-pss"))
            for scheme in [SignatureScheme.rsaPSS(.sha256), .rsaPSS(.sha512)] {
                for _ in 0..<4 { _ = try await verifiedSignature(by: key, over: message, scheme: scheme) }
            }
        }
    }

    @Test func `a token that does neither PSS nor bare RSA is refused, and never asked for PKCS#1 v1.5`() async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try uri("pkcs11:token=roadstead;object=r")
            _ = try await TokenKey.generate(.rsa(bits: 2_048), name, on: try softHSM.connect())
            let key = try await TokenKey(name, on: try softHSM.connectFaulty("only-pkcs1"))
            let error = await failure { _ = try await key.signature(over: message, scheme: .rsaPSS(.sha256)) }
            #expect(error?.code == .unsupported)
            #expect(error?.reason.contains("CKR_MECHANISM_INVALID") == true)
            #expect(error?.hint?.contains("v1.5") == true)
        }
    }

    @Test(arguments: [("P-521", TokenKeyKind.p521, HashAlgorithm.sha512), ("P-256", .p256, .sha256)])
    func `halves without their leading zeros get them back`(
        name: String, kind: TokenKeyKind, hash: HashAlgorithm
    ) async throws {
        try await SoftHSM.withToken { softHSM in
            let name = try uri("pkcs11:token=roadstead;object=k")
            _ = try await TokenKey.generate(kind, name, on: try softHSM.connect())
            let key = try await TokenKey(name, on: try softHSM.connectFaulty("trim"))
            for number in 0..<40 {
                _ = try await verifiedSignature(by: key, over: [UInt8(number)], scheme: .ecdsa(hash, .fixed))
            }
        }
    }

    @Test func `a mechanism that the token lacks is an error of that name, and the key stays usable`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool(["--keypairgen", "--key-type", "EC:edwards25519", "--id", "01", "--label", "ed"])
            let connection = try softHSM.connectFaulty("no-mechanism")
            let key = try await TokenKey(try uri("pkcs11:object=ed"), on: connection)
            let error = await failure { _ = try await key.signature(over: message, scheme: .ed25519) }
            #expect(error?.code == .unsupported)
            #expect(error?.reason.contains("CKR_MECHANISM_INVALID") == true)
            let process = await connection.helperProcessID
            let other = try await TokenKey.generate(.p256, try uri("pkcs11:object=p"), on: connection)
            _ = try await verifiedSignature(by: other, over: message, scheme: .ecdsa(.sha256, .der))
            #expect(await connection.helperProcessID == process)
        }
    }

    @Test func `a key that wants its PIN with each signature gets it`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "each", "--always-auth",
            ])
            let key = try await TokenKey(try uri("pkcs11:object=each"), on: try softHSM.connect())
            #expect(key.description.wantsPINEachTime)
            for _ in 0..<2 {
                _ = try await verifiedSignature(by: key, over: message, scheme: .ecdsa(.sha256, .der))
            }
        }
    }

    @Test func `a token is named by label or serial number, and must be one`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.makeToken("second")
            let second = try await softHSM.connect("pkcs11:token=second").describe()
            #expect(second.label == "second" && second.requiresLogin)
            let bySerial = try await softHSM.connect("pkcs11:serial=\(second.serial)").describe()
            #expect(bySerial == second)
            let none = await failure { _ = try await softHSM.connect("pkcs11:token=third").describe() }
            #expect(none?.code == .token)
            #expect(none?.reason.contains("\"second\"") == true && none?.reason.contains("\"roadstead\"") == true)
            let both = await failure { _ = try await softHSM.connect("pkcs11:object=k").describe() }
            #expect(both?.code == .token)
        }
    }
}
