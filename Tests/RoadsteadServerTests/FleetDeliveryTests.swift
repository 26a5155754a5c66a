import Files
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite struct FleetDeliveryTests {
    private static let timestamp = "/fleets/demo/metadata/timestamp.json"

    /// Runs the closure against a server that has published one release.
    private func withServer(
        _ setup: TestingSetup = .router, _ body: @Sendable (DeliveryServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await withScratch { folder in
            let server = try DeliveryServer(directory: folder)
            try await server.refresh()
            try await server.application().test(setup) { client in try await body(server, client) }
        }
    }

    @Test func `the timestamp has a strong ETag and may be kept for five seconds`() async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: Self.timestamp, method: .get)
            #expect(answer.status == .ok)
            #expect(String(buffer: answer.body) == "timestamp 1")
            #expect(answer.headers[.cacheControl] == "public, max-age=5, must-revalidate")
            let etag = try #require(answer.headers[.eTag])
            #expect(etag.count == 66 && etag.hasPrefix("\"") && etag.hasSuffix("\""))
            #expect(answer.headers[.contentEncoding] == nil)
        }
    }

    @Test(arguments: ["exact", "weak", "list", "star"])
    func `a known ETag is answered with 304 and no body`(form: String) async throws {
        try await withServer(.live) { _, client in
            let etag = try #require(try await client.execute(uri: Self.timestamp, method: .get).headers[.eTag])
            let header = ["exact": etag, "weak": "W/\(etag)", "list": "\"x\", \(etag)", "star": "*"][form] ?? ""
            let answer = try await client.execute(uri: Self.timestamp, method: .get, headers: [.ifNoneMatch: header])
            #expect(answer.status == .notModified)
            #expect(answer.body.readableBytes == 0)
            #expect(answer.headers[.eTag] == etag)
        }
    }

    @Test func `another ETag brings the whole file`() async throws {
        try await withServer { _, client in
            let answer = try await client.execute(
                uri: Self.timestamp, method: .get, headers: [.ifNoneMatch: "\"0000\""])
            #expect(answer.status == .ok)
        }
    }

    @Test(arguments: ["metadata/1.root.json", "metadata/1.snapshot.json", "targets/acme/abc.ca.prod.pem"])
    func `everything but the timestamp may be kept for ever`(file: String) async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: "/fleets/demo/\(file)", method: .get)
            #expect(answer.status == .ok)
            #expect(answer.headers[.cacheControl] == "public, max-age=31536000, immutable")
        }
    }

    @Test func `the next root is 404 with an empty body that is soon asked for again`() async throws {
        try await withServer(.live) { server, client in
            let reads = server.source.reads
            let answer = try await client.execute(uri: "/fleets/demo/metadata/2.root.json", method: .get)
            #expect(answer.status == .notFound)
            #expect(answer.body.readableBytes == 0)
            #expect(answer.headers[.cacheControl] == "public, max-age=5")
            #expect(server.source.reads == reads)
        }
    }

    @Test func `HEAD answers as GET without a body`() async throws {
        try await withServer(.live) { _, client in
            let answer = try await client.execute(uri: Self.timestamp, method: .head)
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentLength] == "11")
            #expect(answer.body.readableBytes == 0)
        }
    }

    @Test func `an immutable file is read from its source once`() async throws {
        try await withServer { server, client in
            _ = try await client.execute(uri: "/fleets/demo/metadata/1.snapshot.json", method: .get)
            let reads = server.source.reads
            _ = try await client.execute(uri: "/fleets/demo/metadata/1.snapshot.json", method: .get)
            #expect(server.source.reads == reads)
        }
    }

    @Test(arguments: [
        "/fleets/demo/metadata/../../etc/passwd", "/fleets/demo/metadata/..", "/fleets/demo/metadata/.hidden",
        "/fleets/demo/metadata/a%2fb", "/fleets/demo/other/x", "/fleets/DEMO/metadata/1.root.json", "/fleets/demo",
        "/fleets//metadata/x", "/fleets/demo/targets/x", "/fleets/nobody/metadata/timestamp.json",
    ])
    func `a path that names no file is 404`(path: String) async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: path, method: .get)
            #expect(answer.status == .notFound)
        }
    }

    @Test func `other methods are refused`() async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: Self.timestamp, method: .put)
            #expect(answer.status == .methodNotAllowed)
            #expect(answer.headers[.allow] == "GET, HEAD")
        }
    }

    @Test func `while the database is away files are served from disk, and the next root is still absent`() async throws
    {
        try await withServer { server, client in
            server.source.setAway(true)
            #expect(try await client.execute(uri: Self.timestamp, method: .get).status == .ok)
            let target = try await client.execute(uri: "/fleets/demo/targets/acme/abc.ca.prod.pem", method: .get)
            #expect(String(buffer: target.body) == "anchors")
            let root = try await client.execute(uri: "/fleets/demo/metadata/2.root.json", method: .get)
            #expect(root.status == .notFound)
        }
    }

    @Test func `a file that is not known while the database is away is 503, never 404`() async throws {
        try await withServer { server, client in
            server.source.setAway(true)
            let answer = try await client.execute(uri: "/fleets/demo/metadata/7.snapshot.json", method: .get)
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.headers[.retryAfter] != nil)
        }
    }

    @Test func `a server that starts again serves from disk before it has heard of the database`() async throws {
        try await withScratch { folder in
            try await DeliveryServer(directory: folder).refresh()
            let restarted = try DeliveryServer(directory: folder)
            restarted.source.setAway(true)
            try await restarted.application().test(.router) { client in
                let answer = try await client.execute(uri: Self.timestamp, method: .get)
                #expect(String(buffer: answer.body) == "timestamp 1")
            }
        }
    }

    @Test func `a root comes to disk after everything else, and what could not be copied is tried again`() async throws
    {
        try await withScratch { folder in
            let server = try DeliveryServer(directory: folder)
            try await server.refresh()
            let (root, obstacle) = ("\(folder)/demo/metadata/2.root.json", "\(folder)/demo/targets/beta")
            try Files.write(Array("in the way".utf8), to: obstacle)
            server.source.put("targets/beta/abc.ca.prod.pem", "anchors")
            server.source.put("metadata/2.root.json", "root 2")
            server.source.publish(timestamp: 2, root: 2)
            try await server.refresh()
            #expect(!Files.exists(root))
            try Files.remove(obstacle)
            try await server.refresh()
            #expect(Files.exists(root))
            let timestamp = try Files.read("\(folder)/demo/metadata/timestamp.json", limit: 100, links: .refused)
            #expect(timestamp == Array("timestamp 2".utf8))
        }
    }

    @Test func `a hint that is not new waits until there is something new`() async throws {
        try await withServer { server, client in
            async let answer = client.execute(uri: "/fleets/demo/hint?after=1", method: .get)
            while server.files.hints.waiting == 0 { await Task.yield() }
            server.source.publish(timestamp: 2)
            try await server.refresh()
            #expect(String(buffer: try await answer.body) == "{\"timestamp\":2}")
        }
    }

    @Test func `a hint that is new is answered at once`() async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: "/fleets/demo/hint?after=0", method: .get)
            #expect(String(buffer: answer.body) == "{\"timestamp\":1}")
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test func `a hint that makes no sense is refused with the way out`() async throws {
        try await withServer { _, client in
            let answer = try await client.execute(uri: "/fleets/demo/hint?after=x", method: .get)
            #expect(answer.status == .badRequest)
            #expect(String(buffer: answer.body).contains("server.request"))
        }
    }

    @Test func `who waits too long is let go`() async throws {
        let board = HintBoard()
        let fleet = try FleetName("demo")
        async let waiting: Void = board.wait(fleet, after: 1, for: .zero)
        while board.waiting == 0 { await Task.yield() }
        board.wake([:])
        try await waiting
        #expect(board.waiting == 0)
    }

    @Test func `who goes away waits no longer`() async throws {
        let board = HintBoard()
        let fleet = try FleetName("demo")
        let task = Task { try await board.wait(fleet, after: 1) }
        while board.waiting == 0 { await Task.yield() }
        task.cancel()
        try await task.value
        #expect(board.waiting == 0)
    }
}

@Suite struct FileCacheTests {
    private func file(_ size: Int) throws -> ServedFile {
        let path = try #require(FleetPath("/fleets/demo/metadata/1.root.json"))
        return ServedFile([UInt8](repeating: 1, count: size), path: path)
    }

    @Test func `the cache stays within its limit and keeps what is used`() throws {
        var cache = FileCache(limit: 40_000)
        cache.insert(try file(1_000), "used")
        for index in 0..<100 {
            cache.insert(try file(1_000), "file \(index)")
            #expect(cache.file("used") != nil)
        }
        let kept = (0..<100).filter { cache.file("file \($0)") != nil }
        #expect(kept.count < 30)
        #expect(kept.contains(99))
    }

    @Test func `a file too large for the cache is not kept`() throws {
        var cache = FileCache(limit: 8_000)
        cache.insert(try file(1_001), "large")
        #expect(cache.file("large") == nil)
    }
}
