import Codecs
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct HostTests {
    private func fleet(_ world: World, _ name: String = "demo") async throws -> FleetName {
        let fleet = try FleetName(name)
        _ = try await world.api.createFleet(
            fleet, id: try FleetID.random(), displayName: name, profile: .standard, by: world.admin.actor, now: start)
        return fleet
    }

    private func token(
        _ world: World, _ fleet: FleetName, uses: Int = 1, labels: [String: String] = [:]
    ) async throws -> [UInt8] {
        let token = World.digest("join \(fleet) \(uses) \(labels)")
        _ = try await world.api.createJoinToken(
            for: fleet, tokenSHA256: token, uses: uses, labels: labels, expires: start.adding(days: 1),
            by: world.admin.actor, now: start)
        return token
    }

    private func newHost(_ name: String, _ fleet: FleetName, labels: [String: String] = [:]) throws -> NewHost {
        try NewHost(name: name, fleet: fleet, publicKey: World.digest("key of \(name)"), labels: labels)
    }

    private func receipt(_ host: HostRecord, _ sequence: Int64, release: Int64 = 0, digest: String = "") -> Receipt {
        Receipt(
            host: host.name, fleet: host.fleet, sequence: sequence, issued: start, agentVersion: "1.0",
            release: release, releaseDigest: digest, roleVersions: [:],
            enforcers: [.init(enforcer: .notation, mode: .observe, version: nil, applied: false)], warnings: ["old"])
    }

    @Test func `a token with one use lets one of ten hosts in that come at once`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let token = try await token(world, fleet)
        let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
            for index in 0..<10 {
                group.addTask {
                    do {
                        _ = try await world.hosts.enrol(
                            try newHost("host-\(index)", fleet), tokenSHA256: token, now: start)
                        return nil
                    } catch {
                        return (error as? StoreError)?.code ?? .damaged
                    }
                }
            }
            return await group.reduce(into: [StoreError.Code?]()) { $0.append($1) }
        }
        #expect(codes.count { $0 == nil } == 1)
        #expect(codes.count { $0 == .usedUp } == 9)
        #expect(try await world.api.hosts(of: fleet, try PageRequest()).items.count == 1)
    }

    @Test func `a failed enrolment uses nothing up`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let token = try await token(world, fleet, uses: 2)
        _ = try await world.hosts.enrol(try newHost("web-1", fleet), tokenSHA256: token, now: start)
        await expect(.conflict) {
            _ = try await world.hosts.enrol(try newHost("web-1", fleet), tokenSHA256: token, now: start)
        }
        _ = try await world.hosts.enrol(try newHost("web-2", fleet), tokenSHA256: token, now: start)
    }

    @Test func `a token is for its fleet and its time`() async throws {
        let world = try await World.make()
        let (demo, prod) = (try await fleet(world), try await fleet(world, "prod"))
        let token = try await token(world, demo)
        let enrol = { (fleet: FleetName, token: [UInt8], now: UTCDate) in
            _ = try await world.hosts.enrol(try newHost("web", fleet), tokenSHA256: token, now: now)
        }
        await expect(.unauthenticated) { try await enrol(prod, token, start) }
        await expect(.unauthenticated) { try await enrol(demo, World.digest("guess"), start) }
        await expect(.expired) { try await enrol(demo, token, start.adding(days: 1)) }
        try await enrol(demo, token, start)
    }

    @Test func `the token's labels win over the host's`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let token = try await token(world, fleet, labels: ["ring": "canary"])
        let host = try await world.hosts.enrol(
            try newHost("web", fleet, labels: ["ring": "prod", "os": "debian"]), tokenSHA256: token, now: start)
        #expect(host.labels == ["ring": "canary", "os": "debian"])
    }

    @Test func `a receipt counts once and only upwards`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let host = try await world.hosts.enrol(
            try newHost("web", fleet), tokenSHA256: try await token(world, fleet), now: start)
        let send = { (sequence: Int64) in
            try await world.hosts.record(
                receipt(host, sequence), bytes: [1], signature: [2], from: host, now: start)
        }
        try await send(1)
        try await send(5)
        await expect(.replay) { try await send(5) }
        await expect(.replay) { try await send(2) }
        let after = try await world.hosts.host(host.id)
        #expect(after.sequence == 5)
        #expect(after.warnings == ["old"])
        #expect(after.enforcers.first?.enforcer == .notation)
    }

    @Test func `a receipt that names a release not known here is asked to show it`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let host = try await world.hosts.enrol(
            try newHost("web", fleet), tokenSHA256: try await token(world, fleet), now: start)
        await expect(.hostAhead) {
            try await world.hosts.record(
                receipt(host, 1, release: 4, digest: String(repeating: "0", count: 64)), bytes: [1], signature: [2],
                from: host, now: start)
        }
        #expect(try await world.hosts.host(host.id).sequence == 0)
    }

    @Test func `a removed host is gone and its name is free`() async throws {
        let world = try await World.make()
        let fleet = try await fleet(world)
        let token = try await token(world, fleet, uses: 2)
        let host = try await world.hosts.enrol(try newHost("web", fleet), tokenSHA256: token, now: start)
        try await world.api.removeHost(host.id, by: world.admin.actor, now: start)
        await expect(.notFound) { _ = try await world.hosts.host(host.id) }
        _ = try await world.hosts.enrol(try newHost("web", fleet), tokenSHA256: token, now: start)
    }

    @Test func `whoever operates another fleet makes no tokens for this one`() async throws {
        let world = try await World.make()
        let (demo, prod) = (try await fleet(world), try await fleet(world, "prod"))
        let bob = try await world.person("bob", (.fleetOperator, .fleet(prod)))
        let create = { (fleet: FleetName) in
            _ = try await world.api.createJoinToken(
                for: fleet, tokenSHA256: World.digest("j \(fleet)"), uses: 1, labels: [:],
                expires: start.adding(days: 1), by: bob.actor, now: start)
        }
        await expect(.forbidden) { try await create(demo) }
        try await create(prod)
    }
}
