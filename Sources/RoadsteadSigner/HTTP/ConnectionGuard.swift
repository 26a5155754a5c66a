import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import NIOSSL

/// Bounds what one connection may take: its number, how long a request may be on its way, and how long an end may last.
///
/// It stands between the parser and what handles requests.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// For the first request's head, the TLS handshake included.
    static let headTime = TimeAmount.seconds(10)
    /// For a request's body.
    static let bodyTime = TimeAmount.seconds(60)
    /// For what is still on its way when the answer is out.
    static let lingerTime = TimeAmount.seconds(2)
    /// For what is still on its way when the service stops.
    static let lastTime = TimeAmount.seconds(1)
    /// For the other side to take part in an end, as TLS asks it to.
    static let closeTime = TimeAmount.seconds(1)

    private let ledger: ConnectionLedger
    private var origin: StrangerLimiter.Origin?
    private var alarm: Scheduled<Void>?
    private var ending: Scheduled<Void>?
    private var isReading = false
    private var inProgress = 0
    private var endsAfterAnswer = false

    init(_ ledger: ConnectionLedger) { self.ledger = ledger }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            (isReading, inProgress) = (true, inProgress + 1)
            closeUnless(in: Self.bodyTime, context)
        case .body: break
        case .end:
            isReading = false
            alarm?.cancel()
            if endsAfterAnswer, inProgress == 0 { end(context) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection] == "close" { endsAfterAnswer = true }
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            inProgress -= 1
            answered(context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode != .input { cutLater(context) }
        context.close(mode: mode, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A request that has not come whole by now is not waited for; one that is being answered is.
        if event is ChannelShouldQuiesceEvent, isReading { closeUnless(in: Self.lastTime, context) }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: steps

    private func begin(_ context: ChannelHandlerContext) {
        guard origin == nil else { return }
        let origin = StrangerLimiter.origin(of: context.channel)
        guard ledger.enter(origin) else { return end(context) }
        self.origin = origin
        closeUnless(in: Self.headTime, context)
    }

    private func leave() {
        alarm?.cancel()
        ending?.cancel()
        if let origin { ledger.leave(origin) }
        origin = nil
    }

    /// What was not read of a request is thrown away for a moment, so that the answer arrives; then the connection ends.
    private func answered(_ context: ChannelHandlerContext) {
        guard inProgress == 0 else { return }
        if isReading {
            endsAfterAnswer = true
            context.flush()
            closeUnless(in: Self.lingerTime, context)
        } else if endsAfterAnswer {
            context.flush()
            end(context)
        }
    }

    private func closeUnless(in time: TimeAmount, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.end(context) }
    }

    private func end(_ context: ChannelHandlerContext) {
        cutLater(context)
        context.close(promise: nil)
    }

    private func cutLater(_ context: ChannelHandlerContext) {
        guard ending == nil else { return }
        ending = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTime) { Self.cut(context) }
    }

    /// Ends the connection below TLS, which would go on waiting for the other side.
    private static func cut(_ context: ChannelHandlerContext) {
        let pipeline = context.channel.pipeline.syncOperations
        if let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self) {
            tls.close(promise: nil)
        } else {
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
