import NIOCore
import NIOPosix
import RepositorySimulation
import Synchronization

/// What a server does instead of answering with the file.
enum Misbehaviour: Sendable {
    /// A status line, headers and a body, as they stand.
    case answer(String, headers: [String] = [], body: [UInt8] = [])
    /// A body that never ends, as fast as it is taken.
    case endless(announced: Bool)
    /// One byte of a body every 100 ms.
    case dripping
    /// Nothing at all.
    case silence
    /// The connection ends in the middle of the body.
    case cutShort
    /// The whole file, after this many milliseconds.
    case late(Int)
}

/// A repository on loopback that serves a simulator's files and misbehaves on the paths it is told.
final class HostileServer: Sendable {
    private struct State {
        var files: [String: [UInt8]] = [:]
        var misbehaviours: [String: Misbehaviour] = [:]
        var requests: [String] = []
    }

    private let state = Mutex(State())

    var metadataURL: String { "http://127.0.0.1:\(port.withLock { $0 })/metadata/" }
    var targetsURL: String { "http://127.0.0.1:\(port.withLock { $0 })/targets/" }
    private let port = Mutex(0)

    /// Serves what the simulator has published up to now.
    func serve(_ repository: RepositorySimulator) {
        let files = repository.files
        state.withLock { state in
            state.files = [:]
            for (path, bytes) in files {
                state.files[path.hasPrefix("targets/") ? "/" + path : "/metadata/" + path] = bytes
            }
        }
    }

    /// On a path below metadata, or nil for all of them.
    func misbehave(_ path: String?, _ misbehaviour: Misbehaviour?) {
        state.withLock { $0.misbehaviours[path.map { "/metadata/" + $0 } ?? "*"] = misbehaviour }
    }

    func takeRequests() -> [String] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    @discardableResult
    func serving<Result>(_ body: () async throws -> Result) async throws -> Result {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(self))
                }
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        port.withLock { $0 = channel.localAddress?.port ?? 0 }
        do {
            let result = try await body()
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    fileprivate func take(_ path: String) -> (file: [UInt8]?, misbehaviour: Misbehaviour?) {
        state.withLock { state in
            state.requests.append(path)
            return (state.files[path], state.misbehaviours[path] ?? state.misbehaviours["*"])
        }
    }
}

/// One connection: a request, an answer, the end.
private final class Answering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: HostileServer
    private var request = ""

    init(_ server: HostileServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        request += String(buffer: unwrapInboundIn(data))
        guard request.contains("\r\n\r\n") else { return }
        let parts = request.split(separator: " ", maxSplits: 2)
        request = ""
        guard parts.count == 3 else { return context.close(promise: nil) }
        let (file, misbehaviour) = server.take(String(parts[1]))
        switch misbehaviour {
        case nil: send(context, file)
        case .answer(let status, let headers, let body)?: send(context, status, headers, body, close: true)
        case .endless(let announced)?:
            send(context, "200 OK", announced ? ["Content-Length: 9999999999"] : [], [], close: false)
            flood(context)
        case .dripping?:
            send(context, "200 OK", [], [], close: false)
            drip(context)
        case .silence?: break
        case .cutShort?: send(context, "200 OK", ["Content-Length: 100000"], file ?? [], close: true)
        case .late(let milliseconds)?:
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) {
                self.send(context, file)
            }
        }
    }

    private func send(_ context: ChannelHandlerContext, _ file: [UInt8]?) {
        let body = file ?? []
        send(context, file == nil ? "404 Not Found" : "200 OK", ["Content-Length: \(body.count)"], body, close: true)
    }

    private func send(
        _ context: ChannelHandlerContext, _ status: String, _ headers: [String], _ body: [UInt8], close: Bool
    ) {
        let head = (["HTTP/1.1 \(status)", "Connection: close"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
        var buffer = ByteBuffer(string: head)
        buffer.writeBytes(body)
        let written = context.writeAndFlush(wrapOutboundOut(buffer))
        guard close else { return }
        written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func flood(_ context: ChannelHandlerContext) {
        let chunk = ByteBuffer(repeating: UInt8(ascii: " "), count: 65_536)
        context.writeAndFlush(wrapOutboundOut(chunk)).assumeIsolated().whenSuccess { self.flood(context) }
    }

    private func drip(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: " "))).assumeIsolated().whenSuccess {
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) { self.drip(context) }
        }
    }
}
