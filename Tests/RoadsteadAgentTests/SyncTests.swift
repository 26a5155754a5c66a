import Codecs
import FleetFixtures
import Files
import Foundation
import PKI
import RoadsteadAgent
import RoadsteadWire
import Testing
import TrustModel

@Suite struct SyncTests {
    /// A host that is enrolled and has synced the first release.
    private func synced(_ body: (Host, String, Certificate) async throws -> Void) async throws {
        let host = try Host()
        let root = try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            let run = try await host.sync()
            try #require(run.status == 0, "\(run.errors)")
            try await body(host, address, root)
        }
    }

    @Test func `a sync puts the fleet's trust in force and reports it`() async throws {
        try await synced { host, _, root async throws in
            let generation = try #require(try host.inForce())
            #expect(generation.name == "1")
            #expect(generation.trust.stores.flatMap(\.anchors) == [Base64.encode(root.der)])
            let anchor = "/current/notation/truststore/x509/ca/acme.prod/\(root.sha256).pem"
            #expect(Files.exists(host.statePath + anchor))
            let receipt = try #require(host.server.receipts.last)
            #expect(receipt.release == 1)
            #expect(receipt.releaseDigest == generation.manifest.origin.releaseDigest)
            #expect(receipt.roleVersions["acme"] == 1)
            #expect(receipt.sequence == 1)
        }
    }

    @Test func `a sync with nothing new changes nothing`() async throws {
        try await synced { host, _, _ async throws in
            let before = try host.listing(host.state.generations)
            let run = try await host.sync()
            #expect(run.output.contains("was in force already"))
            #expect(try host.listing(host.state.generations) == before)
            #expect(host.server.receipts.map(\.sequence) == [1, 2])
        }
    }

    @Test func `a second release replaces the first, and a vanished store stays for one generation`() async throws {
        try await synced { host, _, root async throws in
            let other = try await FixtureCertificates.root("second", at: host.now)
            try host.fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["next": [other]])
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            let store = host.statePath + "/current/notation/truststore/x509/ca/"
            #expect(Files.exists(store + "acme.next/\(other.sha256).pem"))
            #expect(Files.exists(store + "acme.prod/\(root.sha256).pem"))
            #expect(try await host.sync().output.contains("was in force already"))
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            #expect(!Files.exists(store + "acme.prod"))
        }
    }

    @Test func `the generation in force and two before it are kept`() async throws {
        try await synced { host, _, _ async throws in
            for _ in 2...5 {
                try await host.fleet.publish(at: host.now)
                #expect(try await host.sync().status == 0)
            }
            #expect(try Files.list(host.state.generations) == ["3", "4", "5"])
        }
    }

    @Test func `a server that is away keeps what is in force`() async throws {
        let host = try Host()
        try await host.publishFirst()
        try await host.server.serving { address async throws in
            try await host.enroll(address)
            _ = try await host.sync()
        }
        let configuration = try String(contentsOfFile: host.state.configuration, encoding: .utf8)
        let away = configuration.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:1")
        _ = try host.write(away, "state/agent.json")
        let run = try await host.sync()
        #expect(run.status == 3)
        #expect(run.errors.contains("cannot reach the server"))
        #expect(try host.inForce()?.name == "1")
        let status = try await AgentProcess.run(["status", "--state", host.statePath])
        #expect(status.status == 0)
        #expect(status.output.contains("last error"))
    }

    @Test func `where the fleet says so, a host that hears nothing rejects, and believes again when it does`()
        async throws
    {
        try await synced { host, _, _ async throws in
            host.fleet.set(freshness: .init(warnAfterSeconds: 0, alarmAfterSeconds: 0, rejectAfterSeconds: 0))
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            let www = host.sandbox + "/www"
            try FileManager.default.moveItem(atPath: www, toPath: www + ".away")
            #expect(try await host.sync().status == 3)
            let rejecting = try #require(try host.inForce())
            #expect(rejecting.name == "2.2")
            #expect(rejecting.trust.statements.map(\.stores) == [[]])
            #expect(try await host.sync().status == 3)
            #expect(try host.inForce()?.name == "2.2")
            try FileManager.default.moveItem(atPath: www + ".away", toPath: www)
            #expect(try await host.sync().status == 0)
            #expect(try #require(try host.inForce()).trust.statements.map(\.stores.count) == [1])
        }
    }

    @Test func `metadata that the fleet's keys did not sign is refused and what is in force stays`() async throws {
        try await synced { host, _, _ async throws in
            host.fleet.badlySignedRoles = ["snapshot"]
            try await host.fleet.publish(at: host.now)
            let run = try await host.sync()
            #expect(run.status == 1)
            #expect(run.errors.contains("snapshot.json"))
            #expect(try host.inForce()?.name == "1")
            #expect(host.server.receipts.last?.warnings.contains { $0.hasPrefix("last sync failed") } == true)
        }
    }

    @Test func `another fleet's repository under the same address is refused`() async throws {
        try await synced { host, _, _ async throws in
            let other = try FixtureFleet("prod", directory: host.sandbox + "/www")
            try await other.publish(at: host.now)
            try await other.publish(at: host.now)
            #expect(try await host.sync().status == 1)
            #expect(try host.inForce()?.name == "1")
        }
    }

    @Test func `the right keys with another fleet's name are refused`() async throws {
        try await synced { host, _, _ async throws in
            host.fleet.stampedID = try FleetID(String(repeating: "b", count: 32))
            try await host.fleet.publish(at: host.now)
            let run = try await host.sync()
            #expect(run.status == 1)
            #expect(run.errors.contains("belongs to the fleet"))
            #expect(try host.inForce()?.name == "1")
        }
    }

    @Test func `a team whose role is missing keeps its last good content, minus denials, and the others go on`()
        async throws
    {
        try await synced { host, _, one async throws in
            let two = try await FixtureCertificates.root("two", at: host.now)
            try host.fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [two]])
            try host.fleet.set("beta", scopes: ["registry.example.com/beta"], stores: ["prod": [one, two]])
            host.fleet.missingRoles = ["acme"]
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().errors.contains("team acme: its last good content stays in force"))
            var stores = try #require(try host.inForce()).trust.stores
            #expect(stores.map(\.anchors.count) == [1, 2])
            #expect(stores.first?.anchors == [Base64.encode(one.der)])
            try host.fleet.deny([
                .init(id: "D-1", subject: .certificate(sha256: one.sha256), team: nil, reason: "lost", issued: host.now)
            ])
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            stores = try #require(try host.inForce()).trust.stores
            #expect(stores.map(\.anchors.count) == [0, 1])
        }
    }

    @Test func `a receipt that the server cannot take waits and never fails the sync`() async throws {
        try await synced { host, _, _ async throws in
            host.server.refuseReceipts(true)
            #expect(try await host.sync().status == 0)
            #expect(host.server.receipts.map(\.sequence) == [1])
            #expect(try Files.list(host.state.receipts).count == 1)
            host.server.refuseReceipts(false)
            #expect(try await host.sync().status == 0)
            #expect(host.server.receipts.map(\.sequence) == [1, 2, 3])
            #expect(try Files.list(host.state.receipts).isEmpty)
        }
    }

    @Test func `a receipt says which team's content is not in force, and why`() async throws {
        try await synced { host, _, root async throws in
            try host.fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [root, root]])
            host.fleet.missingTargets = ["acme/ca.prod.pem"]
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            let receipt = try #require(host.server.receipts.last)
            #expect(receipt.release == 2)
            let lag = try #require(receipt.lagging?.first)
            #expect(lag.team.rawValue == "acme" && lag.state == .lastGood)
            #expect(lag.reason.contains("acme/ca.prod.pem"))
            #expect(receipt.allWarnings.filter { $0 == "\(lag.warning)" }.count == 1)
            host.fleet.missingTargets = []
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            #expect(try #require(host.server.receipts.last).lagging == nil)
        }
    }

    @Test func `a server that says it is behind is sent the metadata of this host, once for each release`() async throws
    {
        try await synced { host, _, _ async throws in
            host.server.fallBehind()
            for _ in 0..<2 { #expect(try await host.sync().status == 0) }
            #expect(host.server.evidence.count == 1)
            let evidence = try #require(host.server.evidence.first)
            #expect(
                Set(evidence.files.keys).isSuperset(of: ["root", "timestamp", "snapshot", "targets", "deny", "acme"]))
            for (role, text) in evidence.files {
                let bytes = try Files.read("\(host.state.metadata)/\(role).json", limit: 1 << 20)
                #expect(text == Base64.encode(bytes))
            }
            #expect(evidence.targets["deny/deny.json"] == Base64.encode(host.fleet.deny))
            try await host.fleet.publish(at: host.now)
            #expect(try await host.sync().status == 0)
            #expect(host.server.evidence.count == 2)
        }
    }

    @Test(arguments: ["notation/trustpolicy.json", "trust.json", "manifest.json"])
    func `a damaged generation is noticed and made anew`(file: String) async throws {
        try await synced { host, _, _ async throws in
            _ = try host.write("{}", "state/current/" + file)
            let status = try await AgentProcess.run(["status", "--state", host.statePath])
            #expect(status.status == 3)
            #expect(status.errors.contains("generation 1 is damaged"))
            let run = try await host.sync()
            #expect(run.status == 0, "\(run.errors)")
            #expect(try host.inForce()?.name == "1.2")
        }
    }

    @Test func `a stray file in a trust store is repaired`() async throws {
        try await synced { host, _, _ async throws in
            let stray = try host.write("hello", "state/current/notation/truststore/x509/ca/acme.prod/README")
            #expect(try await host.sync().status == 0)
            #expect(!Files.exists(stray))
        }
    }

    @Test(arguments: ["timestamp", "snapshot", "targets", "acme"])
    func `damaged metadata heals itself`(role: String) async throws {
        try await synced { host, _, _ async throws in
            _ = try host.write("{\"half", "state/tuf/\(role).json")
            let run = try await host.sync()
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test func `two agents do not work in one state directory`() async throws {
        try await synced { host, _, _ async throws in
            let run = try await host.state.locked { try await host.sync() }
            #expect(run.status == 3)
            #expect(run.errors.contains("another roadstead-agent works in"))
        }
    }
}
