import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import Observability
import RoadsteadStore
import TrustModel

/// What operators and programs ask beside the API: liveness, readiness, metrics, the API's description.
struct OperatorRoutes: Sendable {
    /// One thing without which the server cannot serve, and why it is not there; nil when it is.
    typealias Check = @Sendable () async -> (name: String, problem: String?)

    let checks: [Check]
    let metrics: MetricsRegistry
    let document: OpenAPIDocument
    let gate: Gate
    let clock: @Sendable () -> UTCDate
    /// Brings gauges up to date before they are read.
    let sample: @Sendable () -> Void
    /// Fleets whose publishing has stopped: shown, without making the server unready, which goes on serving files.
    let halts: @Sendable () async -> [HaltRecord]

    /// What `add` adds.
    static let paths = ["/healthz", "/readyz", "/openapi.json", "/metrics"]

    func add(to router: Router<RoadsteadContext>) {
        let openapi = ByteBuffer(bytes: document.json.bytes)
        router.get("healthz") { _, _ in Self.json(.ok, ["status": "alive"]) }
        router.get("readyz") { _, _ in await ready() }
        router.get("openapi.json") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "public, max-age=300"],
                body: .init(byteBuffer: openapi))
        }
        router.get("metrics") { request, context in try await exposition(request, context) }
    }

    private func ready() async -> Response {
        let results = await withTaskGroup { group in
            for (index, check) in checks.enumerated() { group.addTask { (index, await check()) } }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        let isReady = results.allSatisfy { $0.problem == nil }
        let members = results.map { ($0.name, JSON.string($0.problem ?? "ready")) }
        let halted = await halts().map { ($0.fleet.rawValue, JSON.string($0.reason)) }
        var body = JSONObject([
            ("status", .string(isReady ? "ready" : "not ready")), ("checks", .object(JSONObject(members))),
        ])
        if !halted.isEmpty { body["halted"] = .object(JSONObject(halted)) }
        return Self.json(isReady ? .ok : .serviceUnavailable, .object(body))
    }

    private func exposition(_ request: Request, _ context: RoadsteadContext) async throws -> Response {
        if !gate.proxies.isLocal(request, context) {
            _ = try await gate.signIn(Gate.bearer(of: request), request, context, now: clock())
        }
        sample()
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: metrics.text())))
    }

    private static func json(_ status: HTTPResponse.Status, _ body: JSON) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes)))
    }
}
