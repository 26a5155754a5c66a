import Codecs
import FleetFixtures
import PKI
import RoadsteadAgent
import TUF
import Testing
import TrustModel

/// A host follows what its fleet does with its keys.
@Suite struct KeyRotationTests {
    private static let online: Set<String> = ["timestamp", "snapshot"]

    private func host(days: Int64 = 365) async throws -> OfflineHost {
        let host = try OfflineHost()
        try host.set("acme", [try await FixtureCertificates.root("first", at: host.now)])
        try await host.publish(days: days)
        try await host.sync()
        return host
    }

    @Test func `a host that was left behind by ten roots follows them, thresholds and all`() async throws {
        let host = try await host()
        for number in 1...10 {
            try await host.fleet.rotate(rootKeys: 1 + number % 4, threshold: max(1, number % 4), at: host.now)
        }
        try await host.publish()
        #expect(try await host.sync().roleVersions["root"] == 11)
    }

    @Test func `all online keys change in one release, and an old host takes it at once`() async throws {
        let host = try await host()
        let other = try await FixtureCertificates.root("second", at: host.now)
        try host.set("acme", [other])
        try await host.fleet.rotate(
            ["timestamp", "snapshot", "targets", "deny", "ops", "revocation", "acme"], at: host.now)
        try await host.publish()
        let outcome = try await host.sync()
        #expect(outcome.lagging.isEmpty)
        #expect(try host.anchors(of: "acme") == [Base64.encode(other.der)])
    }

    @Test func `targets goes to other keys while the rest stays`() async throws {
        let host = try await host()
        try await host.fleet.rotate(["targets"], at: host.now)
        try await host.publish()
        #expect(try await host.sync().roleVersions["targets"] == 2)
    }

    @Test func `a release signed by keys that a root took away is refused, and what is in force stays`() async throws {
        let host = try await host()
        try await host.publish()
        try await host.fleet.rotate(["snapshot"], at: host.now)
        let error = await #expect(throws: TUFError.self) { try await host.sync() }
        #expect(error?.code == .unsigned)
        #expect(try host.inForce().name == "1")
    }

    @Test func `versions that an attacker drove up end when the timestamp and snapshot keys rotate`() async throws {
        let host = try await host()
        for role in Self.online { host.fleet.set(version: MetadataLimits.maximumVersion - 1, of: role) }
        try await host.publish()
        #expect(try await host.sync().origin.release == MetadataLimits.maximumVersion)
        for role in Self.online { host.fleet.set(version: 6, of: role) }
        try await host.publish()
        let error = await #expect(throws: TUFError.self) { try await host.sync() }
        #expect(error?.code == .rollback)
        try await host.fleet.rotate(Self.online, at: host.now)
        try await host.publish()
        let outcome = try await host.sync()
        #expect(outcome.origin.release == 8)
        #expect(try host.inForce().name == "8")
        try await host.publish()
        #expect(try await host.sync().origin.release == 9)
    }

    @Test func `a time that an attacker signed far ahead ends when the timestamp key rotates`() async throws {
        let host = try await host(days: 2_000)
        host.fleet.timestampIssued = host.now.adding(days: 800)
        try await host.publish(days: 2_000)
        #expect(try await host.sync().trusted.time == host.now.adding(days: 800))
        host.fleet.timestampIssued = nil
        try await host.fleet.rotate(["timestamp"], at: host.now, days: 2_000)
        try await host.publish()
        #expect(try await host.sync().trusted.time == host.now)
    }
}
