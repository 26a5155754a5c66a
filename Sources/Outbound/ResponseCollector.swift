import NIOCore
import NIOHTTP1

/// Takes one answer up to a number of bytes.
final class ResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let url: OutboundURL
    private let limit: Int
    private let promise: EventLoopPromise<OutboundResponse>
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init(_ url: OutboundURL, _ limit: Int, _ promise: EventLoopPromise<OutboundResponse>) {
        self.url = url
        self.limit = limit
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            if let problem = problem(of: head) { fail(problem, context) }
        case .body(let part):
            guard part.readableBytes <= limit - body.count else { return fail(tooLarge, context) }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            promise.succeed(
                OutboundResponse(
                    status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) }, body: body,
                    url: url))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(OutboundError(.unreachable, "\(url.origin) closed the connection before its answer was whole"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    private func problem(of head: HTTPResponseHead) -> OutboundError? {
        let encodings = head.headers[canonicalForm: "Content-Encoding"].map { $0.lowercased() }
        guard encodings.allSatisfy({ $0 == "identity" || $0.isEmpty }) else {
            return OutboundError(.answer, "\(url.origin) answers compressed, which nobody asked for")
        }
        let announced = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        return announced > limit ? tooLarge : nil
    }

    private var tooLarge: OutboundError {
        OutboundError(.tooLarge, "\(url.origin) answers with more than \(limit) bytes")
    }

    private func fail(_ problem: OutboundError, _ context: ChannelHandlerContext) {
        promise.fail(problem)
        context.close(promise: nil)
    }
}
