import Foundation
import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

/// Several callers of one token at once.
@Suite struct LaneTests {
    private static let name = "pkcs11:token=roadstead;object=k"
    private static let scheme = SignatureScheme.ecdsa(.sha256, .fixed)

    private func withKey(_ body: (SoftHSM) async throws -> Void) async throws {
        try await SoftHSM.withToken { softHSM in
            _ = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connect())
            try await body(softHSM)
        }
    }

    /// Signs many times at once, and checks every signature.
    private func signAtOnce(_ count: Int, with key: TokenKey) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    _ = try await verifiedSignature(by: key, over: [UInt8(number)], scheme: Self.scheme)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `many callers at once get the right signatures, from one helper`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect()
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let process = await connection.helperProcessID
            try await signAtOnce(100, with: key)
            #expect(await connection.helperProcessID == process)
        }
    }

    @Test func `a module that cannot lock sees one thread at a time`() async throws {
        try await withKey { softHSM in
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty("cant-lock"))
            try await signAtOnce(12, with: key)
        }
    }

    @Test func `a token with few sessions is used with those that it gives`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connectFaulty("few-sessions")
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let process = await connection.helperProcessID
            try await signAtOnce(20, with: key)
            #expect(await connection.helperProcessID == process)
        }
    }

    @Test(arguments: ["one-session", "one-session-said"])
    func `a token with one session signs for everybody in turn, and says why it makes no key`(fault: String)
        async throws
    {
        try await withKey { softHSM in
            let connection = try softHSM.connectFaulty(fault)
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let process = await connection.helperProcessID
            try await signAtOnce(20, with: key)
            let error = await failure {
                _ = try await connection.generate(.p256, try uri("pkcs11:token=roadstead;object=second"))
            }
            #expect(error?.code == .failed && error?.reason.contains("CKR_SESSION_COUNT") == true, "\(error as Any)")
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            #expect(await connection.helperProcessID == process)
        }
    }

    @Test func `callers whose helper dies under them all get their signatures from the next one`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect()
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let first = try #require(await connection.helperProcessID)
            try await freeze(first)
            let signing = Task { try await signAtOnce(8, with: key) }
            try await Task.sleep(for: .milliseconds(200))
            kill(first, SIGKILL)
            try await signing.value
            #expect(await connection.helperProcessID != first)
        }
    }

    @Test(arguments: ["session-dead", "forgotten"])
    func `a session that died, and a login that is gone, are made anew`(fault: String) async throws {
        try await withKey { softHSM in
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty(fault, once: true))
            try await signAtOnce(3, with: key)
        }
    }

    @Test func `keys that want their PIN each time keep it beside their signature when many sign at once`() async throws
    {
        try await SoftHSM.withToken { softHSM in
            try softHSM.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "k", "--always-auth",
            ])
            try await signAtOnce(20, with: try await TokenKey(try uri(Self.name), on: try softHSM.connect()))
        }
    }
}
