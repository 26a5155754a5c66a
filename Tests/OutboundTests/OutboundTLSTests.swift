import NIOSSL
import Outbound
import Testing

@Suite struct OutboundTLSTests {
    private func make(_ files: CertificateFiles, _ rules: [HostRule], trusted: Bool = true) throws -> OutboundClient {
        let names = ScriptedResolver(["idp.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]])
        return try OutboundClient(
            policy: OutboundPolicy(allowed: rules, timeout: .seconds(5)), caFile: trusted ? files.certificate : nil,
            resolver: names.resolver)
    }

    @Test func `the certificate must name the host of the URL, and come from a CA that is believed`() async throws {
        let files = try await CertificateFiles(names: "DNS:idp.example")
        let tls = try files.serverContext()
        try await LoopbackServer.serving(tls: tls, { _ in answer(body: "ok") }) { server async throws in
            let rules = try ["idp.example", "other.example", "127.0.0.1"].map { try server.rule($0, "https") }
            let good = try await make(files, rules).request(
                OutboundRequest(.get, server.url("/", "idp.example", "https")))
            #expect(good.body == Array("ok".utf8))
            for (host, trusted) in [("other.example", true), ("127.0.0.1", true), ("idp.example", false)] {
                let client = try make(files, rules, trusted: trusted)
                let request = OutboundRequest(.get, server.url("/", host, "https"))
                await #expect(throws: OutboundError(.unreachable, "")) { try await client.request(request) }
            }
            #expect(server.seen.count == 1)
        }
    }

    @Test func `https does not lead to http, even where http is allowed`() async throws {
        let files = try await CertificateFiles(names: "DNS:idp.example")
        let tls = try files.serverContext()
        try await LoopbackServer.serving({ _ in answer(body: "plain") }) { plain async throws in
            let place = plain.url()
            try await LoopbackServer.serving(tls: tls, { _ in answer(302, "Location: \(place)") }) {
                server async throws in
                let client = try make(files, [server.rule("idp.example", "https"), plain.rule()])
                let request = OutboundRequest(.get, server.url("/", "idp.example", "https"))
                await #expect(throws: OutboundError(.redirect, "")) { try await client.request(request) }
                #expect(plain.seen.isEmpty)
            }
        }
    }

    @Test func `a CA file without a certificate is an error at once`() {
        #expect(throws: OutboundError(.configuration, "")) {
            try OutboundClient(policy: OutboundPolicy(), caFile: "/dev/null")
        }
    }
}
