import Codecs
import SigningKeys
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct WebhookSecretTests {
    @Test func `a secret opens under its master key, for its name and address only`() throws {
        let (master, other) = (try MasterKey.generate(), try MasterKey.generate())
        let secret = WebhookSecret.generate()
        let sealed = try secret.sealed(name: "chat", url: "https://a", under: master)
        #expect(try WebhookSecret(sealed: sealed, name: "chat", url: "https://a", under: master).text == secret.text)
        for (name, url, key) in [
            ("chat", "https://b", master), ("x", "https://a", master), ("chat", "https://a", other),
        ] {
            #expect(throws: PublishError(.sealedKey, "")) {
                try WebhookSecret(sealed: sealed, name: name, url: url, under: key)
            }
        }
    }

    @Test func `a signature is the HMAC of id, time and body that receivers compute from the text they were given`()
        throws
    {
        let secret = WebhookSecret.generate()
        let key = try Base64.decode(String(secret.text.dropFirst(WebhookSecret.prefix.count)))
        #expect(key.count == 32)
        let expected = hmacSHA256(Array("msg_1.1700000000.{}".utf8), key: Secret(key))
        #expect(
            secret.signature(id: "msg_1", timestamp: 1_700_000_000, body: Array("{}".utf8)) == "v1,"
                + Base64.encode(expected))
    }

    @Test func `a secret is never printed`() {
        let secret = WebhookSecret.generate()
        #expect(!"\(secret)".contains(secret.text.dropFirst(6)) && !String(reflecting: secret).contains("0x"))
    }
}

@Suite struct AuditCountersignatures {
    @Test func `a release carries the head it was given, signed, and says nothing new because of it`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        let head = AuditHead(sequence: 7, hash: [UInt8](repeating: 3, count: 32))
        let builder = ReleaseBuilder(keys: try fleet.keys)
        let plan = try builder.plan(fleet.content, after: fleet.state, audit: head, now: noon)
        let release = try #require(try await builder.build(plan))
        var signature = try AuditCountersignature(
            fleet: fleet.content.fleet, id: fleet.content.id, rootFiles: release.state.roots)
        let snapshot = try #require(release.state.snapshot)
        let signed = try #require(try signature.head(in: snapshot, release: release.number))
        #expect(signed.head == head && signed.issued == noon && signed.release == release.number)
        let later = AuditHead(sequence: 8, hash: [UInt8](repeating: 4, count: 32))
        #expect(try builder.plan(fleet.content, after: release.state, audit: later, now: noon).isEmpty)
    }

    @Test func `a release from before there were heads has none, and another release's file is refused`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        let release = try #require(try await fleet.publish())
        var signature = try AuditCountersignature(
            fleet: fleet.content.fleet, id: fleet.content.id, rootFiles: release.state.roots)
        let snapshot = try #require(release.state.snapshot)
        #expect(try signature.head(in: snapshot, release: 1) == nil)
        #expect(throws: PublishError(.rejected, "")) { try signature.head(in: snapshot, release: 2) }
        let other = try await TestFleet("other", try TestServer())
        try await other.publish()
        let foreign = try #require(other.state.snapshot)
        #expect(throws: PublishError(.rejected, "")) { try signature.head(in: foreign, release: 1) }
    }

    @Test func `after a start-over only releases from before it prove nothing`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let old = try #require(fleet.state.snapshot)
        let fresh = [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)]
        try fleet.rotateOnlineKeys()
        try await fleet.closeRootCeremony(to: fresh, startsOver: true)
        fleet.former = []
        let second = try #require(try await fleet.publish())
        let new = try #require(fleet.state.snapshot)
        var signature = try AuditCountersignature(
            fleet: fleet.content.fleet, id: fleet.content.id, rootFiles: fleet.state.roots)
        #expect(signature.rootDigests.count == 1)
        #expect(try signature.head(in: old, release: 1) == nil && signature.unsigned == [1])
        // Nothing that is signed yet: were that all, the fleet's own keys had signed nothing.
        #expect(throws: PublishError(.rejected, "")) { try signature.finish() }
        _ = try signature.head(in: new, release: second.number)
        try signature.finish()
        #expect(throws: PublishError(.rejected, "")) { try signature.head(in: old, release: second.number + 1) }
        var backwards = try AuditCountersignature(
            fleet: fleet.content.fleet, id: fleet.content.id, rootFiles: fleet.state.roots)
        #expect(try backwards.head(in: old, release: second.number + 1) == nil)
        #expect(throws: PublishError(.rejected, "")) { try backwards.head(in: new, release: second.number) }
    }
}
