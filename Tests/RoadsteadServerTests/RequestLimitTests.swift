import TrustModel
import HTTPTypes
import PostgresTesting
import RoadsteadWire
import Testing

@testable import RoadsteadServer

@Suite(.postgres) struct RequestLimiting {
    @Test func `a credential that asks too much is told when to come back, and others go on`() async throws {
        try await TestAPI.withServer(limits: [.limitCredential: "60"]) { api in
            let alice = try await api.bootstrap()
            let bob = try await api.invite("bob", [InvitedRole(role: .trustAdmin)], by: alice)
            var reply = try await api.send(.get, "/v1/whoami", as: alice)
            for _ in 0..<61 where reply.status == .ok { reply = try await api.send(.get, "/v1/whoami", as: alice) }
            #expect(reply.status == .tooManyRequests)
            #expect(reply.problem == "server.rate-limit")
            let seconds = try #require(reply.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...60).contains(seconds))
            let other = try await api.send(.get, "/v1/whoami", as: bob)
            #expect(other.status == .ok)
        }
    }

    @Test func `an address that asks too much waits whoever it signs in as`() async throws {
        try await TestAPI.withServer(limits: [.limitAddress: "60"]) { api in
            var reply = try await api.send(.get, "/v1/whoami")
            for _ in 0..<61 where reply.status == .unauthorized { reply = try await api.send(.get, "/v1/whoami") }
            #expect(reply.status == .tooManyRequests)
            #expect(reply.problem == "server.rate-limit")
        }
    }

    @Test func `browsers are told to keep to HTTPS where there is HTTPS`() async throws {
        try await TestAPI.withServer(limits: [.trustedProxy: "127.0.0.1"]) { api in
            let reply = try await api.send(.get, "/healthz")
            #expect(reply.headers[.strictTransportSecurity] == "max-age=31536000")
        }
    }

    @Test func `browsers are told nothing of HTTPS where there is none`() async throws {
        try await TestAPI.withServer { api in
            let reply = try await api.send(.get, "/healthz")
            #expect(reply.headers[.strictTransportSecurity] == nil)
        }
    }
}
