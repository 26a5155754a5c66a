import Foundation
import NIOCore
import NIOPosix
import SigningKeys

/// Waits on a port of loopback for the browser to come back with a code.
///
/// Only one request counts: to the path and with the state that this sign-in began with. Whatever else comes is told so
/// and changes nothing.
final class RedirectListener: Sendable {
    let address: String
    private let channel: any Channel
    private let code: EventLoopPromise<String>

    private init(address: String, channel: any Channel, code: EventLoopPromise<String>) {
        self.address = address
        self.channel = channel
        self.code = code
    }

    static func start(state: String) async throws -> RedirectListener {
        let group = MultiThreadedEventLoopGroup.singleton
        let code = group.next().makePromise(of: String.self)
        let channel = try await ServerBootstrap(group: group).childChannelInitializer { child in
            child.eventLoop.makeCompletedFuture {
                try child.pipeline.syncOperations.addHandler(RedirectHandler(state: state, code: code))
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        return RedirectListener(address: "http://127.0.0.1:\(port)/callback", channel: channel, code: code)
    }

    func code(within seconds: Int64) async throws -> String {
        let code = code
        let alarm = channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
            code.fail(
                RemoteError(.refused, "nobody came back from the browser in time", hint: "start again: roadstead login")
            )
        }
        defer { alarm.cancel() }
        do {
            let text = try await code.futureResult.get()
            try? await channel.close()
            return text
        } catch {
            try? await channel.close()
            throw error
        }
    }
}

/// Reads the first line of a request, which is all that counts.
private final class RedirectHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let longestRequest = 16_384
    private let state: String
    private let code: EventLoopPromise<String>
    private var text = ""

    init(state: String, code: EventLoopPromise<String>) {
        self.state = state
        self.code = code
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        guard text.utf8.count <= Self.longestRequest else { return context.close(promise: nil) }
        guard text.contains("\r\n\r\n") else { return }
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count == 3, words[0] == "GET" else { return answer("400 Bad Request", "No.", context) }
        settle(String(words[1]), context)
    }

    private func settle(_ target: String, _ context: ChannelHandlerContext) {
        guard let parts = URLComponents(string: target), parts.path == "/callback" else {
            return answer("404 Not Found", "There is nothing here.", context)
        }
        func value(_ name: String) -> String? { parts.queryItems?.first { $0.name == name }?.value }
        guard let shown = value("state"), ConstantTime.areEqual(Array(shown.utf8), Array(state.utf8)) else {
            return answer("400 Bad Request", "This does not belong to the sign-in that waits here.", context)
        }
        if let found = value("code") {
            answer("200 OK", "You are signed in. Close this window and go back to the terminal.", context) {
                $0.succeed(found)
            }
        } else {
            answer("200 OK", "The sign-in was refused. Go back to the terminal.", context) {
                $0.fail(RemoteError(.refused, "the provider was told to refuse this sign-in"))
            }
        }
    }

    /// - Parameter settle: done once the browser has its answer, since the program may end with it.
    private func answer(
        _ status: String, _ body: String, _ context: ChannelHandlerContext,
        settle: @escaping @Sendable (EventLoopPromise<String>) -> Void = { _ in }
    ) {
        let head = [
            "HTTP/1.1 \(status)", "Content-Type: text/plain; charset=utf-8", "Content-Length: \(body.utf8.count)",
            "Cache-Control: no-store", "Referrer-Policy: no-referrer", "Connection: close",
        ]
        let bytes = ByteBuffer(string: head.joined(separator: "\r\n") + "\r\n\r\n" + body)
        let (channel, code) = (context.channel, code)
        channel.writeAndFlush(bytes).whenComplete { _ in
            channel.close(promise: nil)
            settle(code)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
