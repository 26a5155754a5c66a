import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One request on a connection of its own to one of the addresses that were checked.
struct Exchange: Sendable {
    let method: OutboundRequest.Method
    let url: OutboundURL
    let headers: [(String, String)]
    let body: [UInt8]
    let addresses: [IPAddress]
    let tls: NIOSSLContext?
    let limit: Int
    let deadline: NIODeadline
    let connectTimeout: TimeAmount
    let loop: any EventLoop

    /// Addresses that are tried, one after the other.
    static let mostAddresses = 4

    func run() async throws -> OutboundResponse {
        var failure = OutboundError(.unreachable, "\(url.origin) does not answer")
        for address in addresses.prefix(Self.mostAddresses) {
            let promise = loop.makePromise(of: OutboundResponse.self)
            let channel: any Channel
            do {
                channel = try await connect(address, promise)
            } catch {
                promise.fail(error)
                failure = Self.problem(error, url)
                guard failure.code == .unreachable, NIODeadline.now() < deadline else { throw failure }
                continue
            }
            return try await answer(on: channel, promise)
        }
        throw failure
    }

    private func connect(_ address: IPAddress, _ promise: EventLoopPromise<OutboundResponse>) async throws
        -> any Channel
    {
        let time = min(connectTimeout, deadline - .now())
        guard time > .zero else { throw OutboundError(.deadline, "\(url.origin) did not answer in time") }
        let (tls, url, limit) = (tls, url, limit)
        return try await ClientBootstrap(group: loop).connectTimeout(time).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if let tls {
                    // An address has no name to ask for; its certificate must then name the address.
                    let name = url.literal == nil ? url.host : nil
                    try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                }
                var limits = NIOHTTPDecoderLimitConfiguration()
                limits.maxHeaderFieldSize = OutboundClient.headerBytes / 2
                limits.maxHeaderListSize = OutboundClient.headerBytes
                limits.maxHeaderFieldCount = OutboundClient.mostHeaders
                let decoder = HTTPResponseDecoder(limitConfiguration: limits)
                try pipeline.addHandlers(
                    HTTPRequestEncoder(), ByteToMessageHandler(decoder), ResponseCollector(url, limit, promise))
            }
        }.connect(to: address.socketAddress(port: url.port)).get()
    }

    private func answer(
        on channel: any Channel, _ promise: EventLoopPromise<OutboundResponse>
    ) async throws -> OutboundResponse {
        let whole = promise.futureResult.orFail(at: deadline, "\(url.origin) gave no whole answer in time", on: loop)
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method.rawValue), uri: url.target,
            headers: HTTPHeaders(headers))
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if !body.isEmpty {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil)).whenFailure { promise.fail($0) }
        // Whatever comes first, the end or the deadline, ends the connection too.
        whole.whenComplete { _ in channel.close(mode: .all, promise: nil) }
        do {
            return try await withTaskCancellationHandler {
                try await whole.get()
            } onCancel: {
                promise.fail(CancellationError())
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Self.problem(error, url)
        }
    }

    /// What happened in words for an operator; never what the other side sent.
    private static func problem(_ error: any Error, _ url: OutboundURL) -> OutboundError {
        switch error {
        case let error as OutboundError: error
        case is HTTPParserError: OutboundError(.answer, "\(url.origin) does not speak HTTP: \(error)")
        case let error as NIOConnectionError:
            OutboundError(
                .unreachable,
                "\(url.origin) does not answer: \(error.connectionErrors.first.map { "\($0.error)" } ?? "")")
        case ChannelError.connectTimeout: OutboundError(.unreachable, "\(url.origin) takes no connection")
        default: OutboundError(.unreachable, "\(url.origin): \(String("\(error)".prefix(300)))")
        }
    }
}
