import Codecs
import Foundation
import Synchronization

/// A program that takes one JSON request a line and answers with one JSON line, and ends when its input does.
final class LineProcess: Sendable {
    private struct Pipes: @unchecked Sendable {
        let process = Process()
        let requests = Pipe()
        let answers = Pipe()
    }

    private let pipes: Mutex<Pipes>

    init(_ program: [String]) throws {
        let pipes = Pipes()
        pipes.process.executableURL = URL(fileURLWithPath: program[0])
        pipes.process.arguments = Array(program.dropFirst())
        pipes.process.standardInput = pipes.requests
        pipes.process.standardOutput = pipes.answers
        try pipes.process.run()
        self.pipes = Mutex(pipes)
    }

    deinit {
        pipes.withLock {
            try? $0.requests.fileHandleForWriting.close()
            $0.process.waitUntilExit()
        }
    }

    func ask(_ request: JSON) throws -> JSONObject {
        try pipes.withLock { pipes in
            try pipes.requests.fileHandleForWriting.write(contentsOf: Data(request.bytes + [UInt8(ascii: "\n")]))
            return try Self.read(pipes)
        }
    }

    /// What the program says without being asked.
    func greeting() throws -> JSONObject { try pipes.withLock { try Self.read($0) } }

    private static func read(_ pipes: Pipes) throws -> JSONObject {
        var bytes: [UInt8] = []
        while bytes.last != UInt8(ascii: "\n") {
            guard let next = try pipes.answers.fileHandleForReading.read(upToCount: 1), !next.isEmpty else {
                throw ServerProcess.Failure(description: "a program of the tests ended without an answer")
            }
            bytes += [UInt8](next)
        }
        return try JSON(parsing: Array(bytes.dropLast())).object("the answer")
    }
}
