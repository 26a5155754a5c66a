import NIOCore
import Outbound
import Testing

@Suite struct OutboundClientTests {
    private func make(
        _ rules: [HostRule], _ resolver: NameResolver = .system, bytes: Int = 4_096, timeout: Duration = .seconds(5)
    ) throws -> OutboundClient {
        try OutboundClient(
            policy: OutboundPolicy(allowed: rules, maximumBytes: bytes, timeout: timeout), resolver: resolver)
    }

    private func failure(_ body: () async throws -> OutboundResponse) async -> OutboundError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? OutboundError
        }
    }

    @Test func `an answer comes whole, with what was sent`() async throws {
        try await LoopbackServer.serving({ _ in answer(201, "X-Word: yes", body: "hello") }) { server async throws in
            let response = try await make([server.rule()]).request(
                OutboundRequest(.post, server.url("/hook?a=b"), headers: [("X-Mine", "1")], body: Array("body".utf8)))
            #expect(response.status == 201 && response.body == Array("hello".utf8))
            #expect(response.header("x-word") == "yes")
            let request = try #require(server.seen.first)
            #expect(request.hasPrefix("POST /hook?a=b HTTP/1.1\r\n") && request.hasSuffix("\r\n\r\nbody"))
            #expect(request.contains("Host: 127.0.0.1:\(server.port)\r\n") && request.contains("X-Mine: 1\r\n"))
            #expect(!request.lowercased().contains("accept-encoding"))
        }
    }

    @Test func `without an entry nothing is sent to loopback, by number or by name`() async throws {
        try await LoopbackServer.serving({ _ in answer() }) { server async throws in
            for host in ["127.0.0.1", "localhost"] {
                let error = await failure { try await make([]).request(OutboundRequest(.get, server.url("/", host))) }
                #expect(error?.code == .refused, "\(host)")
            }
            #expect(server.seen.isEmpty)
        }
    }

    @Test func `a public name that leads to a private address is refused, and so is one that leads to both`()
        async throws
    {
        for addresses in [["127.0.0.1"], ["9.9.9.9", "10.0.0.1"], ["::ffff:127.0.0.1"], ["2606:4700::1", "fe80::1"]] {
            let names = ScriptedResolver(["idp.example": [addresses]])
            let client = try make([], names.resolver)
            let error = await failure { try await client.request(OutboundRequest(.get, "https://idp.example/")) }
            #expect(error?.code == .refused, "\(addresses)")
            #expect(error?.hint?.contains("idp.example:443") == true)
        }
        let client = try make([], ScriptedResolver([:]).resolver)
        let error = await failure { try await client.request(OutboundRequest(.get, "https://gone.example/")) }
        #expect(error?.code == .unresolved)
    }

    @Test func `the connection goes to the address that was checked, not to a second answer`() async throws {
        try await LoopbackServer.serving({ _ in answer(body: "first") }) { server async throws in
            let names = ScriptedResolver(["app.example": [["127.0.0.1"], ["127.0.0.2"]]])
            let client = try make([server.rule("app.example")], names.resolver)
            let response = try await client.request(OutboundRequest(.get, server.url("/", "app.example")))
            #expect(response.body == Array("first".utf8))
            #expect(names.questions == ["app.example"])
            #expect(server.seen.first?.contains("Host: app.example:\(server.port)\r\n") == true)
        }
    }

    @Test func `a name that is rebound between two hops is checked again`() async throws {
        let target = Held("")
        try await LoopbackServer.serving({ _ in answer(302, "Location: \(target.value)") }) { server async throws in
            target.value = "https://app.example/next"
            let names = ScriptedResolver(["start.example": [["127.0.0.1"]], "app.example": [["169.254.169.254"]]])
            let client = try make([server.rule("start.example")], names.resolver)
            let error = await failure {
                try await client.request(OutboundRequest(.get, server.url("/", "start.example")))
            }
            #expect(error?.code == .refused && error?.reason.contains("169.254.169.254") == true)
            #expect(names.questions == ["start.example", "app.example"])
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:1/", "//127.0.0.1:8080/", "http://[::1]:8080/", "https://10.0.0.1/", "file:///etc/passwd",
        "https://u:p@example.com/", "https://0x7f.1/", "gopher://x/", "https://127.0.0.1:22/", "javascript:alert(1)",
        "",
    ])
    func `a redirect to where nobody may go is refused`(location: String) async throws {
        try await LoopbackServer.serving({ _ in answer(307, "Location: \(location)") }) { server async throws in
            let error = await failure { try await make([server.rule()]).request(OutboundRequest(.get, server.url())) }
            #expect([.refused, .url, .redirect].contains(error?.code), "\(String(describing: error))")
            #expect(server.seen.count == 1)
        }
    }

    @Test func `three redirects are followed and a fourth is not`() async throws {
        let hops: @Sendable (String) -> String? = { request in
            let left = Int(request.dropFirst("GET /".count).prefix { $0 != " " }) ?? 0
            return left == 0 ? answer(body: "end") : answer(302, "Location: \(left - 1)")
        }
        try await LoopbackServer.serving(hops) { server async throws in
            let client = try make([server.rule()])
            let response = try await client.request(OutboundRequest(.get, server.url("/3")))
            #expect(response.body == Array("end".utf8) && response.url.target == "/0")
            let error = await failure { try await client.request(OutboundRequest(.get, server.url("/4"))) }
            #expect(error?.code == .redirect)
        }
    }

    @Test func `credentials stay at the origin they were given for`() async throws {
        try await LoopbackServer.serving({ _ in answer(body: "other") }) { other async throws in
            let place = other.url("/there")
            let home: @Sendable (String) -> String? = { request in
                request.hasPrefix("GET /same ") ? answer(302, "Location: /again") : answer(302, "Location: \(place)")
            }
            try await LoopbackServer.serving(home) { server async throws in
                let client = try make([server.rule(), other.rule()])
                let secret = [(name: "Authorization", value: "Bearer secret"), (name: "X-Key", value: "secret")]
                let response = try await client.request(OutboundRequest(.get, server.url("/same"), headers: secret))
                #expect(response.body == Array("other".utf8))
                #expect(server.seen.count == 2 && server.seen.allSatisfy { $0.contains("Bearer secret") })
                #expect(other.seen.count == 1 && other.seen.allSatisfy { !$0.contains("secret") })
            }
        }
    }

    @Test func `a body goes nowhere else`() async throws {
        try await LoopbackServer.serving({ _ in answer() }) { other async throws in
            let place = other.url("/there")
            try await LoopbackServer.serving({ _ in answer(307, "Location: \(place)") }) { server async throws in
                let client = try make([server.rule(), other.rule()])
                let response = try await client.request(OutboundRequest(.post, server.url(), body: [1, 2, 3]))
                #expect(response.status == 307 && other.seen.isEmpty)
            }
        }
    }

    @Test func `an answer has a largest size, announced or not`() async throws {
        let big = String(repeating: "x", count: 4_097)
        let chunks = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n\(big)\r\n0\r\n\r\n"
        for bytes in [answer(body: big), "HTTP/1.1 200 X\r\n\r\n\(big)", chunks] {
            try await LoopbackServer.serving({ _ in bytes }) { server async throws in
                let error = await failure {
                    try await make([server.rule()]).request(OutboundRequest(.get, server.url()))
                }
                #expect(error?.code == .tooLarge)
            }
        }
        try await LoopbackServer.serving({ _ in answer(body: "12345") }) { server async throws in
            let client = try make([server.rule()])
            let error = await failure {
                try await client.request(OutboundRequest(.get, server.url(), maximumBytes: 4))
            }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 X\r\nX-Long: \(String(repeating: "x", count: 20_000))\r\n\r\n",
        "HTTP/1.1 200 X\r\n" + String(repeating: "X-A: b\r\n", count: 101) + "\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    ])
    func `an answer that is no plain HTTP is refused`(bytes: String) async throws {
        try await LoopbackServer.serving({ _ in bytes }) { server async throws in
            let error = await failure { try await make([server.rule()]).request(OutboundRequest(.get, server.url())) }
            #expect(error?.code == .answer, "\(String(describing: error))")
        }
    }

    @Test func `an answer that breaks off is none`() async throws {
        let half = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhalf"
        try await LoopbackServer.serving({ _ in half }) { server async throws in
            let error = await failure { try await make([server.rule()]).request(OutboundRequest(.get, server.url())) }
            #expect(error?.code == .unreachable || error?.code == .answer)
        }
    }

    @Test func `who answers slowly, or never, or looks up a name for ever is given up`() async throws {
        let never = NameResolver { _, loop in loop.makePromise(of: [IPAddress].self).futureResult }
        for bytes in [nil, "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhalf…"] as [String?] {
            try await LoopbackServer.serving({ _ in bytes }) { server async throws in
                let client = try make([server.rule()], timeout: .milliseconds(200))
                let error = await failure { try await client.request(OutboundRequest(.get, server.url())) }
                #expect(error?.code == .deadline)
            }
        }
        let client = try make([], never, timeout: .milliseconds(100))
        let error = await failure { try await client.request(OutboundRequest(.get, "https://slow.example/")) }
        #expect(error?.code == .deadline)
    }

    @Test func `a header that would end its line is not sent`() async throws {
        for (name, value) in [("X", "a\r\nY: b"), ("X Y", "a"), ("", "a"), ("Host", "other"), ("Content-Length", "0")] {
            let client = try make([])
            let error = await failure {
                try await client.request(OutboundRequest(.get, "https://example.com/", headers: [(name, value)]))
            }
            #expect(error?.code == .url, "\(name)")
        }
    }

    @Test func `a cancelled task does not wait for the answer`() async throws {
        try await LoopbackServer.serving({ _ in nil }) { server async throws in
            let client = try make([server.rule()], timeout: .seconds(60))
            let task = Task { try await client.request(OutboundRequest(.get, server.url())) }
            while server.seen.isEmpty { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
