import NIOCore
import NIOPosix
import NIOSSL
import Outbound
import Synchronization

/// A server on loopback that answers each request with the bytes it is told, and keeps what it was sent.
final class LoopbackServer: Sendable {
    /// What a request is answered with; nil leaves it without an answer.
    typealias Answer = @Sendable (_ request: String) -> String?

    private let requests = Mutex<[String]>([])
    let port: Int

    private init(port: Int) { self.port = port }

    var seen: [String] { requests.withLock { $0 } }
    var lines: [String] { seen.map { String($0.prefix { $0 != "\r\n" }) } }

    /// The entry of `outbound.allow` that lets requests come here.
    func rule(_ host: String = "127.0.0.1", _ scheme: String = "http") throws -> HostRule {
        try HostRule("\(scheme)://\(host):\(port)")
    }

    func url(_ path: String = "/", _ host: String = "127.0.0.1", _ scheme: String = "http") -> String {
        "\(scheme)://\(host):\(port)\(path)"
    }

    /// Serves while the body runs.
    static func serving<Result: Sendable>(
        address: String = "127.0.0.1", tls: NIOSSLContext? = nil, _ answer: @escaping Answer,
        _ body: (LoopbackServer) async throws -> Result
    ) async throws -> Result {
        let held = Slot()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let tls { try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try child.pipeline.syncOperations.addHandler(
                        Answerer { request in
                            held.server.withLock { $0 }?.requests.withLock { $0.append(request) }
                            return answer(request)
                        })
                }
            }.bind(host: address, port: 0).get()
        let made = LoopbackServer(port: channel.localAddress?.port ?? 0)
        held.server.withLock { $0 = made }
        do {
            let result = try await body(made)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }
}

/// The server once it knows its port.
private final class Slot: Sendable {
    let server = Mutex<LoopbackServer?>(nil)
}

/// Collects one request up to the end of its body.
private final class Answerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: (String) -> String?
    private var text = ""

    init(_ answer: @escaping (String) -> String?) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        guard let end = text.firstRange(of: "\r\n\r\n") else { return }
        let length = text.firstMatch(of: /(?i)content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        guard text[end.upperBound...].utf8.count >= length, let bytes = answer(text) else { return }
        context.channel.writeAndFlush(ByteBuffer(string: bytes)).whenComplete { [channel = context.channel] _ in
            if !bytes.hasSuffix("…") { channel.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// An answer in the form of HTTP.
func answer(_ status: Int = 200, _ headers: String..., body: String = "") -> String {
    (["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
        + body
}

/// A resolver that answers from a list; each name's answers come in turn, the last one stays.
final class ScriptedResolver: Sendable {
    private let answers: Mutex<[String: [[String]]]>
    private let asked = Mutex<[String]>([])

    init(_ answers: [String: [[String]]]) { self.answers = Mutex(answers) }

    var questions: [String] { asked.withLock { $0 } }

    var resolver: NameResolver {
        NameResolver { host, loop in
            self.asked.withLock { $0.append(host) }
            let found = self.answers.withLock { table -> [String] in
                guard let list = table[host], let first = list.first else { return [] }
                if list.count > 1 { table[host] = Array(list.dropFirst()) }
                return first
            }
            return loop.makeSucceededFuture(found.compactMap { IPAddress($0) })
        }
    }
}
