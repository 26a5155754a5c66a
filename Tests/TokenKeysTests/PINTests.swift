import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct PINTests {
    private static let name = "pkcs11:token=roadstead;object=k"

    @Test func `a wrong PIN is given to the token once, whatever is asked afterwards`() async throws {
        try await SoftHSM.withToken { softHSM in
            let connection = try softHSM.connectFaulty("none", pin: "111111")
            for _ in 0..<3 {
                let error = await failure { _ = try await TokenKey(try uri(Self.name), on: connection) }
                #expect(error?.code == .pinWrong)
            }
            await connection.close()
            let again = await failure { _ = try await TokenKey(try uri(Self.name), on: connection) }
            #expect(again?.code == .pinWrong)
            #expect(softHSM.logins == 1)
        }
    }

    @Test func `a token that counts wrong PINs is left alone until told otherwise`() async throws {
        try await SoftHSM.withToken { softHSM in
            _ = await failure { _ = try await softHSM.connect(pin: "111111").privateKey(try uri(Self.name)) }
            let careful = await failure { _ = try await softHSM.connect().privateKey(try uri(Self.name)) }
            #expect(careful?.code == .pinTries)
            let told = await failure {
                _ = try await softHSM.connect(allowsLastPINTries: true).privateKey(try uri(Self.name))
            }
            #expect(told?.code == .key)
            let after = await failure { _ = try await softHSM.connect().privateKey(try uri(Self.name)) }
            #expect(after?.code == .key)
        }
    }

    @Test func `a login that hangs counts as a try`() async throws {
        try await SoftHSM.withToken { softHSM in
            let connection = try softHSM.connectFaulty("login-hang", once: true, deadline: .milliseconds(700))
            let hung = await failure { _ = try await connection.privateKey(try uri(Self.name)) }
            #expect(hung?.code == .deadline)
            let again = await failure { _ = try await connection.privateKey(try uri(Self.name)) }
            #expect(again?.code == .pinWrong)
            #expect(softHSM.logins == 1)
        }
    }

    @Test func `a PIN that is wanted with each signature and is refused is not given again`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "k", "--always-auth",
            ])
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty("context-pin"))
            for _ in 0..<2 {
                let error = await failure {
                    _ = try await key.signature(over: message, scheme: .ecdsa(.sha256, .der))
                }
                #expect(error?.code == .pinWrong)
            }
            #expect(softHSM.logins == 2)
        }
    }

    @Test func `a token where somebody is logged in already is one that took the PIN`() async throws {
        try await SoftHSM.withToken { softHSM in
            let key = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connectFaulty("logged-in"))
            _ = try await verifiedSignature(by: key, over: message, scheme: .ecdsa(.sha256, .fixed))
            #expect(softHSM.logins == 1)
        }
    }

    @Test func `who may use the last tries may use them for each signature`() async throws {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "k", "--always-auth",
            ])
            let told = try softHSM.connectFaulty("count-low", allowsLastPINTries: true)
            let key = try await TokenKey(try uri(Self.name), on: told)
            _ = try await verifiedSignature(by: key, over: message, scheme: .ecdsa(.sha256, .der))
            let careful = try softHSM.connectFaulty("count-low")
            let error = await failure { _ = try await TokenKey(try uri(Self.name), on: careful) }
            #expect(error?.code == .pinTries)
        }
    }

    @Test func `no PIN is asked for what anybody may see`() async throws {
        try await SoftHSM.withToken { softHSM in
            let connection = try softHSM.connectFaulty("none")
            _ = try await TokenKey.generate(.p256, try uri(Self.name), on: connection)
            #expect(softHSM.logins == 1)
            let other = try softHSM.connectFaulty("none")
            _ = try await other.publicKey(try uri(Self.name))
            #expect(softHSM.logins == 1)
        }
    }
}
