import Codecs
import Envelopes
import Foundation
import PKI
import SigningKeys
import Synchronization
import TestVectors
import Testing
import TimestampAuthority

@testable import RoadsteadCommand

/// A network with one server, whose answers a test makes.
private final class AnsweringReach: HTTPReach {
    private let answer: @Sendable (HTTPRequest) async throws -> HTTPResponse
    private let asked = Mutex<[HTTPRequest]>([])

    init(_ answer: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse) { self.answer = answer }

    var requests: [HTTPRequest] { asked.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        asked.withLock { $0.append(request) }
        return try await answer(request)
    }
}

@Suite struct `Asking for a timestamp` {
    private static let signature = Array("a signature".utf8)
    private static let now = UTCDate(seconds: 1_795_000_000)
    private static let start = now.adding(days: -30)

    private func service(
        _ authority: TimestampAuthority, roots: [Certificate]? = nil, status: Int = 200,
        type: String = "application/timestamp-reply",
        change: @escaping @Sendable (inout TokenDraft) throws -> Void = { _ in }
    ) -> (TimestampService, AnsweringReach) {
        let reach = AnsweringReach { request in
            let body = try await authority.answer(to: request.body, at: Self.now, change: change)
            return HTTPResponse(status: status, headers: [("content-type", type)], body: body)
        }
        let service = TimestampService(
            url: "http://tsa.example/", http: reach, roots: roots ?? [authority.root])
        return (service, reach)
    }

    @Test func `an authority is asked by POST, with a limit and a deadline`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let (service, reach) = service(authority)
        let timestamp = try await service.timestamp(over: Self.signature, hash: .sha384)
        #expect(timestamp.isOver(Self.signature) && timestamp.hash == .sha384)
        let request = try #require(reach.requests.first)
        #expect(reach.requests.count == 1 && request.method == .post && request.url == "http://tsa.example/")
        #expect(request.headers.contains { $0 == ("content-type", "application/timestamp-query") })
        #expect(request.maximumBytes <= 1 << 20 && request.deadline <= .seconds(60))
    }

    @Test func `two requests never have the same nonce`() async throws {
        let (one, two) = (
            try TimestampRequest(over: Self.signature, hash: .sha256),
            try TimestampRequest(over: Self.signature, hash: .sha256)
        )
        #expect(one.nonce != two.nonce && one.nonce.count == 16)
    }

    @Test func `what an authority gets wrong is refused with its name`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let stranger = try await TimestampAuthority(from: Self.start)
        let expired = try await TimestampAuthority(from: Self.start, days: 20)
        let forAll = try await TimestampAuthority(from: Self.start) { template in
            template.extensions.removeAll { $0.identifier == ObjectIdentifier.extendedKeyUsage }
            template.extensions.append(try .extendedKeyUsage([ObjectIdentifier.timeStamping]))
        }
        let cases: [(TimestampService, String)] = [
            (service(authority) { $0.nonce = [9] }.0, "another nonce"),
            (service(authority) { $0.imprint = [UInt8](repeating: 1, count: 32) }.0, "other bytes"),
            (service(authority, roots: [stranger.root]).0, "does not lead to a trusted root"),
            (service(expired).0, "it expired at"),
            (service(forAll).0, "not marked critical"),
            (service(authority, status: 503).0, "HTTP status 503"),
            (service(authority, type: "text/html").0, "text/html"),
        ]
        for (service, words) in cases {
            do {
                _ = try await service.timestamp(over: Self.signature, hash: .sha256)
                Issue.record("taken: \(words)")
            } catch let error as CommandError {
                #expect(error.code == .refused && error.reason.contains("http://tsa.example/"), "\(error)")
                #expect(error.reason.contains(words), "\(error)")
            }
        }
    }

    @Test func `an answer that is none is refused`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        for body in [[], Array("<html>no</html>".utf8), TimestampAuthority.refusal("closed")] {
            let reach = AnsweringReach { _ in
                HTTPResponse(status: 200, headers: [("content-type", "application/timestamp-reply")], body: body)
            }
            let service = TimestampService(url: "http://tsa.example/", http: reach, roots: [authority.root])
            await #expect(throws: CommandError(.refused, "")) {
                try await service.timestamp(over: Self.signature, hash: .sha256)
            }
        }
    }
}
