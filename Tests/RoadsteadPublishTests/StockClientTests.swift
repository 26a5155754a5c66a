import Codecs
import Foundation
import PythonEnvironment
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite(.serialized, .enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
struct StockClients {
    /// Lets python-tuf refresh and download everything, as a host that has been there before or as a new one.
    private func check(
        _ fleet: TestFleet, _ client: StockClient, host: String, isNew: Bool, now: UTCDate, _ what: String
    ) throws {
        let expected = try fleet.targets
        let files = try client.refresh(
            fleet.repository, client: fleet.directory.appending(path: host).path,
            bootstrap: isNew ? "\(fleet.repository)/metadata/1.root.json" : nil, now: now,
            targets: expected.keys.sorted())
        for (name, bytes) in expected { #expect(files[name] == hexSHA256(bytes), "\(name) after \(what)") }
    }

    @Test func `python-tuf follows a fleet through its life`() async throws {
        let client = try StockClient()
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1), anchor(2)])])
        var now = noon
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: true, now: now, "first release")
        fleet.change(teams: [try team("acme", []), try team("beta", [anchor(3)])], mode: .enforce)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a team added, a store emptied")
        fleet.change(teams: [try team("beta", [anchor(3)])])
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a team removed")
        now = now.adding(days: 3)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "renewal")
        fleet.sealed = try FleetKeys.generate(for: fleet.content.id, under: fleet.server.master)
        try await fleet.rotateRoot(
            to: [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)], at: now)
        try await fleet.publish(at: now)
        try check(fleet, client, host: "host", isNew: false, now: now, "a new root")
        try check(fleet, client, host: "new", isNew: true, now: now, "a new root, seen by a new host")
    }

    @Test func `python-tuf refuses what was changed after signing`() async throws {
        let client = try StockClient()
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let place = URL(filePath: fleet.repository).appending(path: "metadata/1.acme.json")
        let text = try String(contentsOf: place, encoding: .utf8).replacing(
            "\"version\":1", with: "\"version\": 1,\"x\":1")
        try Data(text.utf8).write(to: place)
        #expect(throws: StockClient.Refused.self) {
            try check(fleet, client, host: "host", isNew: true, now: noon, "a forgery")
        }
    }
}
