import Files
import RepositorySimulation
import SigningKeys
import TUF
import TUFClient
import Testing

/// Servers that lie, stall, flood and send elsewhere.
@Suite struct ServerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let misbehaviour: Misbehaviour
    }

    static let cases: [Case] = [
        Case(testDescription: "status 500", misbehaviour: .answer("500 Internal Server Error")),
        Case(testDescription: "status 503", misbehaviour: .answer("503 Busy", headers: ["Content-Length: 0"])),
        Case(testDescription: "status 204", misbehaviour: .answer("204 No Content")),
        Case(
            testDescription: "an HTML page",
            misbehaviour: .answer(
                "200 OK", headers: ["Content-Type: text/html"], body: Array("<html>Please log in</html>".utf8))),
        Case(testDescription: "an empty file", misbehaviour: .answer("200 OK", headers: ["Content-Length: 0"])),
        Case(
            testDescription: "a gzip bomb",
            misbehaviour: .answer(
                "200 OK", headers: ["Content-Encoding: gzip"], body: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1])),
        Case(testDescription: "an endless body", misbehaviour: .endless(announced: false)),
        Case(testDescription: "an announced endless body", misbehaviour: .endless(announced: true)),
        Case(testDescription: "a slow body", misbehaviour: .dripping),
        Case(testDescription: "silence", misbehaviour: .silence),
        Case(testDescription: "a body cut short", misbehaviour: .cutShort),
    ]

    @Test(arguments: cases, ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
    func `is an error in good time and what was trusted stays`(_ bad: Case, path: String) async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        sandbox.server.misbehave(path, bad.misbehaviour)
        try await sandbox.server.serving {
            let start = ContinuousClock.now
            await #expect(throws: TUFError(.unavailable, "")) {
                do { try await sandbox.refresh("--request-seconds", "1") } catch let error as TUFError {
                    // A page that is no metadata is malformed, which is as good a refusal.
                    throw error.code == .malformed ? TUFError(.unavailable, error.reason) : error
                }
            }
            #expect(start.duration(to: .now) < .seconds(10))
            #expect(try sandbox.cached("root.json") == sandbox.repository.firstRoot)
            sandbox.server.misbehave(path, nil)
            try await sandbox.refresh()
            #expect(sandbox.isCurrent())
        }
    }

    @Test func `a redirect is not followed`() async throws {
        let (sandbox, elsewhere) = (try await Sandbox(), try await Sandbox())
        try await sandbox.initialise()
        try await elsewhere.server.serving {
            let headers = ["Location: \(elsewhere.server.metadataURL)timestamp.json", "Content-Length: 0"]
            sandbox.server.misbehave("timestamp.json", .answer("302 Found", headers: headers))
            try await sandbox.server.serving {
                await #expect(throws: TUFError(.unavailable, "")) { try await sandbox.refresh() }
            }
            #expect(elsewhere.server.takeRequests().isEmpty)
        }
    }

    @Test func `the deadline of the whole run holds however many requests there are`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        sandbox.server.misbehave(nil, .late(400))
        try await sandbox.server.serving {
            let start = ContinuousClock.now
            await #expect(throws: TUFError(.unavailable, "")) {
                try await sandbox.refresh("--request-seconds", "5", "--total-seconds", "1")
            }
            #expect(start.duration(to: .now) < .seconds(4))
        }
    }

    @Test func `endless roots end at the limit, and the next run goes on from there`() async throws {
        let sandbox = try await Sandbox()
        for _ in 0..<260 { try await sandbox.repository.publish(.root) }
        sandbox.server.serve(sandbox.repository)
        try await sandbox.initialise()
        try await sandbox.server.serving {
            try await sandbox.refresh()
            #expect(try sandbox.cached("root.json") == sandbox.repository.files["257.root.json"])
            try await sandbox.refresh()
            #expect(sandbox.isCurrent())
        }
    }

    @Test(arguments: ["403 Forbidden", "404 Not Found", "410 Gone"])
    func `only a status that says so means that there is no newer root`(status: String) async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        let page = Array("<html>no</html>".utf8)
        sandbox.server.misbehave("2.root.json", .answer(status, body: page))
        try await sandbox.server.serving { try await sandbox.refresh() }
        #expect(sandbox.isCurrent())
    }

    @Test func `a target that is too long, too short or other content is not stored`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        let path = try #require(sandbox.repository.files.keys.first { $0.hasSuffix(".a.txt") })
        for content in ["content of b", "content of a, and more", "content"] {
            sandbox.repository.files[path] = Array(content.utf8)
            sandbox.server.serve(sandbox.repository)
            try await sandbox.server.serving {
                await #expect(throws: (any Error).self) {
                    try await sandbox.run(sandbox.downloadArguments("files/a.txt"))
                }
            }
            #expect(try Files.list(sandbox.targets).isEmpty)
        }
    }

    @Test func `nothing is requested but what is needed`() async throws {
        let sandbox = try await Sandbox()
        try await sandbox.initialise()
        try await sandbox.server.serving {
            try await sandbox.refresh()
            let paths = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
            #expect(sandbox.server.takeRequests() == paths.map { "/metadata/" + $0 })
            try await sandbox.run(sandbox.downloadArguments("files/a.txt"))
            #expect(sandbox.server.takeRequests().count == 3)
            try await sandbox.run(sandbox.downloadArguments("files/a.txt"))
            #expect(sandbox.server.takeRequests() == ["/metadata/2.root.json", "/metadata/timestamp.json"])
        }
    }
}
