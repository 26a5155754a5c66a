package import Codecs
import Foundation

/// python-tuf's own client in a process of its own, fed one request a line.
package final class StockClient {
    private let process = Process()
    private let requests = Pipe()
    private let answers = Pipe()
    private var unread: [UInt8] = []

    package init() throws {
        process.executableURL = PythonEnvironment.python
        process.arguments = [PythonEnvironment.root.appending(path: "Tests/Support/python-tuf/stock_client.py").path]
        process.standardInput = requests
        process.standardOutput = answers
        try process.run()
    }

    deinit {
        try? requests.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    package struct Refused: Error, CustomStringConvertible { package let description: String }

    /// Refreshes and downloads the targets, as a host with the given state directory; returns the files' SHA-256.
    package func refresh(
        _ repository: String, client: String, bootstrap: String?, now: UTCDate, targets: [String]
    ) throws -> [String: String] {
        let request: JSON = [
            "repository": .string(repository), "client": .string(client),
            "bootstrap": bootstrap.map { .string($0) } ?? .null,
            "now": .integer(now.seconds), "targets": .array(targets.map { .string($0) }),
        ]
        try requests.fileHandleForWriting.write(contentsOf: Data(request.bytes + [UInt8(ascii: "\n")]))
        let answer = try JSON(parsing: try readLine()).object("answer")
        if let error = answer["error"] { throw Refused(description: try error.string("error")) }
        return try answer.object("files", in: "answer").members.reduce(into: [:]) {
            $0[$1.name] = try $1.value.string("digest")
        }
    }

    private func readLine() throws -> [UInt8] {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return Array(unread[..<end])
            }
            let more = answers.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Refused(description: "the stock client ended without an answer") }
            unread += [UInt8](more)
        }
    }
}
