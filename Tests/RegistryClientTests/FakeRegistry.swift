import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import OCI
import Synchronization

/// A registry that answers from a list, and notes what it was asked and by whom.
final class FakeRegistry: Sendable {
    struct Reply: Sendable {
        var status: HTTPResponse.Status = .ok
        var headers: HTTPFields = [:]
        var body: [UInt8] = []
    }

    struct Asked: Sendable {
        let path: String
        let authorization: String?
    }

    private struct State {
        var replies: [String: Reply] = [:]
        var asked: [Asked] = []
        var token: String?
    }

    private let state = Mutex(State())

    var asked: [Asked] { state.withLock { $0.asked } }

    func reply(to path: String, _ reply: Reply) { state.withLock { $0.replies[path] = reply } }

    func manifest(_ path: String, _ bytes: [UInt8], type: String = MediaType.imageManifest) {
        reply(to: path, Reply(headers: [.contentType: type], body: bytes))
    }

    /// Lets in only who shows this token, which the token service at `/token` gives out.
    func require(token: String) { state.withLock { $0.token = token } }

    /// Runs it on a port of its own, and gives the body its address.
    func run(_ body: @Sendable (String) async throws -> Void) async throws {
        let router = Router()
        router.get("**") { request, _ in self.answer(request) }
        try await Application(router: router).test(.live) { client in
            try await body("127.0.0.1:\(client.port ?? 0)")
        }
    }

    private func answer(_ request: Request) -> Response {
        let path = request.uri.path
        let authorization = request.headers[.authorization]
        let reply: Reply = state.withLock { state in
            state.asked.append(Asked(path: path, authorization: authorization))
            if let token = state.token, path != "/token", authorization != "Bearer \(token)" {
                let host = request.head.authority ?? ""
                let challenge = #"Bearer realm="http://\#(host)/token",service="fake""#
                return Reply(status: .unauthorized, headers: [.wwwAuthenticate: challenge])
            }
            return state.replies[path] ?? Reply(status: .notFound)
        }
        return Response(
            status: reply.status, headers: reply.headers, body: .init(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
}
