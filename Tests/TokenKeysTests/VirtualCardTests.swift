import Foundation
import SigningKeys
import Testing
import TestTokens
import TokenWire

@testable import TokenKeys

/// A USB token: OpenSC, pcscd and a PIV card.
@Suite(.serialized, .enabled(if: VirtualCard.obstacle == nil, "\(VirtualCard.obstacle ?? "")"))
struct VirtualCardTests {
    private static let login = "pkcs11:id=%01;type=private"
    private static let each = "pkcs11:id=%02;type=private"

    @Test func `every key of the card signs, also the one that wants its PIN each time, with its certificate`()
        async throws
    {
        try await VirtualCard.withCard { card in
            let backend = PKCS11Backend(card.token.settings())
            for (id, type, scheme, each) in [
                ("%01", KeyType.ec(.p256), SignatureScheme.ecdsa(.sha256, .fixed), false),
                ("%02", .ec(.p384), .ecdsa(.sha384, .fixed), true),
                ("%04", .rsa(bits: 2_048), .rsaPSS(.sha256), false),
            ] {
                let opened = try await backend.open(try KeyName("\(card.token.uri);id=\(id)"))
                #expect(opened.signer.publicKey.type == type)
                #expect((opened.signer as? TokenKey)?.description.wantsPINEachTime == each)
                for number in 0..<3 {
                    _ = try await verifiedSignature(by: opened.signer, over: [UInt8(number)], scheme: scheme)
                }
                #expect(opened.certificates.count == 1)
            }
            let listing = try await backend.list(try KeyName(card.token.uri))
            #expect(listing.entries.filter(\.isPrivate).count == 3)
        }
    }

    @Test func `nothing comes between the PIN and the signature while other keys of the card sign`() async throws {
        try await VirtualCard.withCard { card in
            let connection = try card.token.connect()
            let often = try await TokenKey(try uri(Self.login), on: connection)
            let each = try await TokenKey(try uri(Self.each), on: connection)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    let (key, scheme): (TokenKey, SignatureScheme) =
                        number.isMultiple(of: 2)
                        ? (often, .ecdsa(.sha256, .fixed)) : (each, .ecdsa(.sha384, .fixed))
                    group.addTask { _ = try await verifiedSignature(by: key, over: message, scheme: scheme) }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `two programs sign with one card at once, also with the key that wants its PIN each time`() async throws
    {
        try await VirtualCard.withCard { card in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    let connection = try card.token.connect()
                    let often = try await TokenKey(try uri(Self.login), on: connection)
                    let each = try await TokenKey(try uri(Self.each), on: connection)
                    group.addTask {
                        for number in 0..<8 {
                            let digits = [UInt8(number)]
                            _ = try await verifiedSignature(by: often, over: digits, scheme: .ecdsa(.sha256, .fixed))
                            _ = try await verifiedSignature(by: each, over: digits, scheme: .ecdsa(.sha384, .fixed))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await failure { _ = try await card.token.connect().privateKey(try uri(Self.login)) } == nil)
        }
    }

    @Test func `a card makes and takes no keys without its administrator, says so, and loses no PIN try`() async throws
    {
        try await VirtualCard.withCard { card in
            let backend = PKCS11Backend(card.token.settings())
            let before = try await backend.list(try KeyName(card.token.uri)).entries.map(\.publicKey)
            let name = try KeyName("\(card.token.uri);object=new;id=%03")
            let refusals = [
                await failure { _ = try await backend.generate(.ec(.p256), name) },
                await failure {
                    try await backend.store(try PrivateKey.generate(.ec(.p256)), certificates: [], at: name)
                },
            ]
            for refusal in refusals {
                #expect(refusal?.reason.contains("the module returned CKR_") == true, "\(refusal as Any)")
                #expect(refusal?.hint?.contains("their own tools") == true)
            }
            #expect(try await backend.list(try KeyName(card.token.uri)).entries.map(\.publicKey) == before)
            #expect(await failure { _ = try await card.token.connect().privateKey(try uri(Self.login)) } == nil)
        }
    }

    @Test func `a card that is pulled out and put back signs on, without anybody's help`() async throws {
        try await VirtualCard.withCard { card in
            let key = try await TokenKey(try uri(Self.login), on: try card.token.connect())
            let scheme = SignatureScheme.ecdsa(.sha256, .fixed)
            _ = try await verifiedSignature(by: key, over: message, scheme: scheme)
            try card.unplug()
            let signing = Task { try await verifiedSignature(by: key, over: message, scheme: scheme) }
            try await Task.sleep(for: .seconds(1))
            try card.plug()
            _ = try await signing.value
            _ = try await verifiedSignature(by: key, over: message, scheme: scheme)
        }
    }

    @Test func `a card that stays away is an error within the time that is given`() async throws {
        try await VirtualCard.withCard { card in
            let key = try await TokenKey(try uri(Self.login), on: try card.token.connect(recovery: .seconds(2)))
            try card.unplug()
            let start = ContinuousClock.now
            let error = await failure {
                _ = try await key.signature(over: message, scheme: .ecdsa(.sha256, .fixed))
            }
            #expect(error.map { [.lost, .token].contains($0.code) } == true, "\(error as Any)")
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test func `a wrong PIN costs the card one try, and the last one is nobody's to lose`() async throws {
        try await VirtualCard.withCard { card in
            func ask(_ pin: String, last: Bool = false) async throws -> TokenError? {
                let connection = try card.token.connect(pin: pin, allowsLastPINTries: last)
                return await failure {
                    for _ in 0..<2 { _ = try await connection.privateKey(try uri(Self.login)) }
                }
            }
            #expect(try await ask("111111")?.code == .pinWrong)
            // The card counts one wrong try; two are left.
            let careful = try await ask("222222")
            #expect([.pinWrong, .pinTries].contains(careful?.code))
            let third = try await ask("333333")
            #expect(third?.code == .pinTries, "\(third as Any)")
            #expect(try await ask(VirtualCard.pin, last: true) == nil)
            #expect(try await ask(VirtualCard.pin) == nil)
        }
    }

    @Test func `a locked PIN is said to be locked, and the right one is not given`() async throws {
        try await VirtualCard.withCard { card in
            for number in 0..<VirtualCard.tries {
                let connection = try card.token.connect(pin: "99999\(number)", allowsLastPINTries: true)
                _ = await failure { _ = try await connection.privateKey(try uri(Self.login)) }
            }
            let connection = try card.token.connect()
            let error = await failure { _ = try await connection.privateKey(try uri(Self.login)) }
            #expect(error?.code == .pinLocked, "\(error as Any)")
        }
    }
}
