import Codecs
import Foundation
import PythonEnvironment
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct RootRecovery {
    private func fleet() async throws -> TestFleet {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        return fleet
    }

    @Test func `a new root comes out first, with roles that former and present keys have signed`() async throws {
        let fleet = try await fleet()
        let (late, early) = (try TestHost(fleet), try TestHost(fleet))
        try await late.refresh()
        try await early.refresh()
        try fleet.rotateOnlineKeys()
        try await fleet.closeRootCeremony(to: [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)])
        let release = try #require(try await fleet.publish())
        #expect(release.files.first?.path == "metadata/2.root.json" && release.kind == .release)
        #expect(release.difference.first == "fleet keys: root 2")
        #expect(release.state.pendingRoot == nil && release.state.roots.count == 2)
        // A host that asked for the next root a moment too early still verifies everything.
        early.hidden = ["2.root.json"]
        #expect(try await early.has(fleet.content.teams[0]))
        early.hidden = []
        #expect(try await early.has(fleet.content.teams[0]))
        #expect(try await late.has(fleet.content.teams[0]))
        #expect(try await TestHost(fleet).has(fleet.content.teams[0]))
        // From then on only the present keys sign.
        fleet.former = []
        let next = try #require(try await fleet.publish(at: noon.adding(seconds: 3_600)))
        let timestamp = try UnverifiedMetadata<Timestamp>(next.files[0].bytes, maximumBytes: 1 << 14)
        #expect(timestamp.signatures.count == 1)
    }

    @Test func `a root whose keys are not on this server waits, and denials go on`() async throws {
        let fleet = try await fleet()
        let before = fleet.sealed
        try fleet.rotateOnlineKeys()
        try await fleet.closeRootCeremony()
        (fleet.sealed, fleet.former) = (before, [])
        let digest = "sha256:\(String(repeating: "ef", count: 32))"
        fleet.change(denials: [
            DenyDocument.Denial(id: "d", subject: .digest(digest), team: nil, reason: "test", issued: noon)
        ])
        let release = try #require(try await fleet.publish())
        #expect(release.waiting.count == 1 && release.files.allSatisfy { $0.kind != .root })
        #expect(release.state.pendingRoot != nil)
    }

    @Test func `what a fast clock has drafted waits for its time, and denials go on`() async throws {
        let fleet = try await fleet()
        try await fleet.closeRootCeremony(at: noon.adding(seconds: 3_600))
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.waiting.count == 1 && plan.waiting[0].contains("was drafted at"))
        let digest = "sha256:\(String(repeating: "ef", count: 32))"
        fleet.change(denials: [
            DenyDocument.Denial(id: "d", subject: .digest(digest), team: nil, reason: "test", issued: noon)
        ])
        let release = try #require(try await fleet.publish())
        #expect(release.files.allSatisfy { $0.kind != .root })
        let later = try #require(try await fleet.publish(at: noon.adding(seconds: 3_600)))
        #expect(later.files.first?.path == "metadata/2.root.json")
    }

    @Test func `keys made for an open ceremony do not disturb what the present root names`() async throws {
        let fleet = try await fleet()
        try fleet.rotateOnlineKeys()
        fleet.change(mode: .enforce)
        let release = try #require(try await fleet.publish())
        #expect(release.waiting.isEmpty)
        try await TestHost(fleet).refresh()
    }

    @Test func `the timestamp is signed again under the root that is out, not under the one to come`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        try fleet.rotateOnlineKeys()
        try await fleet.closeRootCeremony()
        let release = try #require(
            try await ReleaseBuilder(keys: try fleet.keys).resignTimestamp(
                of: fleet.content, fleet.state, now: noon.adding(seconds: 5)))
        #expect(release.files.map(\.path) == ["metadata/timestamp.json"])
        try fleet.take(release)
        try await host.refresh(at: noon.adding(seconds: 5))
    }

    @Test func `a closed root that follows another one is not published`() async throws {
        let fleet = try await fleet()
        try await fleet.closeRootCeremony()
        let stale = fleet.state.pendingRoot
        try await fleet.publish()
        fleet.state.pendingRoot = stale
        let plan = try fleet.plan()
        #expect(plan.isEmpty && plan.waiting.map { $0.hasPrefix("the fleet's new root cannot come out yet") } == [true])
    }

    @Test func `a root that starts over needs no former key, and hosts have to be enrolled again`() async throws {
        let fleet = try await fleet()
        let (old, pinned) = (try TestHost(fleet), fleet.state.roots[0])
        try await old.refresh()
        let lost = fleet.rootKeys
        let fresh = [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)]
        var draft = try RootDraft(try fleet.request(fresh, startsOver: true), after: pinned, now: noon)
        #expect(draft.version == 2 && draft.startsOver)
        #expect(draft.missing == ["2 more of the keys of root 2"])
        #expect(draft.difference.first == "root 2 starts over after root 1: every host has to be enrolled again")
        let stranger = try await lost[0].signature(over: draft.toSign, scheme: .ed25519)
        #expect(throws: PublishError(.rootDraft, "")) {
            try draft.add(signature: Hex.encode(stranger), keyID: try Key(lost[0].publicKey).id.text)
        }
        try await fleet.closeRootCeremony(to: fresh, startsOver: true)
        let release = try #require(try await fleet.publish())
        #expect(release.difference.first == "fleet keys: root 2, every host has to be enrolled again")
        await #expect(throws: TUFError.self) { try await old.refresh() }
        #expect(try await TestHost(fleet, pinned: fleet.state.roots[1]).has(fleet.content.teams[0]))
        // Life goes on from there, and so do ceremonies.
        fleet.change(teams: [try team("acme", [anchor(2)])])
        try await fleet.publish()
        try await fleet.rotateRoot(at: noon)
        try await fleet.publish()
        #expect(try await TestHost(fleet, pinned: fleet.state.roots[1]).has(fleet.content.teams[0]))
    }

    @Test func `a draft that starts over is taken up as one`() async throws {
        let fleet = try await fleet()
        let draft = try RootDraft(
            try fleet.request(fleet.rootKeys, startsOver: true), after: fleet.state.roots[0], now: noon)
        let again = try RootDraft(toSign: draft.toSign, after: fleet.state.roots[0], signatures: [])
        #expect(again.startsOver && again.missing == draft.missing && again.difference == draft.difference)
    }

    // MARK: Fast-forward recovery

    /// Whoever has the online keys gives out the highest versions there are, once.
    private func fastForward(_ fleet: TestFleet) async throws {
        let keys = try fleet.keys
        var snapshot = try UnverifiedMetadata<Snapshot>(try #require(fleet.state.snapshot), maximumBytes: 1 << 20)
            .unverifiedContent
        snapshot.header.version = MetadataLimits.maximumVersion
        var draft = try MetadataDraft(snapshot)
        try await draft.sign(with: try keys.require(.snapshot).signer)
        var timestamp = try UnverifiedMetadata<Timestamp>(try #require(fleet.state.timestamp), maximumBytes: 1 << 20)
            .unverifiedContent
        timestamp.header.version = MetadataLimits.maximumVersion
        timestamp.snapshot = MetaFile(version: snapshot.version, content: draft.bytes)
        var last = try MetadataDraft(timestamp)
        try await last.sign(with: try keys.require(.timestamp).signer)
        let files = ["\(snapshot.version).snapshot.json": draft.bytes, "timestamp.json": last.bytes]
        for (name, bytes) in files {
            try fleet.serve(
                BuiltFile(
                    kind: .timestamp, path: "metadata/\(name)", bytes: bytes, role: nil, version: nil,
                    sha256: hexSHA256(bytes)))
        }
    }

    private func recover(_ fleet: TestFleet) async throws {
        try fleet.rotateOnlineKeys()
        try await fleet.closeRootCeremony()
        // Keys that were stolen sign nothing more.
        fleet.former = []
        try await fleet.publish()
    }

    @Test func `a host that took the highest versions from a thief follows again after a ceremony`() async throws {
        let fleet = try await fleet()
        let host = try TestHost(fleet)
        try await host.refresh()
        try await fastForward(fleet)
        try await host.refresh()
        fleet.change(teams: [try team("acme", [anchor(2)])])
        try await fleet.publish()
        await #expect(throws: TUFError.self) { try await host.refresh() }
        try await recover(fleet)
        #expect(try await host.has(fleet.content.teams[0]))
    }

    @Test(.enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
    func `so does python-tuf`() async throws {
        let fleet = try await fleet()
        let client = try StockClient()
        let state = fleet.directory.appending(path: "host").path
        let name = "acme/ca.prod.pem"
        func refresh(isNew: Bool = false) throws -> [String: String] {
            try client.refresh(
                fleet.repository, client: state, bootstrap: isNew ? "\(fleet.repository)/metadata/1.root.json" : nil,
                now: noon, targets: [name])
        }
        _ = try refresh(isNew: true)
        try await fastForward(fleet)
        _ = try refresh()
        fleet.change(teams: [try team("acme", [anchor(2)])])
        try await fleet.publish()
        #expect(throws: StockClient.Refused.self) { try refresh() }
        try await recover(fleet)
        let expected = try #require(try fleet.targets[name])
        #expect(try refresh()[name] == hexSHA256(expected))
    }
}
