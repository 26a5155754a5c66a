import Foundation
import SigningKeys
import SoftHSM
import Synchronization
import Testing
import TokenWire

@testable import TokenKeys

/// The programs and modules beside the test bundle.
let products = Bundle.main.bundlePath

extension SoftHSM {
    /// A connection to a token of this directory.
    func connect(
        _ uri: String = "pkcs11:token=roadstead", module: String = SoftHSM.module, pin: String? = SoftHSM.pin,
        deadline: Duration = .seconds(30), allowsLastPINTries: Bool = false, recovery: Duration = .milliseconds(500),
        pinMemory: PINMemory? = nil, _ more: [String: String] = [:]
    ) throws -> TokenConnection {
        let settings = TokenSettings(
            module: module, program: products + "/roadstead-p11", deadline: deadline,
            environment: environment.merging(more) { $1 }, allowsLastPINTries: allowsLastPINTries,
            recovery: recovery, pinMemory: pinMemory
        ) { _ in pin.map { Secret($0) } }
        return TokenConnection(try TokenURI(uri), settings)
    }

    /// A connection through the module that has faults.
    func connectFaulty(
        _ fault: String, once: Bool = false, pin: String? = SoftHSM.pin, deadline: Duration = .seconds(30),
        allowsLastPINTries: Bool = false, pinMemory: PINMemory? = nil
    ) throws -> TokenConnection {
        var more = loggingLogins.merging(["FAULT": fault]) { $1 }
        if once {
            try Data().write(to: flag)
            more["FAULT_ONCE"] = flag.path
        }
        return try connect(
            module: products + "/libFaultyModule.so", pin: pin, deadline: deadline,
            allowsLastPINTries: allowsLastPINTries, pinMemory: pinMemory, more)
    }

    /// Makes the faulty module count how often it is given a PIN.
    var loggingLogins: [String: String] { ["FAULT_LOG": log.path] }

    private var flag: URL { directory.appendingPathComponent("fault") }
    private var log: URL { directory.appendingPathComponent("logins") }

    /// How many times the faulty module was given a PIN.
    var logins: Int {
        (try? String(contentsOf: log, encoding: .utf8))?.split(separator: "\n").count ?? 0
    }
}

let message = Array("what is signed".utf8)

func uri(_ text: String) throws -> TokenURI { try TokenURI(text) }

/// The kind of error that a call ends with.
func failure(_ body: () async throws -> Void) async -> TokenError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? TokenError
    }
}

/// Whether a process is there and has not ended.
func isRunning(_ id: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return false }
    return stat.split(separator: ")").last.map { !$0.hasPrefix(" Z") } ?? false
}

/// Stops a process, and returns once every one of its threads has stopped: a signal reaches them one after the other.
func freeze(_ id: Int32) async throws {
    kill(id, SIGSTOP)
    for _ in 0..<1_000 {
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")
        let stats = tasks.compactMap { try? String(contentsOfFile: "/proc/\(id)/task/\($0)/stat", encoding: .utf8) }
        if stats.allSatisfy({ $0.split(separator: ")").last?.hasPrefix(" T") == true }) { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("process \(id) does not stop")
}
