import Codecs
import FleetFixtures
import Files
import Logging
import PKI
import Testing
import TrustModel

@testable import RoadsteadAgent

/// Polls with nothing new.
@Suite struct PollTests {
    private static let poll = "GET /fleets/prod/metadata/timestamp.json HTTP/1.1"

    /// A running agent behind a counting proxy, in front of the server's own delivery, with a release in force.
    private func running(_ body: (OfflineHost, CountingProxy, RealDelivery) async throws -> Void) async throws {
        let host = try OfflineHost()
        host.now = SystemClock.now
        host.fleet.ops = OpsSettings(pollSeconds: 1, reportSeconds: 3_600, repositories: [])
        try host.set("acme", [try await FixtureCertificates.root("first", at: host.now)])
        try await host.publish()
        let (delivery, proxy) = (RealDelivery(host.fleet), CountingProxy())
        try await delivery.serving { port, _ async throws in
            try await proxy.relaying(to: port) { port async throws in
                try host.enrol(at: "http://127.0.0.1:\(port)")
                let agent = AgentLoop(host.state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                let running = Task { try await agent.run() }
                defer { running.cancel() }
                let isThere = try await eventually { try GenerationStore(host.state).current()?.name == "1" }
                #expect(isThere)
                try await body(host, proxy, delivery)
                running.cancel()
                try await running.value
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a poll with nothing new is one conditional request and at most 300 bytes down, headers included`()
        async throws
    {
        try await running { _, proxy, _ async throws in
            // The round that put the release in force has ended when the first poll has.
            let isPolling = try await eventually { proxy.requests.suffix(2).allSatisfy { $0 == Self.poll } }
            #expect(isPolling)
            let (before, bytes) = (proxy.requests.count, proxy.bytesDown)
            let isQuiet = try await eventually { proxy.requests.count >= before + 4 }
            #expect(isQuiet)
            try await Task.sleep(for: .milliseconds(200))
            let polls = proxy.requests.dropFirst(before)
            #expect(polls.allSatisfy { $0 == Self.poll }, "\(polls)")
            #expect((proxy.bytesDown - bytes) / polls.count <= 300, "\(proxy.bytesDown - bytes) in \(polls.count)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a file that looks different makes the next poll a whole refresh, which repairs it`() async throws {
        try await running { host, proxy, _ async throws in
            let isPolling = try await eventually { proxy.requests.suffix(2).allSatisfy { $0 == Self.poll } }
            #expect(isPolling)
            try Files.write(Array("{}".utf8), to: host.state.currentNotation + "/trustpolicy.json")
            let isRepaired = try await eventually { try GenerationStore(host.state).current()?.name == "1.2" }
            #expect(isRepaired)
            #expect(proxy.requests.contains { $0.contains("/2.root.json") })
        }
    }

    // MARK: When one request is not enough

    private func standing(_ body: (OfflineHost, Standing, ContinuousClock.Instant) throws -> Void) async throws {
        let host = try OfflineHost()
        try host.set("acme", [try await FixtureCertificates.root("first", at: host.now)])
        try await host.publish()
        try await host.sync()
        let instant = ContinuousClock.now
        let standing = Standing(
            host.state, host.configuration, refreshed: host.now, instant: instant,
            end: host.now.adding(seconds: 3_600))
        try body(host, standing, instant)
    }

    @Test func `it is while nothing happens`() async throws {
        try await standing { host, standing, instant in
            let now = host.now.adding(seconds: 60)
            #expect(standing.holds(host.state, host.configuration, now: now, next: 72, instant: instant))
        }
    }

    @Test func `ten minutes after the last whole refresh it is not`() async throws {
        try await standing { host, standing, instant in
            func holds(_ seconds: Int64) -> Bool {
                standing.holds(
                    host.state, host.configuration, now: host.now.adding(seconds: seconds), next: 72,
                    instant: instant + .seconds(seconds))
            }
            #expect(holds(528))
            #expect(!holds(529))
        }
    }

    @Test func `where the next poll would find something expired it is not`() async throws {
        try await standing { host, standing, instant in
            func holds(_ seconds: Int64) -> Bool {
                let now = host.now.adding(seconds: seconds)
                return standing.holds(host.state, host.configuration, now: now, next: 72, instant: instant)
            }
            #expect(holds(3_527))
            #expect(!holds(3_528))
            #expect(!holds(-1))
        }
    }

    @Test(arguments: ["tuf/snapshot.json", "tuf/root.json", "current/trust.json", "current/notation/stray"])
    func `when a file was touched it is not`(file: String) async throws {
        try await standing { host, standing, instant in
            let bytes = (try? Files.read(host.state.path + "/" + file, limit: 1 << 20)) ?? []
            try Files.write(bytes, to: host.state.path + "/" + file)
            #expect(!standing.holds(host.state, host.configuration, now: host.now, next: 72, instant: instant))
        }
    }
}

/// Waits for a condition, twenty seconds at most.
func eventually(_ condition: () throws -> Bool) async throws -> Bool {
    for _ in 0..<400 {
        if (try? condition()) == true { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return false
}
