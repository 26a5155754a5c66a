import Codecs
import FleetFixtures
import PKI
import Testing
import TrustModel

@testable import RoadsteadAgent

/// Whoever holds a team's key, hosts take only the anchors that the fleet's own settings list.
@Suite struct AnchorLimitTests {
    @Test func `a server that holds a team's key and adds another third-party anchor is not believed`() async throws {
        let host = try OfflineHost()
        let (own, vendor, smuggled) = (
            try await FixtureCertificates.root("own", at: host.now),
            try await FixtureCertificates.root("vendor", at: host.now),
            try await FixtureCertificates.root("smuggled", at: host.now)
        )
        try host.set("acme", [own, vendor])
        try host.fleet.limit(
            "acme",
            to: [
                .init(kind: .ca, sha256: own.sha256, origin: .own),
                .init(kind: .ca, sha256: vendor.sha256, origin: .thirdParty),
            ])
        try await host.publish()
        try await host.sync()
        let before = try host.anchors(of: "acme")
        #expect(Set(before) == [Base64.encode(own.der), Base64.encode(vendor.der)])

        // The settings stay; the team's role is signed anew, by the team's own key, with one anchor more.
        host.fleet.teams[try TeamName("acme")]?["acme/ca.prod.pem"]? += Array(smuggled.pem.utf8)
        host.now = host.now.adding(seconds: 60)
        try await host.publish()
        let outcome = try await host.sync()
        #expect(try Set(host.anchors(of: "acme")) == Set(before))
        #expect(outcome.warnings.contains { $0.contains(smuggled.sha256) })
        #expect(outcome.lagging.isEmpty)
    }
}
