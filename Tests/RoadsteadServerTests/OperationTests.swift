import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import RoadsteadServer

@Suite struct Operation {
    @Test func `an address that does not exist is a problem with a request id and security headers`() async throws {
        try await withScratch { folder in
            try await DeliveryServer(directory: folder).application().test(.live) { client in
                let answer = try await client.execute(uri: "/nowhere", method: .get)
                #expect(answer.status == .notFound)
                #expect(answer.headers[.contentType] == "application/problem+json")
                let id = try #require(answer.headers[.xRequestID])
                #expect(String(buffer: answer.body).contains(id))
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
                #expect(answer.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            }
        }
    }

    @Test func `requests around the proxy are refused`() async throws {
        try await withScratch { folder in
            let server = try DeliveryServer(directory: folder)
            let guarded = ProxyGuard(trusted: ["10.0.0.1"], refusesOthers: true)
            try await server.application(trusted: guarded.trusted, refusesOthers: true).test(.live) { client in
                let answer = try await client.execute(uri: "/healthz", method: .get)
                #expect(answer.status == .ok)
            }
        }
    }

    @Test func `metrics are for this machine, or for who signs in`() async throws {
        try await withScratch { folder in
            try await DeliveryServer(directory: folder).application().test(.live) { client in
                let local = try await client.execute(uri: "/metrics", method: .get)
                #expect(local.status == .ok)
                #expect(String(buffer: local.body).contains("roadstead_fleet_requests_total"))
                let proxied = try await client.execute(
                    uri: "/metrics", method: .get, headers: [.xForwardedFor: "203.0.113.9"])
                #expect(proxied.status == .unauthorized)
            }
        }
    }

    @Test func `twenty refused credentials from an address bar it for a minute`() throws {
        let limiter = SignInLimiter()
        let start = ContinuousClock.now
        for _ in 0..<RequestLimits.standard.failuresPerMinute {
            try limiter.admit("192.0.2.1", now: start)
            limiter.recordFailure("192.0.2.1", now: start)
        }
        #expect(throws: ServerError(.tooManyAttempts, "")) { try limiter.admit("192.0.2.1", now: start) }
        try limiter.admit("192.0.2.2", now: start)
        try limiter.admit("192.0.2.1", now: start + .seconds(61))
    }

    @Test(.timeLimit(.minutes(5)))
    func `a ring is not lost when nobody waits`() async {
        let signal = WakeSignal()
        signal.ring()
        await signal.wait(atMost: .seconds(86_400))
    }

    @Test func `a caller may ask for a minute's worth at once, then as fast as the bucket fills`() throws {
        let limiter = RequestLimiter(
            RequestLimits(credentialPerMinute: 60, addressPerMinute: 600, failuresPerMinute: 20))
        let start = ContinuousClock.now
        for _ in 0..<12 { try limiter.take(5, from: .credential(1), now: start) }
        let refused = try #require(throws: ServerError.self) { try limiter.take(5, from: .credential(1), now: start) }
        #expect(refused.code == .rateLimit)
        #expect(refused.retryAfter == 5)
        try limiter.take(5, from: .credential(2), now: start)
        try limiter.take(100, from: .address("192.0.2.1"), now: start)
        try limiter.take(5, from: .credential(1), now: start + .seconds(5))
        #expect(throws: ServerError(.rateLimit, "")) {
            try limiter.take(1, from: .credential(1), now: start + .seconds(5))
        }
        #expect(throws: Never.self) { try limiter.take(1_000, from: .credential(1), now: start + .seconds(65)) }
    }

    @Test func `an address says which methods it takes, and HEAD is answered like GET without its body`() async throws {
        try await withScratch { folder in
            try await DeliveryServer(directory: folder).application().test(.live) { client in
                let options = try await client.execute(uri: "/healthz", method: .options)
                #expect(options.status == .noContent)
                #expect(options.headers[.allow] == "GET, HEAD, OPTIONS")
                let other = try await client.execute(uri: "/healthz", method: .put)
                #expect(other.status == .methodNotAllowed)
                #expect(other.headers[.allow] == "GET, HEAD, OPTIONS")
                #expect(other.headers[.contentType] == "application/problem+json")
                let head = try await client.execute(uri: "/healthz", method: .head)
                #expect(head.status == .ok)
                #expect(head.body.readableBytes == 0)
            }
        }
    }
}
