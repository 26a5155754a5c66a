import AsyncHTTPClient
import Codecs
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import OCI

/// Debian's registry, alone on a port of this machine with a directory of its own.
package struct DebianRegistry {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package static let program = "/usr/bin/docker-registry"

    /// The one who is let in, where not everybody is.
    package struct User: Sendable {
        package let name: String
        package let password: String
        /// bcrypt, as htpasswd writes it.
        let hash: String

        package static let standard = User(
            name: "ci", password: "pa55word", hash: "$2y$05$abcdefghijklmnopqrstuur.ZxEKly2fYX6K.hrvYXsoEaKgtr95a")

        package var basic: String { Base64.encode(Array("\(name):\(password)".utf8)) }
    }

    package let host: String
    package let user: User?

    /// Starts it, runs the body, and takes both away.
    ///
    /// - Parameter user: who alone is let in; nil for everybody.
    package static func run<Value>(
        user: User? = nil, _ body: (DebianRegistry) async throws -> Value
    ) async throws -> Value {
        guard FileManager.default.fileExists(atPath: program) else {
            throw Failure(description: "\(program) is missing: make setup installs docker-registry")
        }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("registry.\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let port = try await freePort()
        let configuration = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(directory.path)}}
            http: {addr: "127.0.0.1:\(port)"}
            \(try authentication(user, in: directory))

            """
        let file = directory.appendingPathComponent("config.yml")
        try Data(configuration.utf8).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["serve", file.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let registry = DebianRegistry(host: "127.0.0.1:\(port)", user: user)
        let result: Result<Value, any Error>
        do {
            try await registry.waitUntilReady()
            result = .success(try await body(registry))
        } catch { result = .failure(error) }
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
        return try result.get()
    }

    private static func authentication(_ user: User?, in directory: URL) throws -> String {
        guard let user else { return "" }
        let file = directory.appendingPathComponent("htpasswd")
        try Data("\(user.name):\(user.hash)\n".utf8).write(to: file)
        return "auth: {htpasswd: {realm: test, path: \(file.path)}}"
    }

    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        defer { channel.close(promise: nil) }
        guard let port = channel.localAddress?.port else { throw Failure(description: "no port is free") }
        return port
    }

    private func waitUntilReady() async throws {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            let answer = try? await HTTPClient.shared.execute(
                HTTPClientRequest(url: "http://\(host)/v2/"), timeout: .seconds(1))
            if answer?.status == .ok || (user != nil && answer?.status == .unauthorized) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(description: "docker-registry does not answer")
    }

    /// [OCI distribution specification, "Pushing a blob monolithically"]
    package func push(blob: [UInt8], to repository: String) async throws {
        var start = HTTPClientRequest(url: "http://\(host)/v2/\(repository)/blobs/uploads/")
        start.method = .POST
        authorize(&start)
        let opened = try await HTTPClient.shared.execute(start, timeout: .seconds(10))
        guard let location = opened.headers.first(name: "Location") else {
            throw Failure(description: "no upload was opened: \(opened.status)")
        }
        let absolute = location.hasPrefix("/") ? "http://\(host)\(location)" : location
        let separator = absolute.contains("?") ? "&" : "?"
        try await put("\(absolute)\(separator)digest=\(Digest(of: blob))", blob, "application/octet-stream")
    }

    package func push(manifest: [UInt8], type: String, as name: String, to repository: String) async throws {
        try await put("http://\(host)/v2/\(repository)/manifests/\(name)", manifest, type)
    }

    private func authorize(_ request: inout HTTPClientRequest) {
        if let user { request.headers.add(name: "Authorization", value: "Basic \(user.basic)") }
    }

    private func put(_ url: String, _ body: [UInt8], _ type: String) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .PUT
        authorize(&request)
        request.headers.add(name: "Content-Type", value: type)
        request.body = .bytes(ByteBuffer(bytes: body))
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        guard answer.status == .created else {
            let text = try await answer.body.collect(upTo: 4_096)
            throw Failure(description: "\(url): \(answer.status) \(String(buffer: text))")
        }
    }
}
