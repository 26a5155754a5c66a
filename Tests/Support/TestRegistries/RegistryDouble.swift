import Codecs
package import NIOCore
package import NIOHTTP1
import NIOPosix
package import NIOSSL
import OCI
import Synchronization

/// A registry that keeps what it is given, in memory, with or without the referrers API and token service, and that can
/// be told to fail in the ways in which registries and networks do.
package final class RegistryDouble: Sendable {
    package struct Answer: Sendable {
        package var status: Int
        package var headers: [(String, String)] = []
        package var body: [UInt8] = []

        package init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    package struct Asked: Sendable {
        package let method: String
        package let uri: String
        package let headers: HTTPHeaders
        package let count: Int
    }

    /// What goes wrong with one request.
    package enum Fault: Sendable {
        /// It is answered with this, and nothing is done.
        case answer(Answer)
        /// So many bytes of its body are taken, then the connection ends.
        case cut(after: Int)
        /// It is done, and the connection ends before the answer.
        case cutAnswer
        /// It is done, and the answer is changed.
        case lie(@Sendable (inout Answer) -> Void)
    }

    package struct Stored: Sendable, Equatable {
        package let bytes: [UInt8]
        package let type: String

        package init(bytes: [UInt8], type: String) {
            self.bytes = bytes
            self.type = type
        }
    }

    package struct State {
        package var blobs: [String: [UInt8]] = [:]
        /// By repository and name, which is a tag or a digest.
        package var manifests: [String: Stored] = [:]
        package var uploads: [String: [UInt8]] = [:]
        package var asked: [Asked] = []
        package var faults: [(method: String, part: String, fault: Fault)] = []
        /// Scopes by token.
        package var tokens: [String: [String]] = [:]
        /// What the token service wants to see: the header `Authorization`, or a form's refresh token.
        package var secret: String?
        package var pageSize = Int.max
        /// How long each answer takes.
        package var delay = TimeAmount.zero
        package var inFlight = 0
        package var mostInFlight = 0
    }

    private let state = Mutex(State())
    private let hasReferrers: Bool

    package init(referrers: Bool = true) { hasReferrers = referrers }

    package var asked: [Asked] { state.withLock { $0.asked } }
    package var blobs: [String: [UInt8]] { state.withLock { $0.blobs } }
    package var manifests: [String: Stored] { state.withLock { $0.manifests } }
    package var mostInFlight: Int { state.withLock { $0.mostInFlight } }
    package func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    /// What is under a name of a repository.
    package func manifest(_ repository: String, _ name: String) -> Stored? {
        state.withLock { $0.manifests["\(repository) \(name)"] }
    }

    package func put(
        manifest bytes: [UInt8], type: String = MediaType.imageManifest, _ repository: String, tag: String? = nil
    ) {
        state.withLock {
            $0.manifests["\(repository) \(Digest(of: bytes))"] = Stored(bytes: bytes, type: type)
            if let tag { $0.manifests["\(repository) \(tag)"] = Stored(bytes: bytes, type: type) }
        }
    }

    package func put(blob: [UInt8], _ repository: String) {
        state.withLock { $0.blobs["\(repository) \(Digest(of: blob))"] = blob }
    }

    /// Lets the next request fail whose method is this and whose address has this part.
    package func next(_ method: String, _ part: String, times: Int = 1, _ fault: Fault) {
        state.withLock { for _ in 1...times { $0.faults.append((method, part, fault)) } }
    }

    /// Lets in only who shows a token of the service at `/token`, which wants to see this.
    package func requireTokens(for secret: String) { state.withLock { $0.secret = secret } }

    /// Runs it on a port of its own, and gives the body its address.
    ///
    /// - Parameter tls: speaks TLS with this, and nothing else.
    package func run<Value>(tls: NIOSSLContext? = nil, _ body: (String) async throws -> Value) async throws -> Value {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Conversation(self))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        do {
            let value = try await body("127.0.0.1:\(server.localAddress?.port ?? 0)")
            try await server.close()
            return value
        } catch {
            try? await server.close()
            throw error
        }
    }

    // MARK: What it does

    /// Notes that a request has begun, and gives how long its answer takes.
    fileprivate func began() -> TimeAmount {
        state.withLock { state in
            state.inFlight += 1
            state.mostInFlight = max(state.mostInFlight, state.inFlight)
            return state.delay
        }
    }

    fileprivate func ended() { state.withLock { $0.inFlight -= 1 } }

    fileprivate func fault(for head: HTTPRequestHead) -> Fault? {
        state.withLock { state in
            guard
                let index = state.faults.firstIndex(where: {
                    $0.method == head.method.rawValue && head.uri.contains($0.part)
                })
            else { return nil }
            return state.faults.remove(at: index).fault
        }
    }

    /// Notes a request; what of its body came counts as received.
    fileprivate func took(_ head: HTTPRequestHead, _ body: [UInt8]) {
        state.withLock { state in
            state.asked.append(
                Asked(method: head.method.rawValue, uri: head.uri, headers: head.headers, count: body.count))
        }
    }

    fileprivate func tookPart(_ head: HTTPRequestHead, _ body: [UInt8]) {
        took(head, body)
        guard head.method == .PATCH, let id = head.uri.split(separator: "/").last else { return }
        state.withLock { $0.uploads[String(id), default: []] += body }
    }

    fileprivate func answer(_ head: HTTPRequestHead, _ body: [UInt8]) -> Answer {
        let parts = head.uri.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count > 1 ? Self.pairs(parts[1]) : []
        if parts[0] == "/token" { return token(head, query, body) }
        let words = parts[0].split(separator: "/").map(String.init)
        guard words.first == "v2", words.count >= 4,
            let kind = words.lastIndex(where: { ["manifests", "blobs", "referrers"].contains($0) })
        else { return Answer(status: 404) }
        let repository = words[1..<kind].joined(separator: "/")
        if let refusal = refusal(head, repository) { return refusal }
        let rest = Array(words[(kind + 1)...])
        return state.withLock { state in
            switch (words[kind], rest.first) {
            case ("manifests", let name?): manifest(head, repository, name, body, &state)
            case ("referrers", let digest?): referrers(repository, digest, query, &state)
            case ("blobs", "uploads"): upload(head, repository, rest.dropFirst().first, query, body, &state)
            case ("blobs", let digest?):
                state.blobs["\(repository) \(digest)"].map {
                    Answer(status: 200, headers: [("Content-Length", "\($0.count)")], body: $0)
                } ?? Answer(status: 404)
            default: Answer(status: 404)
            }
        }
    }

    private func manifest(
        _ head: HTTPRequestHead, _ repository: String, _ name: String, _ body: [UInt8], _ state: inout State
    ) -> Answer {
        if head.method == .PUT {
            let stored = Stored(bytes: body, type: head.headers.first(name: "Content-Type") ?? "")
            state.manifests["\(repository) \(name)"] = stored
            state.manifests["\(repository) \(Digest(of: body))"] = stored
            var answer = Answer(status: 201, headers: [("Docker-Content-Digest", "\(Digest(of: body))")])
            if hasReferrers, let subject = Self.subject(of: body) { answer.headers.append(("OCI-Subject", subject)) }
            return answer
        }
        guard let found = state.manifests["\(repository) \(name)"] else { return Answer(status: 404) }
        return Answer(status: 200, headers: [("Content-Type", found.type)], body: found.bytes)
    }

    private func referrers(
        _ repository: String, _ digest: String, _ query: [(String, String)], _ state: inout State
    ) -> Answer {
        guard hasReferrers else { return Answer(status: 404) }
        let all = state.manifests.filter {
            $0.key.hasPrefix("\(repository) sha256:") && Self.subject(of: $0.value.bytes) == digest
        }.sorted { $0.key < $1.key }
        let start = query.first { $0.0 == "from" }.flatMap { Int($0.1) } ?? 0
        let page = all.dropFirst(start).prefix(state.pageSize)
        let index = page.reduce(Index()) { $0.appending(Descriptor(of: $1.value.bytes, mediaType: $1.value.type)) }
        var answer = Answer(status: 200, headers: [("Content-Type", MediaType.imageIndex)], body: index.bytes)
        if start + page.count < all.count {
            let next = "/v2/\(repository)/referrers/\(digest)?from=\(start + page.count)"
            answer.headers.append(("Link", "<\(next)>; rel=\"next\""))
        }
        return answer
    }

    private func upload(
        _ head: HTTPRequestHead, _ repository: String, _ id: String?, _ query: [(String, String)], _ body: [UInt8],
        _ state: inout State
    ) -> Answer {
        let value: (String) -> String? = { name in query.first { $0.0 == name }?.1 }
        if head.method == .POST {
            if let digest = value("mount"), let from = value("from"), let blob = state.blobs["\(from) \(digest)"] {
                state.blobs["\(repository) \(digest)"] = blob
                return Answer(status: 201)
            }
            let new = "u\(state.asked.count)"
            state.uploads[new] = []
            return Answer(status: 202, headers: [("Location", "/v2/\(repository)/blobs/uploads/\(new)")])
        }
        guard let id, let so = state.uploads[id] else { return Answer(status: 404) }
        let there = [
            ("Location", "/v2/\(repository)/blobs/uploads/\(id)"), ("Range", "0-\(max(0, so.count + body.count - 1))"),
        ]
        switch head.method {
        case .GET: return Answer(status: 204, headers: there)
        case .PATCH:
            guard head.headers.first(name: "Content-Range")?.hasPrefix("\(so.count)-") == true else {
                return Answer(status: 416)
            }
            state.uploads[id] = so + body
            return Answer(status: 202, headers: there)
        default:
            state.uploads[id] = nil
            let blob = so + body
            guard let digest = value("digest"), "\(Digest(of: blob))" == digest else { return Answer(status: 400) }
            state.blobs["\(repository) \(digest)"] = blob
            return Answer(status: 201, headers: [("Docker-Content-Digest", digest)])
        }
    }

    // MARK: Tokens

    private func refusal(_ head: HTTPRequestHead, _ repository: String) -> Answer? {
        state.withLock { state in
            guard state.secret != nil else { return nil }
            let token = head.headers.first(name: "Authorization")?.split(separator: " ").last.map(String.init) ?? ""
            let right = head.method == .GET || head.method == .HEAD ? "pull" : "push"
            let held = state.tokens[token]?.contains { scope in
                scope.hasPrefix("repository:\(repository):") && scope.contains(right)
            }
            if held == true { return nil }
            let realm = "http://\(head.headers.first(name: "Host") ?? "")/token"
            return Answer(
                status: 401,
                headers: [("WWW-Authenticate", "Bearer realm=\"\(realm)\",service=\"double\"")])
        }
    }

    private func token(_ head: HTTPRequestHead, _ query: [(String, String)], _ body: [UInt8]) -> Answer {
        state.withLock { state in
            let form = Self.pairs(String(decoding: body, as: UTF8.self))
            let shown = form.first { $0.0 == "refresh_token" }?.1 ?? head.headers.first(name: "Authorization")
            guard shown == state.secret else { return Answer(status: 401) }
            let scopes = (query + form).filter { $0.0 == "scope" }.flatMap { $0.1.split(separator: " ") }
            let token = "t\(state.tokens.count)"
            state.tokens[token] = scopes.map(String.init)
            return Answer(status: 200, body: Array(#"{"access_token":"\#(token)"}"#.utf8))
        }
    }

    private static func pairs(_ text: String) -> [(String, String)] {
        text.split(separator: "&").compactMap { pair in
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2 else { return nil }
            return (sides[0], sides[1].removingPercent)
        }
    }

    private static func subject(of manifest: [UInt8]) -> String? {
        (try? Manifest(parsing: manifest))?.subject?.digest.description
    }
}

extension String {
    fileprivate var removingPercent: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"),
                let decoded = try? Hex.decode(
                    String(decoding: rest.prefix(2), as: UTF8.self).lowercased())
            {
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// One connection to the double.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let registry: RegistryDouble
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var fault: RegistryDouble.Fault?

    init(_ registry: RegistryDouble) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
            fault = registry.fault(for: head)
        case .body(let part):
            guard let head else { return }
            body += part.readableBytesView
            if case .cut(let limit)? = fault, body.count >= limit {
                registry.tookPart(head, Array(body.prefix(limit)))
                self.head = nil
                context.close(promise: nil)
            }
        case .end:
            guard let head else { return }
            registry.took(head, body)
            let (delay, bound) = (registry.began(), NIOLoopBound((self, context), eventLoop: context.eventLoop))
            context.eventLoop.scheduleTask(in: delay) {
                let (conversation, context) = bound.value
                conversation.registry.ended()
                conversation.finish(head, context)
            }
        }
    }

    private func finish(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var answer: RegistryDouble.Answer
        switch fault {
        case .answer(let instead)?: answer = instead
        case .lie(let change)?:
            answer = registry.answer(head, body)
            change(&answer)
        case .cutAnswer?, .cut?:
            _ = registry.answer(head, body)
            return context.close(promise: nil)
        case nil: answer = registry.answer(head, body)
        }
        var headers = HTTPHeaders(answer.headers)
        if !headers.contains(name: "Content-Length"), answer.status != 204 {
            headers.add(name: "Content-Length", value: "\(answer.body.count)")
        }
        let status = HTTPResponseStatus(statusCode: answer.status)
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD, answer.status != 204 {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
