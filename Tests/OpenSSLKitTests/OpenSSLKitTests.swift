import Codecs
import OpenSSLKit
import Testing

@Suite struct `Hashes` {
    @Test(arguments: [
        (HashFunction.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        ),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
                + "454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ])
    func `the published example comes out, at once and in pieces`(function: HashFunction, expected: String) {
        #expect(Hex.encode(function.digest(of: Array("abc".utf8))) == expected)
        var pieces = IncrementalHash(function)
        pieces.update(Array("a".utf8))
        pieces.update([])
        pieces.update(Array("xbc".utf8)[1...])
        let digest = pieces.finish()
        #expect(Hex.encode(digest) == expected)
    }

    @Test func `the hash of nothing is known`() {
        #expect(
            Hex.encode(HashFunction.sha256.digest(of: []))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func `HMAC gives what RFC 4231 case 2 says`() {
        let code = KeyedHash.sha256(
            of: Array("what do ya want for nothing?".utf8), key: SecretBytes(Array("Jefe".utf8)))
        #expect(Hex.encode(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}

@Suite struct `AES-256-GCM` {
    @Test func `the published case with additional data comes out`() throws {
        // GCM specification, test case 16
        let key = SecretBytes(try Hex.decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
        let nonce = try Hex.decode("cafebabefacedbaddecaf888")
        let aad = try Hex.decode("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let plaintext = try Hex.decode(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
                + "b16aedf5aa0de657ba637b39")
        let sealed = try AESGCM.seal(plaintext, key: key, nonce: nonce, authenticating: aad)
        #expect(
            Hex.encode(sealed)
                == "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
                + "c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b")
        #expect(try AESGCM.open(sealed, key: key, nonce: nonce, authenticating: aad) == plaintext)
    }

    @Test func `a flipped bit anywhere does not open`() throws {
        let key = SecretBytes(RandomBytes.make(32))
        let nonce = RandomBytes.make(12)
        let sealed = try AESGCM.seal([1, 2, 3], key: key, nonce: nonce, authenticating: [4])
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: OpenSSLError(.authentication, "")) {
                try AESGCM.open(changed, key: key, nonce: nonce, authenticating: [4])
            }
        }
        #expect(throws: OpenSSLError(.authentication, "")) {
            try AESGCM.open(sealed, key: key, nonce: nonce, authenticating: [5])
        }
    }

    @Test func `empty plaintext and empty context are sealed too`() throws {
        let key = SecretBytes(RandomBytes.make(32))
        let nonce = RandomBytes.make(12)
        let sealed = try AESGCM.seal([], key: key, nonce: nonce, authenticating: [])
        #expect(sealed.count == 16)
        #expect(try AESGCM.open(sealed, key: key, nonce: nonce, authenticating: []) == [])
    }

    @Test func `a key of another length is refused`() {
        #expect(throws: OpenSSLError(.unsupported, "")) {
            try AESGCM.seal([1], key: SecretBytes([1, 2]), nonce: RandomBytes.make(12), authenticating: [])
        }
    }
}

@Suite struct `Key handles` {
    @Test func `garbage is an error that drains the queue`() {
        #expect(throws: OpenSSLError(.malformed, "")) { try KeyHandle(spki: [0x30, 0x03, 1, 2, 3]) }
        #expect(throws: OpenSSLError(.malformed, "")) { try KeyHandle(pkcs8: []) }
    }

    @Test func `bytes after a key are refused`() throws {
        let key = try KeyHandle.generate(.ec(group: "P-256"))
        let spki = try key.spki() + [0]
        #expect(throws: OpenSSLError(.malformed, "")) { try KeyHandle(spki: spki) }
    }

    @Test func `a key does not sign with an algorithm of another type`() throws {
        let key = try KeyHandle.generate(.ed25519)
        #expect(throws: OpenSSLError(.unsupported, "")) { try key.sign([1], .ecdsa(.sha256)) }
        #expect(!key.isValid([1], over: [1], .rsaPKCS1(.sha256)))
    }

    @Test func `a shared key signs from many tasks at once`() async throws {
        let key = try KeyHandle.generate(.ec(group: "P-384"))
        let isRight = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let message = [UInt8(number)]
                    return key.isValid(try key.sign(message, .ecdsa(.sha384)), over: message, .ecdsa(.sha384))
                }
            }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(isRight)
    }
}
