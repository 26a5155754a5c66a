package import Codecs
import Foundation
import PythonEnvironment
import Synchronization

/// A real OpenID provider on loopback, in a process of its own; `provider.py` is the provider.
package final class TestProvider: Sendable {
    private struct Pipes: @unchecked Sendable {
        let process: Process
        let requests: Pipe
        let answers: Pipe
    }

    package static let clientID = "roadstead-cli"

    private let pipes: Mutex<Pipes>
    package let issuer: String

    package struct Failed: Error, CustomStringConvertible { package let description: String }

    package init() throws {
        let pipes = Pipes(process: Process(), requests: Pipe(), answers: Pipe())
        pipes.process.executableURL = PythonEnvironment.python
        pipes.process.arguments = [
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "provider.py").path
        ]
        pipes.process.standardInput = pipes.requests
        pipes.process.standardOutput = pipes.answers
        try pipes.process.run()
        issuer = String(decoding: try Self.line(pipes), as: UTF8.self)
        self.pipes = Mutex(pipes)
    }

    deinit {
        pipes.withLock {
            try? $0.requests.fileHandleForWriting.close()
            $0.process.waitUntilExit()
        }
    }

    @discardableResult
    package func control(_ request: JSON) throws -> JSONObject {
        try pipes.withLock { pipes in
            try pipes.requests.fileHandleForWriting.write(contentsOf: Data(request.bytes + [UInt8(ascii: "\n")]))
            return try JSON(parsing: try Self.line(pipes)).object("answer")
        }
    }

    /// A token with these claims, by the key of a name unless the rest of the request says otherwise.
    package func token(_ claims: JSON, key: String = "rsa", _ more: [(String, JSON)] = []) throws -> String {
        let request = JSON.object(JSONObject([("op", "token"), ("claims", claims), ("key", .string(key))] + more))
        return try control(request).string("token", in: "answer")
    }

    /// The claims of a good token, before some are changed.
    package func claims(
        of subject: String = "carol", now: UTCDate, audience: String = clientID, _ more: [(String, JSON)] = []
    ) -> JSON {
        var claims = JSONObject([
            ("iss", .string(issuer)), ("sub", .string(subject)), ("aud", .string(audience)),
            ("iat", .integer(now.seconds)), ("exp", .integer(now.seconds + 300)),
        ])
        for (name, value) in more { claims[name] = value }
        return .object(claims)
    }

    /// How often a path was asked for.
    package func hits(_ path: String) throws -> Int64 {
        try control(["op": "hits"]).object("hits", in: "answer")[path]?.integerOrNil ?? 0
    }

    private static func line(_ pipes: Pipes) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.last != UInt8(ascii: "\n") {
            guard let next = try pipes.answers.fileHandleForReading.read(upToCount: 1), !next.isEmpty else {
                throw Failed(description: "the provider ended")
            }
            bytes += [UInt8](next)
        }
        return bytes.dropLast()
    }
}
