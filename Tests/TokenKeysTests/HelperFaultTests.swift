import Files
import Foundation
import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct HelperFaultTests {
    private static let name = "pkcs11:token=roadstead;object=k"
    private static let scheme = SignatureScheme.ecdsa(.sha256, .der)

    private func withKey(_ body: (SoftHSM) async throws -> Void) async throws {
        try await SoftHSM.withToken { softHSM in
            _ = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connect())
            try await body(softHSM)
        }
    }

    @Test func `a helper that was killed is started again and logged in again`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect()
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let first = try #require(await connection.helperProcessID)
            kill(first, SIGKILL)
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            let second = try #require(await connection.helperProcessID)
            #expect(second != first)
        }
    }

    @Test func `a helper killed in the middle of a signature costs nothing but time`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connectFaulty("hang", once: true)
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let first = try #require(await connection.helperProcessID)
            let killer = Task {
                try await Task.sleep(for: .milliseconds(500))
                kill(first, SIGKILL)
            }
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            try await killer.value
        }
    }

    @Test func `a frozen helper meets the deadline, is ended, and the next call has a new one`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect(deadline: .milliseconds(700))
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let first = try #require(await connection.helperProcessID)
            try await freeze(first)
            let start = ContinuousClock.now
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .deadline)
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(!isRunning(first))
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
        }
    }

    @Test func `a module that crashes in every signature is tried twice and leaves the caller alive`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connectFaulty("abort")
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .crashed)
            #expect(error?.reason.contains("signal 6") == true)
        }
    }

    @Test(arguments: ["abort", "lost", "pipe"])
    func `a fault that happens once is not seen`(fault: String) async throws {
        try await withKey { softHSM in
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty(fault, once: true))
            _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
        }
    }

    @Test func `a module that loses its token for good says so`() async throws {
        try await withKey { softHSM in
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty("lost"))
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .lost)
            #expect(error?.reason.contains("CKR_DEVICE_ERROR") == true)
        }
    }

    @Test func `a module that writes into a closed pipe does not end its helper`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connectFaulty("pipe")
            let key = try await TokenKey(try uri(Self.name), on: connection)
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .lost)
        }
    }

    @Test func `a wrong signature does not get out`() async throws {
        try await withKey { softHSM in
            let key = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty("wrong"))
            await #expect(throws: KeyError(.unconfirmedSignature, "")) {
                _ = try await verifiedSignature(by: key, over: message, scheme: Self.scheme)
            }
            let short = try await TokenKey(try uri(Self.name), on: try softHSM.connectFaulty("short"))
            let error = await failure { _ = try await short.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .failed)
        }
    }

    @Test func `a key that took another's place is not signed with`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect()
            let key = try await TokenKey(try uri(Self.name), on: connection)
            await connection.close()
            for type in ["privkey", "pubkey"] {
                try softHSM.pkcs11Tool(["--delete-object", "--type", type, "--label", "k"])
            }
            _ = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connect())
            let error = await failure { _ = try await key.signature(over: message, scheme: Self.scheme) }
            #expect(error?.code == .key)
            #expect(error?.reason.contains("another one") == true)
        }
    }

    @Test func `a module path that is no module is refused with the reason`() async throws {
        try await withKey { softHSM in
            let text = softHSM.directory.appendingPathComponent("text.so").path
            try Data("no library".utf8).write(to: URL(fileURLWithPath: text))
            let open = softHSM.directory.appendingPathComponent("open.so").path
            try Data(contentsOf: URL(fileURLWithPath: SoftHSM.module)).write(to: URL(fileURLWithPath: open))
            chmod(open, 0o666)
            for path in [
                text, open, "/nowhere/module.so", softHSM.directory.path, "libsofthsm2.so",
                "/lib/x86_64-linux-gnu/libc.so.6",
            ] {
                let error = await failure { _ = try await softHSM.connect(module: path).describe() }
                #expect(error?.code == .module, "\(path): \(error as Any)")
            }
        }
    }

    @Test(arguments: [0o664, 0o646] as [mode_t])
    func `a module that others can write is not loaded`(mode: mode_t) async throws {
        try await SoftHSM.withToken { softHSM in
            let module = softHSM.directory.appendingPathComponent("module.so").path
            try Data(contentsOf: URL(fileURLWithPath: SoftHSM.module)).write(to: URL(fileURLWithPath: module))
            chmod(module, 0o644)
            _ = try await softHSM.connect(module: module).describe()
            chmod(module, mode)
            let error = await failure { _ = try await softHSM.connect(module: module).describe() }
            #expect(error?.code == .module)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file to somebody else"))
    func `a module of another user is not loaded`() async throws {
        try await SoftHSM.withToken { softHSM in
            let module = softHSM.directory.appendingPathComponent("module.so").path
            try Data(contentsOf: URL(fileURLWithPath: SoftHSM.module)).write(to: URL(fileURLWithPath: module))
            chmod(module, 0o644)
            chown(module, 65_534, 65_534)
            let error = await failure { _ = try await softHSM.connect(module: module).describe() }
            #expect(error?.code == .module && error?.reason.contains("65534") == true)
        }
    }

    @Test func `a helper leaves no core file with the PIN in it`() async throws {
        try await withKey { softHSM in
            let connection = try softHSM.connect()
            _ = try await connection.describe()
            let id = try #require(await connection.helperProcessID)
            let limits = try String(contentsOfFile: "/proc/\(id)/limits", encoding: .utf8)
            #expect(limits.contains(#/Max core file size +0 +0 /#))
        }
    }

    @Test func `a helper that is not there, or is another program, is an error`() async throws {
        try await SoftHSM.withToken { softHSM in
            let echo = softHSM.directory.appendingPathComponent("echo").path
            try Data("#!/bin/sh\nexec cat\n".utf8).write(to: URL(fileURLWithPath: echo))
            chmod(echo, 0o700)
            for (program, code) in [
                ("/nowhere/p11", TokenError.Code.start), ("/bin/true", .crashed), (echo, .wire),
            ] {
                let settings = TokenSettings(module: SoftHSM.module, program: program, deadline: .seconds(5))
                let connection = TokenConnection(try uri("pkcs11:token=a"), settings)
                let error = await failure { _ = try await connection.describe() }
                #expect(error?.code == code, "\(program): \(error as Any)")
            }
        }
    }

    @Test func `a helper ends with its client, even while its module hangs`() async throws {
        try await withKey { softHSM in
            let quiet = try softHSM.connect()
            _ = try await quiet.describe()
            let one = try #require(await quiet.helperProcessID)
            await quiet.close()
            #expect(!isRunning(one))
            let hanging = try softHSM.connectFaulty("finalize-hang")
            _ = try await hanging.describe()
            let two = try #require(await hanging.helperProcessID)
            await hanging.close()
            #expect(!isRunning(two))
        }
    }
}
