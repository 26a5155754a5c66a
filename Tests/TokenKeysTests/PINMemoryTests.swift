import Foundation
import SigningKeys
import SoftHSM
import Testing
import TokenWire

@testable import TokenKeys

@Suite struct PINMemoryTests {
    private static let name = "pkcs11:token=roadstead;object=k"
    private static let token = TokenDescription(
        label: "t", serial: "1", manufacturer: "m", model: "x", requiresLogin: true, hasOwnKeypad: false)

    private func withMemory(_ body: (PINMemory, URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("pins.\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(PINMemory(directory: directory.path), directory)
    }

    @Test func `a PIN that one process had refused is not given by the next, and the right one is`() async throws {
        try await withMemory { memory, _ in
            try await SoftHSM.withToken { softHSM in
                _ = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connect())
                func ask(_ pin: String) async throws -> TokenError? {
                    let connection = try softHSM.connectFaulty(
                        "none", pin: pin, allowsLastPINTries: true, pinMemory: memory)
                    return await failure { _ = try await connection.privateKey(try uri(Self.name)) }
                }
                #expect(try await ask("111111")?.code == .pinWrong)
                #expect(softHSM.logins == 1)
                let again = try await ask("111111")
                #expect(again?.code == .pinWrong && again?.reason.contains("before") == true)
                #expect(softHSM.logins == 1)
                #expect(try await ask(SoftHSM.pin) == nil)
                #expect(softHSM.logins == 2)
                // The token took another one, so what it refused before tells nothing any more.
                #expect(try await ask("111111")?.code == .pinWrong)
                #expect(softHSM.logins == 3)
            }
        }
    }

    @Test func `of programs that begin together with one wrong PIN, one gives it to the token`() async throws {
        try await withMemory { memory, _ in
            try await SoftHSM.withToken { softHSM in
                let connections = try (0..<6).map { _ in
                    try softHSM.connectFaulty("no-count", pin: "111111", pinMemory: memory)
                }
                // Each at its token first: SoftHSM finds none while another writes down that a PIN was wrong.
                for connection in connections { _ = try await connection.describe() }
                let failures = await withTaskGroup(of: TokenError?.self) { group in
                    for connection in connections {
                        group.addTask { await failure { _ = try await connection.privateKey(try uri(Self.name)) } }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(failures.map(\.?.code) == Array(repeating: .pinWrong, count: 6), "\(failures)")
                #expect(softHSM.logins == 1)
            }
        }
    }

    @Test func `where nothing can be written down, no PIN is given`() async throws {
        try await SoftHSM.withToken { softHSM in
            let memory = PINMemory(directory: "/proc/none/pins")
            let connection = try softHSM.connectFaulty("none", pinMemory: memory)
            let error = await failure { _ = try await connection.privateKey(try uri(Self.name)) }
            #expect(error?.code == .failed && error?.hint?.contains("XDG_STATE_HOME") == true)
            #expect(softHSM.logins == 0)
        }
    }

    @Test func `a login that hung is no refusal, and the next process gives the PIN`() async throws {
        try await withMemory { memory, _ in
            try await SoftHSM.withToken { softHSM in
                _ = try await TokenKey.generate(.p256, try uri(Self.name), on: try softHSM.connect())
                let hanging = try softHSM.connectFaulty(
                    "login-hang", once: true, deadline: .milliseconds(700), pinMemory: memory)
                let hung = await failure { _ = try await hanging.privateKey(try uri(Self.name)) }
                #expect(hung?.code == .deadline)
                _ = try await softHSM.connect(pinMemory: memory).privateKey(try uri(Self.name))
            }
        }
    }

    @Test func `the memory holds two bytes of a slow hash, for its owner alone`() async throws {
        try await withMemory { memory, directory in
            try memory.add(Secret("482915"), Self.token)
            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory.path).first)
            let file = directory.appendingPathComponent(name)
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(!text.contains("482915"))
            #expect(text.contains(/"refused":\["[0-9a-f]{4}"\]/))
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let start = ContinuousClock.now
            #expect(throws: TokenError(.pinWrong, "")) { try memory.check(Secret("482915"), Self.token) }
            #expect(ContinuousClock.now - start > .milliseconds(20))
            try memory.check(Secret("482916"), Self.token)
            try memory.clear(Self.token)
            try memory.check(Secret("482915"), Self.token)
        }
    }

    @Test func `a memory that cannot be read, or that others can, stops the PIN`() async throws {
        try await withMemory { memory, directory in
            try memory.add(Secret("1"), Self.token)
            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory.path).first)
            let file = directory.appendingPathComponent(name)
            chmod(file.path, 0o644)
            #expect(throws: TokenError(.failed, "")) { try memory.check(Secret("2"), Self.token) }
            try Data("{}".utf8).write(to: file)
            chmod(file.path, 0o600)
            #expect(throws: TokenError(.failed, "")) { try memory.check(Secret("2"), Self.token) }
        }
    }

    @Test func `it lies in the user's state directory`() {
        #expect(PINMemory(environment: [:]) == nil)
        #expect(PINMemory(environment: ["HOME": "relative"]) == nil)
        #expect(PINMemory(environment: ["HOME": "/home/a"]) != nil)
    }
}
