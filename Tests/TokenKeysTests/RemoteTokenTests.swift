import Foundation
import SigningKeys
import SoftHSM
import TestTokens
import Testing
import TokenWire

@testable import TokenKeys

/// An HSM behind a network: p11-kit's remoting over TLS with certificates on both sides.
@Suite(.serialized) struct RemoteTokenTests {
    private static let name = "pkcs11:token=roadstead;object=k"
    private static let scheme = SignatureScheme.ecdsa(.sha256, .fixed)

    private func withRemote(_ body: (RemoteToken) async throws -> Void) async throws {
        try await SoftHSM.withToken { softHSM in
            let local = softHSM.backend()
            _ = try await local.generate(.ec(.p256), try KeyName(Self.name))
            _ = try await local.generate(.rsa(bits: 2_048), try KeyName("pkcs11:token=roadstead;object=r"))
            _ = try await local.generate(.ed25519, try KeyName("pkcs11:token=roadstead;object=e"))
            try await RemoteToken.serving(softHSM, body)
        }
    }

    @Test func `keys behind a network sign, and a mechanism that does not get through is not called a broken key`()
        async throws
    {
        try await withRemote { remote in
            let connection = try remote.token().connect()
            let key = try await TokenKey(try uri(Self.name), on: connection)
            for _ in 0..<20 { _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme) }
            let rsa = try await TokenKey(try uri("pkcs11:object=r"), on: connection)
            _ = try await verifiedSignature(by: rsa, over: message, scheme: .rsaPSS(.sha256))
            let edwards = try await TokenKey(try uri("pkcs11:object=e"), on: connection)
            let error = await failure { _ = try await edwards.signature(over: message, scheme: .ed25519) }
            #expect(error?.code == .unsupported && error?.hint?.contains("network") == true)
        }
    }

    @Test(arguments: [RemoteToken.Client.nobody, .rogue])
    func `a client without a certificate, or with one that nobody vouches for, gets nothing`(
        client: RemoteToken.Client
    ) async throws {
        try await withRemote { remote in
            let connection = try remote.token(as: client).connect(deadline: .seconds(10), recovery: .seconds(1))
            let error = await failure { _ = try await connection.describe() }
            #expect(error.map { [.module, .lost, .token].contains($0.code) } == true, "\(error as Any)")
            #expect(remote.serverLog.contains("certificate"))
        }
    }

    @Test func `a line that is cut between two signatures is not noticed`() async throws {
        try await withRemote { remote in
            let key = try await TokenKey(try uri(Self.name), on: try remote.token().connect())
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            try remote.cutLine()
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
        }
    }

    @Test func `an HSM that is started again within the time that is given is not noticed`() async throws {
        try await withRemote { remote in
            let key = try await TokenKey(try uri(Self.name), on: try remote.token().connect())
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            remote.stopServer()
            let signing = Task { try await verifiedSignature(by: key, over: message, scheme: Self.scheme) }
            try await Task.sleep(for: .seconds(1))
            try remote.startServer()
            _ = try await signing.value
        }
    }

    @Test func `a frozen HSM meets the deadline, and signs again when it moves`() async throws {
        try await withRemote { remote in
            let connection = try remote.token().connect(deadline: .seconds(2))
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let first = try #require(await connection.helperProcessID)
            remote.freeze()
            let start = ContinuousClock.now
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .deadline)
            #expect(ContinuousClock.now - start < .seconds(6))
            #expect(!isRunning(first))
            remote.thaw()
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
        }
    }
}
