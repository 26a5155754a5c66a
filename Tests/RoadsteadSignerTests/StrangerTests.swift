import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import RoadsteadSigner

/// What those who prove nothing may cost.
@Suite struct StrangerTests {
    private let start = ContinuousClock.now

    @Test func `an address has its looks, and the others have theirs`() throws {
        let limiter = StrangerLimiter(perOrigin: 3, total: 100, now: start)
        for _ in 0..<3 { try limiter.admit([1], now: start) }
        #expect(throws: SignerError(.tooManyStrangers, "")) { try limiter.admit([1], now: start) }
        try limiter.admit([2], now: start)
        #expect(throws: SignerError(.tooManyStrangers, "")) { try limiter.admit([1], now: start + .seconds(19)) }
        try limiter.admit([1], now: start + .seconds(21))
    }

    @Test func `all together have no more than the total, from however many addresses`() throws {
        let limiter = StrangerLimiter(perOrigin: 3, total: 50, now: start)
        var admitted = 0
        for number in 0..<20_000 {
            let origin = [UInt8(number & 0xFF), UInt8(number >> 8)]
            if (try? limiter.admit(origin, now: start)) != nil { admitted += 1 }
        }
        #expect(admitted == 50)
    }

    @Test func `who turns out to be a caller took nothing`() throws {
        let limiter = StrangerLimiter(perOrigin: 1, total: 1, now: start)
        for _ in 0..<100 {
            try limiter.admit([1], now: start)
            limiter.giveBack([1])
        }
    }

    @Test func `connections are counted by address and in total, and given back`() {
        let ledger = ConnectionLedger(perOrigin: 2, total: 3)
        #expect(ledger.enter([1]) && ledger.enter([1]) && !ledger.enter([1]))
        #expect(ledger.enter([2]) && !ledger.enter([3]))
        ledger.leave([1])
        #expect(ledger.enter([3]))
    }

    // MARK: one connection

    private func withConnection(_ body: (EmbeddedChannel, ConnectionLedger) throws -> Void) throws {
        let ledger = ConnectionLedger(perOrigin: 1, total: 1)
        let channel = EmbeddedChannel(handler: ConnectionGuard(ledger))
        try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try body(channel, ledger)
        _ = try? channel.finish()
        #expect(ledger.enter([127, 0, 0, 1]) || ledger.enter([]))
    }

    private let head = HTTPRequestPart.head(HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/"))

    private func answer(_ channel: EmbeddedChannel, close: Bool = false) throws {
        var head = HTTPResponse(status: .ok)
        if close { head.headerFields[.connection] = "close" }
        try channel.writeOutbound(HTTPResponsePart.head(head))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    @Test func `a connection that sends no request is ended`() throws {
        try withConnection { channel, ledger in
            channel.embeddedEventLoop.advanceTime(by: ConnectionGuard.headTime - .seconds(1))
            #expect(channel.isActive)
            #expect(!ledger.enter([127, 0, 0, 1]) && !ledger.enter([]))
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            #expect(!channel.isActive)
        }
    }

    @Test func `a body that does not come whole ends the connection, however it trickles`() throws {
        try withConnection { channel, _ in
            try channel.writeInbound(head)
            for _ in 0..<59 {
                channel.embeddedEventLoop.advanceTime(by: .seconds(1))
                try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: [1])))
            }
            #expect(channel.isActive)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            #expect(!channel.isActive)
        }
    }

    @Test func `a request that is being answered has no end of its own here`() throws {
        try withConnection { channel, _ in
            try channel.writeInbound(head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
            channel.embeddedEventLoop.advanceTime(by: .minutes(9))
            #expect(channel.isActive)
            try answer(channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(30))
            #expect(channel.isActive)
        }
    }

    @Test func `an answer before the body's end leaves a moment for the rest`() throws {
        try withConnection { channel, _ in
            try channel.writeInbound(head)
            try answer(channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: [1])))
            #expect(channel.isActive)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            #expect(!channel.isActive)
        }
    }

    @Test func `an answer that says so ends the connection`() throws {
        try withConnection { channel, _ in
            try channel.writeInbound(head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
            try answer(channel, close: true)
            #expect(!channel.isActive)
        }
    }

    @Test func `a service that stops waits for no request that is still to come`() throws {
        try withConnection { channel, _ in
            try channel.writeInbound(head)
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            channel.embeddedEventLoop.advanceTime(by: ConnectionGuard.lastTime)
            #expect(!channel.isActive)
        }
    }
}
