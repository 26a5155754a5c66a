import Codecs
import Files
import HTTPTypes
import HummingbirdTesting
import PostgresTesting
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct RestoreTests {
    @Test func `a database put back under a running fleet stops publishing, and no host sees an older version`()
        async throws
    {
        try await TestAPI.withServer { api in
            let fleet = try await RestoredFleet(api)
            try fleet.save()
            try await fleet.goOn()
            let newest = try await fleet.timestampVersion()
            let release = fleet.host.release
            try fleet.putBack()

            let halt = try await fleet.halted()
            #expect(halt.source == "disk")
            let warnings: FleetWarningsBody = try await api.ask(.get, "/v1/fleets/demo/warnings", as: fleet.alice)
            #expect(warnings.halt == halt.reason)
            #expect(halt.reason.contains("this server's disk has"))
            #expect(try await fleet.timestampVersion() == newest)
            try await fleet.host.refresh()
            #expect(fleet.host.release == release)
            let snapshot = try await api.send(.get, "/fleets/demo/metadata/\(release).snapshot.json")
            #expect(snapshot.status == .ok)
            let ready = try await api.send(.get, "/readyz")
            #expect(ready.status == .ok)
            #expect(String(decoding: ready.body, as: UTF8.self).contains("\"halted\":{\"demo\""))
            let receipt = try await fleet.host.report()
            #expect(receipt.status == .conflict && receipt.problem == "store.host-ahead")
        }
    }

    @Test func `recover shows what was lost, brings denials and removals back, and hosts follow again`() async throws {
        try await TestAPI.withServer { api in
            let fleet = try await RestoredFleet(api)
            try fleet.save()
            try await fleet.goOn()
            let denied = try await fleet.host.denials()
            #expect(denied.contains(String(repeating: "ab", count: 32)))
            try fleet.putBack()
            _ = try await fleet.halted()

            let shown = try await fleet.recover(applies: false)
            #expect(!shown.applied)
            #expect(shown.steps.first?.hasPrefix("denies again certificate abab") == true)
            #expect(shown.steps.contains { $0.contains("was removed from ca.prod since") })
            #expect(shown.steps.contains { $0.hasPrefix("lost, to be proposed again") })
            #expect(try await fleet.halts().count == 1)

            try await followsAfterRecovery(fleet)
        }
    }

    /// Applies, and checks that nothing was lost and that the host goes on.
    private func followsAfterRecovery(_ fleet: RestoredFleet) async throws {
        let before = fleet.host.release
        #expect(try await fleet.recover(applies: true).applied)
        #expect(try await fleet.halts().isEmpty)
        try await fleet.publish()
        #expect(fleet.host.release > before)
        let denied = try await fleet.host.denials()
        #expect(denied.contains(String(repeating: "ab", count: 32)))
        let page: Page<DenialBody> = try await fleet.api.ask(.get, "/v1/denials", as: fleet.alice)
        #expect(page.items.contains { $0.reason.contains("was removed from ca.prod") })
        #expect(page.items.allSatisfy { denied.contains($0.value) })
        #expect(try await fleet.host.report().status == .noContent)
        try await Task.sleep(for: .seconds(2))
        #expect(try await fleet.halts().isEmpty)
        await #expect(throws: ServerError.self) { _ = try await fleet.recover(applies: true) }
    }

    @Test func `with the disk lost a host that is ahead stops the fleet, and what it holds is taken in`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { old in
            let fleet = try await RestoredFleet(old)
            try fleet.save()
            try await fleet.goOn()
            _ = try await fleet.host.denials()
            let release = fleet.host.release
            try Files.removeTree("\(old.state)/marks")
            try Files.removeTree(old.program.configuration.publishedDirectory)
            try fleet.putBack()
            try await TestAPI.withServer(clock: clock.now, master: old.program.master) { new in
                fleet.move(to: new)
                try await signsTimestampsOn(fleet, clock)
                #expect(try await fleet.host.report().problem == "store.host-ahead")
                #expect(try await fleet.host.show().status == .noContent)
                #expect(try await fleet.halted().source == "host")
                try await followsAfterRecovery(fleet)
                #expect(fleet.host.release > release)
            }
        }
    }

    /// The new server knows nothing better than to renew the old release's timestamp, beyond the versions that the
    /// host has seen; the host refuses all of them.
    private func signsTimestampsOn(_ fleet: RestoredFleet, _ clock: TestClock) async throws {
        for _ in 0..<5 {
            clock.advance(seconds: 4_000)
            let _: ReleaseBody = try await fleet.api.ask(.post, "/v1/fleets/demo/releases", as: fleet.alice)
        }
        let served = try await fleet.api.eventually {
            try await fleet.timestampVersion()
        } until: {
            $0 >= 6
        }
        #expect(served >= 6)
        await #expect(throws: TUFError.self) { try await fleet.host.refresh() }
    }

    @Test func `a host that lies stops nothing`() async throws {
        try await TestAPI.withServer { api in
            let fleet = try await RestoredFleet(api)
            let forged = try await fleet.host.show { files in
                let timestamp = try #require(files["timestamp"])
                var content = try UnverifiedMetadata<Timestamp>(timestamp, maximumBytes: 65_536).unverifiedContent
                content.header.version += 1_000
                files["timestamp"] = try MetadataDraft(content).bytes
            }
            #expect(forged.status == .badRequest)
            let known = try await fleet.host.show()
            #expect(known.status == .badRequest)
            #expect(try await fleet.halts().isEmpty)
        }
    }

    @Test func `a mark that no key of the fleet has signed stops nothing`() async throws {
        try await TestAPI.withServer { api in
            let fleet = try await RestoredFleet(api)
            let path = "\(api.state)/marks/demo.json"
            let text = String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self)
            try Files.write(Array(text.replacing("\"version\":1", with: "\"version\":900").utf8), to: path)
            try await Task.sleep(for: .seconds(3))
            try await RestoredFleet.add("third", api, fleet.alice, fleet.bob)
            try await fleet.publish()
            #expect(try await fleet.halts().isEmpty)
        }
    }

    @Test func `where nothing is newer recover refuses to run`() async throws {
        try await TestAPI.withServer { api in
            let fleet = try await RestoredFleet(api)
            do {
                _ = try await fleet.recover(applies: true)
                Issue.record("it ran")
            } catch let error as ServerError {
                #expect(error.code == .nothingNewer)
            }
        }
    }
}
