import AsyncHTTPClient
import Codecs
import Foundation
import NIOCore
import NIOHTTP1
import ReleaseCriteria
import SignerClient
import SigningKeys
import Synchronization

/// The built `roadstead-signer`, run as a process of its own.
final class SignerProcess: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    static let products = Bundle.main.bundlePath

    let port: Int
    private let process: Process
    private let output: Output

    private final class Output: Sendable {
        let text = Mutex("")
    }

    /// Starts the program and waits until it says where it serves.
    init(_ configuration: String, environment: [String: String] = [:]) async throws {
        let (process, output, pipe) = (Process(), Output(), Pipe())
        process.executableURL = URL(fileURLWithPath: Self.products + "/roadstead-signer")
        process.arguments = ["serve", "--config", configuration]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        pipe.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            output.text.withLock { $0 += String(decoding: data, as: UTF8.self) }
        }
        try process.run()
        (self.process, self.output) = (process, output)
        for _ in 0..<600 {
            let text = output.text.withLock { $0 }
            if let match = text.firstMatch(of: /serving at https?:\/\/[^ ]*:(\d+)\n/), let port = Int(match.1) {
                self.port = port
                return
            }
            if !process.isRunning { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        if process.isRunning { process.terminate() }
        throw Failure(description: "roadstead-signer did not start: \(output.text.withLock { $0 })")
    }

    /// Where operators ask, once the program has said so.
    func operatorPort() async throws -> Int {
        for _ in 0..<200 {
            let text = output.text.withLock { $0 }
            if let match = text.firstMatch(of: /metrics at https?:\/\/[^ ]*:(\d+)\n/), let port = Int(match.1) {
                return port
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(description: "no listener for operators: \(output.text.withLock { $0 })")
    }

    /// Runs the body beside the program, and ends it whatever happens.
    static func with<Value>(
        _ configuration: String, environment: [String: String] = [:], _ body: (SignerProcess) async throws -> Value
    ) async throws -> Value {
        let signer = try await SignerProcess(configuration, environment: environment)
        do {
            let value = try await body(signer)
            signer.stop()
            return value
        } catch {
            signer.stop()
            throw error
        }
    }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// Asks the program to end, as service managers do; returns how long it took.
    func end() async throws -> Duration {
        let start = ContinuousClock.now
        process.terminate()
        while process.isRunning {
            guard .now - start < .seconds(60) else { throw Failure(description: "roadstead-signer does not end") }
            try await Task.sleep(for: .milliseconds(10))
        }
        return .now - start
    }

    var exitStatus: Int32 { process.terminationStatus }

    /// What it said on standard error so far.
    var said: String { output.text.withLock { $0 } }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Runs another command of the program to its end.
    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: products + "/roadstead-signer")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    // MARK: requests

    func send(
        _ method: String, _ path: String, _ body: [UInt8] = [], token: String? = Scene.token
    ) async throws -> (status: Int, body: JSON) {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = .init(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response: HTTPClientResponse
        do {
            response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        } catch {
            let state = process.isRunning ? "runs" : "ended with \(process.terminationStatus)"
            throw Failure(description: "\(error); the program \(state): \(output.text.withLock { $0 })")
        }
        let bytes = Array(try await response.body.collect(upTo: 4 << 20).readableBytesView)
        return (Int(response.status.code), try JSON(parsing: bytes))
    }

    /// Waits until a key is in a state.
    func wait(for key: String = "release", ready: Bool = true) async throws {
        for _ in 0..<600 {
            let states = try await send("GET", "/readyz", token: nil).body.object("state").array("keys", in: "state")
            let isReady = states.contains {
                $0.objectOrNil?["name"]?.stringOrNil == key && $0.objectOrNil?["ready"] == .bool(ready)
            }
            if isReady { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(
            description: "the key \(key) did not get \(ready ? "ready" : "away"): \(output.text.withLock { $0 })")
    }

    /// The key's backend, as the command line opens it.
    func keys(_ context: SigningCase = SigningCase()) -> RemoteKeys {
        RemoteKeys(context: context) { _ in
            var access = SignerAccess()
            access.token = Secret(Scene.token)
            access.isPlain = true
            return access
        }
    }

    func open(_ name: String = "release", _ context: SigningCase = SigningCase()) async throws -> OpenedKey {
        try await keys(context).open(try KeyName("roadstead://127.0.0.1:\(port)/\(name)"))
    }
}
