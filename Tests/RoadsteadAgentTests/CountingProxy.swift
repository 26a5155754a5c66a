import NIOCore
import NIOPosix
import Synchronization

/// A TCP relay that counts what passes: what a poll costs is measured where it costs.
final class CountingProxy: Sendable {
    private struct Traffic {
        var requests: [String] = []
        var bytesDown = 0
    }

    private let traffic = Mutex(Traffic())

    /// First lines of the requests that passed.
    var requests: [String] { traffic.withLock { $0.requests } }
    /// Bytes that came from the server, headers and all.
    var bytesDown: Int { traffic.withLock { $0.bytesDown } }

    /// Relays to a port of this machine while the body runs, which gets the proxy's own port.
    func relaying(to port: Int, _ body: (Int) async throws -> Void) async throws {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inbound in
                ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { outbound in
                        try outbound.pipeline.syncOperations.addHandler(Relay(to: inbound) { self.down($0) })
                        try inbound.pipeline.syncOperations.addHandler(Relay(to: outbound) { self.up($0) })
                    }
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        do { try await body(channel.localAddress?.port ?? 0) } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }

    private func down(_ bytes: ByteBuffer) { traffic.withLock { $0.bytesDown += bytes.readableBytes } }

    private func up(_ bytes: ByteBuffer) {
        let line = String(buffer: bytes).split(separator: "\r\n").first.map(String.init) ?? ""
        traffic.withLock { $0.requests.append(line) }
    }
}

private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let partner: any Channel
    private let count: (ByteBuffer) -> Void

    init(to partner: any Channel, _ count: @escaping (ByteBuffer) -> Void) {
        self.partner = partner
        self.count = count
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        count(bytes)
        partner.writeAndFlush(bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { partner.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
